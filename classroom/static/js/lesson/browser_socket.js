const STATES = ["CONNECTING", "OPEN", "CLOSING", "CLOSED"];

/** A WebSocket that records every call and event in `notes`, with its `readyState` before and after. `changed()` is called after each record. */
export class BrowserSocket {
  #changed;
  #notes;
  #now;
  #socket;
  #state;

  constructor(address, path, serverNow, notes, changed) {
    this.#now = serverNow;
    this.#notes = notes;
    this.#changed = changed;
    this.#state = null;
    this.#socket = new WebSocket(address);
    this.#note("connect", { path });
    this.#socket.onopen = () => this.#note("open", {});
    this.#socket.onmessage = (event) => this.#note("message", { text: String(event.data) });
    this.#socket.onclose = (event) => this.#note("closed", { code: event.code, clean: event.wasClean, reason: event.reason });
  }

  /** The name of the current `readyState`. */
  get state() {
    return STATES[this.#socket.readyState];
  }

  send(text) {
    if (this.state !== "OPEN") return;
    const at_ns = this.#now();
    this.#socket.send(text);
    this.#note("send", { text }, at_ns);
  }

  close(code = 1000) {
    if (this.state !== "OPEN") return;
    const at_ns = this.#now();
    this.#socket.close(code);
    this.#note("close", { code }, at_ns);
  }

  #note(kind, facts, at_ns = this.#now()) {
    const before = this.#state;
    this.#state = this.state;
    this.#notes.push({ kind, at_ns, before, after: this.#state, ...facts });
    this.#changed();
  }
}
