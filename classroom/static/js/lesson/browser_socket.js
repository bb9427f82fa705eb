// A browser's WebSocket that notes what is done with it and what it reports, with `readyState` before and after.

const STATES = ["CONNECTING", "OPEN", "CLOSING", "CLOSED"];

export class BrowserSocket {
  constructor(address, path, serverNow, notes, changed) {
    this._now = serverNow;
    this._notes = notes;
    this._changed = changed;
    this._state = null;
    this._socket = new WebSocket(address);
    this._note("connect", { path });
    this._socket.onopen = () => this._note("open", {});
    this._socket.onmessage = (event) => this._note("message", { text: String(event.data) });
    this._socket.onclose = (event) => this._note("closed", { code: event.code, clean: event.wasClean, reason: event.reason });
  }

  /** The browser's `readyState`, by name. */
  get state() {
    return STATES[this._socket.readyState];
  }

  send(text) {
    if (this.state !== "OPEN") return;
    const at_ns = this._now();
    this._socket.send(text);
    this._note("send", { text }, at_ns);
  }

  close(code = 1000) {
    if (this.state !== "OPEN") return;
    const at_ns = this._now();
    this._socket.close(code);
    this._note("close", { code }, at_ns);
  }

  _note(kind, facts, at_ns = this._now()) {
    const before = this._state;
    this._state = this.state;
    this._notes.push({ kind, at_ns, before, after: this._state, ...facts });
    this._changed();
  }
}
