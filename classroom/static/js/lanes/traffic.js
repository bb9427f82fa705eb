/** Starts the worker that makes the page's traffic, and passes its messages on. */

const LANES = 4;
const CLOCK_MEMORY = 20;

export class Traffic {
  /** Is called with each message of the worker (worker/transports.worker.js). */
  onMessage = () => {};
  /** How far a time of this page can be from the server's clock, at most; null until it is known. */
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

  /** Start this run's traffic, unless it has been started. */
  begin(run) {
    if (this.#run === run.id) return;
    this.#run = run.id;
    this.#worker.postMessage({ kind: "begin", run });
  }

  /** Let the run go on with other settings, from its next poll on. */
  change(run) {
    if (this.#run === run.id) this.#worker.postMessage({ kind: "change", run });
  }

  /** End the run: nothing new is sent, and what is on its way still arrives. */
  end(runId) {
    if (this.#run !== runId) return;
    this.#run = null;
    this.#worker.postMessage({ kind: "end" });
  }

  /** Stop the worker and with it all traffic. */
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
      // Each offset is too small by the time that its message took to come here: the largest of them is nearest to the truth.
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
