/** The runs this page has seen: the one that is on or was last, and the one before it, which still scrolls by. Pure. */

import { RunData } from "./run_data.js";

export class RunStore {
  /** @type {RunData|null} */
  current = null;
  /** @type {RunData|null} */
  previous = null;
  /** Since when the page has been hidden; null while it can be seen. */
  hiddenSince = null;

  begin(run) {
    if (this.current?.run.id === run.id) return;
    this.previous = this.current;
    this.current = new RunData(run);
  }

  addTick(tick) {
    this.#of(tick.run)?.addTick(tick);
  }

  addTraffic(message) {
    if (message.run !== undefined) this.#of(message.run)?.addTraffic(message);
  }

  addHidden(from_ns, to_ns) {
    for (const data of [this.previous, this.current]) data?.addHidden(from_ns, to_ns);
  }

  end(runId) {
    const data = this.#of(runId);
    if (data) data.ended = true;
  }

  /** The last run that is over; null before there is one. */
  get finished() {
    return [this.current, this.previous].find((data) => data?.ended) ?? null;
  }

  #of(runId) {
    return [this.current, this.previous].find((data) => data?.run.id === runId) ?? null;
  }
}
