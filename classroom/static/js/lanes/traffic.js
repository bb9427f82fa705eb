/** The page's side of the worker that makes the traffic. */

const LANES = 4;
const CLOCK_MEMORY = 20;

export class Traffic {
  /** Called with every message of the worker (worker/transports.worker.js). */
  onMessage = () => {};
  /** By how much a time of this page can be off the server's clock; null until it is known. */
  uncertaintyMs = null;
  #worker;
  #run = null;
  #offsets = [];

  /**
   * @param {object} given
   * @param {{transport, port, path}[]} given.lanes all lanes, in the server's order
   * @param {number} given.client the number that the server handed out
   * @param {string[]} given.transports which of the lanes this page uses
   */
  constructor({ lanes, client, transports }) {
    this.#worker = new Worker(new URL("./worker/transports.worker.js", import.meta.url), { type: "module" });
    this.#worker.onmessage = ({ data }) => this.#take(data);
    this.#worker.postMessage({
      kind: "setup",
      clockUrl: `${schemeOf("clock")}//${window.location.host}/api/clock`,
      lanes: lanes
        .map((lane, index) => ({ transport: lane.transport, url: urlOf(lane), client: client * LANES + index }))
        .filter((lane) => transports.includes(lane.transport)),
    });
  }

  /** Begin this run's traffic, unless it is on. */
  begin(run) {
    if (this.#run === run.id) return;
    this.#run = run.id;
    this.#worker.postMessage({ kind: "begin", run });
  }

  /** The run goes on with other settings, from its next poll on. */
  change(run) {
    if (this.#run === run.id) this.#worker.postMessage({ kind: "change", run });
  }

  /** The run is over: nothing new is sent, and what is under way still arrives. */
  end(runId) {
    if (this.#run !== runId) return;
    this.#run = null;
    this.#worker.postMessage({ kind: "end" });
  }

  /** End everything. */
  close() {
    this.#worker.terminate();
  }

  /** The server's clock now in nanoseconds, good enough for drawing; null until it is known. */
  serverNow() {
    return this.#offsets.length === 0 ? null : Math.max(...this.#offsets) + performance.now() * 1e6;
  }

  #take(message) {
    if (message.kind === "clock") {
      this.uncertaintyMs = message.uncertainty_ms;
      // The message took time to come here: the largest of some offsets is the one that was hurt least.
      this.#offsets.push(message.now_ns - performance.now() * 1e6);
      if (this.#offsets.length > CLOCK_MEMORY) this.#offsets.shift();
    }
    this.onMessage(message);
  }
}

function schemeOf(transport) {
  const secure = window.location.protocol === "https:";
  if (transport === "websocket" || transport === "clock") return secure ? "wss:" : "ws:";
  return window.location.protocol;
}

function urlOf(lane) {
  return `${schemeOf(lane.transport)}//${window.location.hostname}:${lane.port}${lane.path}`;
}
