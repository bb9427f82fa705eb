/** The runs this page has seen: the one that is on or was last, and the one before it, which still scrolls by. Pure. */

import { RunData } from "./run_data.js";

export class RunStore {
  /** @type {RunData|null} */
  current = null;
  /** @type {RunData|null} */
  previous = null;
  /** Since when the page has been hidden; null while it can be seen. */
  hiddenSince = null;
  /** @type {RunData|null} the last run that went its length with its settings as they were; null where there is none yet */
  whole = null;
  /** @type {RunData|null} a run that was on when the server was lost; null where there is none */
  lost = null;
  #uncertainty_ms = null;

  begin(run) {
    const known = this.current?.run;
    const isKnown = known?.id === run.id && known.t0_ns === run.t0_ns; // a server that was started anew counts from 1 again
    if (isKnown && this.lost !== this.current) return;
    this.lost = null;
    this.previous = this.current;
    this.current = new RunData(run);
  }

  /** A run goes on with other settings. */
  change(run) {
    this.#of(run.id)?.change(run);
  }

  addTick(tick) {
    this.#of(tick.run)?.addTick(tick);
  }

  /** Any message of the worker; its estimate of the clock holds for the times that follow. */
  addTraffic(message) {
    if (message.kind === "clock") this.#uncertainty_ms = message.uncertainty_ms;
    else this.#of(message.run)?.addTraffic(message, this.#uncertainty_ms);
  }

  addHidden(from_ns, to_ns) {
    for (const data of [this.previous, this.current]) data?.addHidden(from_ns, to_ns);
  }

  end(runId) {
    const data = this.#of(runId);
    data?.end();
    if (data?.isWhole) this.whole = data;
  }

  /** The server cannot be reached: a run that is on ends with what is known of it. */
  breakOff() {
    if (this.current === null || this.current.ended) return;
    this.current.end();
    this.lost = this.current;
  }

  /** The last run that is over; null before there is one. */
  get finished() {
    return [this.current, this.previous].find((data) => data?.ended) ?? null;
  }

  #of(runId) {
    return [this.current, this.previous].find((data) => data?.run.id === runId) ?? null;
  }
}
