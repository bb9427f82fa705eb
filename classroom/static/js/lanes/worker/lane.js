const CLOSING_MARGIN_MS = 300;

/** What one transport needs for one run: its address, the server's clock, and functions that report what happens. */
export class Lane {
  #base;
  #query;
  #transport;
  #run;
  #clock;
  #post;
  #requests = 0;
  #wake = () => {};
  /** Aborts when the run is over: from then on nothing new is sent. @type {AbortSignal} */
  ending;

  /**
   * @param {{transport: string, url: string, client: number, run: object, clock: import("./clock.js").Clock, ending: AbortSignal}} given
   * @param {(message: object) => void} post
   */
  constructor({ transport, url, client, run, clock, ending }, post) {
    this.#base = url;
    this.#query = { client, run: run.id };
    this.#transport = transport;
    this.#run = run.id;
    this.#clock = clock;
    this.ending = ending;
    this.#post = post;
  }

  /** The lane's URL with the client, the run and this query. */
  address(query) {
    return `${this.#base}?${new URLSearchParams({ ...this.#query, ...query })}`;
  }

  nowNs() {
    return this.#clock.nowNs();
  }

  /** Number of the next request of this run, from 1. */
  nextRequest() {
    this.#requests += 1;
    return this.#requests;
  }

  /** End the present sleep, because the time that it waits for may have changed. */
  wake() {
    this.#wake();
  }

  /** Return a promise that resolves at this time of the server's clock, when the run ends, or when `wake` is called. */
  sleepUntil(at_ns) {
    return new Promise((resolve) => {
      this.#wake = resolve;
      const timer = setTimeout(resolve, Math.max(0, (at_ns - this.nowNs()) / 1e6));
      this.ending.addEventListener("abort", () => {
        clearTimeout(timer);
        resolve();
      }, { once: true });
    });
  }

  /** Call `act` when all that the run publishes has arrived, early enough for a closing handshake to end before the run
   * does and its account is closed. */
  whenDone(run, act) {
    const { one_way_delay_ms: transit_ms } = run.settings;
    const at_ns = run.end_ns + run.drain_ns - (2 * transit_ms + CLOSING_MARGIN_MS) * 1e6;
    setTimeout(act, Math.max(0, (at_ns - this.nowNs()) / 1e6));
  }

  sent(n) {
    this.#tell({ kind: "sent", n, at_ns: this.nowNs() });
  }

  answered(n, status, events = [], at_ns = this.nowNs()) {
    this.#tell({ kind: "answered", n, at_ns, status, events: events.map(({ seq, due_ns }) => ({ seq, due_ns })) });
  }

  frame(seq, due_ns, at_ns) {
    this.#tell({ kind: "frame", seq, due_ns, at_ns });
  }

  opened() {
    this.#tell({ kind: "opened", at_ns: this.nowNs() });
  }

  closed(code) {
    this.#tell({ kind: "closed", at_ns: this.nowNs(), code });
  }

  #tell(message) {
    this.#post({ ...message, transport: this.#transport, run: this.#run });
  }
}
