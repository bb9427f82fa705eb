/** Plays a recorded run again and again, in place of a server. */

import { Signals } from "../../shared/signals.js";
import { messagesOf } from "./messages.js";

const STEP_MS = 50;
const LEAD_NS = 1e9;
const REFUSAL = "This is a recorded run: nothing can be started or asked. Open the page without ?recorded for a live one.";

/** Stands in for both Live (shared/live.js) and Traffic (lanes/traffic.js). */
export class Player {
  /** Called with every message of the recorded page's worker. */
  onMessage = () => {};
  #recording;
  #signals = new Signals();
  #waiting = [];
  #run = 0;

  /** `recording`: a file of classroom/static/recorded/ (docs/using/formats.md). */
  constructor(recording) {
    this.#recording = recording;
  }

  get uncertaintyMs() {
    return this.#recording.recorded.clock_uncertainty_ms;
  }

  on(type, fn) {
    return this.#signals.on(type, fn);
  }

  connect() {
    this.#signals.emit("connection", { state: "recorded" });
    this.#signals.emit("hello", { type: "hello", client: 0, teacher: false, mode: "solo", lanes: this.#recording.recorded.lanes, lesson_port: null, auto: true, run: null });
    this.#begin();
    setInterval(() => this.#play(), STEP_MS);
  }

  send() {}

  request() {
    return Promise.reject(new Error(REFUSAL));
  }

  begin() {}

  change() {}

  end() {}

  close() {}

  /** Return the page's own clock, to which the recorded times are shifted. */
  serverNow() {
    return performance.now() * 1e6;
  }

  #begin() {
    this.#run += 1;
    const shiftNs = this.serverNow() + LEAD_NS - this.#recording.run.t0_ns;
    this.#waiting = messagesOf(this.#recording, this.#run, shiftNs);
  }

  #play() {
    const now = this.serverNow();
    const due = this.#waiting.findIndex(({ at_ns: at }) => at > now);
    for (const { from, message } of this.#waiting.splice(0, due === -1 ? this.#waiting.length : due)) {
      if (from === "worker") this.onMessage(message);
      else this.#signals.emit(message.type, message);
    }
    if (this.#waiting.length === 0) this.#begin();
  }
}
