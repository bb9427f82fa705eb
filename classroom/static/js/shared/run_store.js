/** The runs that this page has received: the newest, and the one before it, which the lanes may still show. Pure. */

import { RunData } from "./run_data.js";

export class RunStore {
  /** @type {RunData|null} */
  current = null;
  /** @type {RunData|null} */
  previous = null;
  /** When the page was hidden, in ns; null while it is visible. */
  hiddenSince = null;
  /** @type {RunData|null} the last run that was neither cut short nor changed */
  whole = null;
  /** @type {RunData|null} the run that was in progress when the connection to the server was lost */
  lost = null;
  #uncertainty_ms = null;

  begin(run) {
    const known = this.current?.run;
    const isKnown = known?.id === run.id && known.t0_ns === run.t0_ns; // a restarted server numbers its runs from 1 again
    if (isKnown && this.lost !== this.current) return;
    this.lost = null;
    this.previous = this.current;
    this.current = new RunData(run);
  }

  /** Continue a run with other settings. */
  change(run) {
    this.#of(run.id)?.change(run);
  }

  addTick(tick) {
    this.#of(tick.run)?.addTick(tick);
  }

  /** Add a message of the worker. Its clock messages give the uncertainty of the times that follow. */
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

  /** End a run in progress, since the connection to the server is lost. */
  breakOff() {
    if (this.current === null || this.current.ended) return;
    this.current.end();
    this.lost = this.current;
  }

  /** The last finished run; null if there is none. */
  get finished() {
    return [this.current, this.previous].find((data) => data?.ended) ?? null;
  }

  #of(runId) {
    return [this.current, this.previous].find((data) => data?.run.id === runId) ?? null;
  }
}
