/** Short polling: ask at regular times, whether or not there is something new. */

import { cursorQuery, poll } from "./poll.js";

const PUBLISHING_MARGIN_NS = 50e6;
/** By how much a timer of the browser may be early. */
const TIMER_EARLY_NS = 2e6;

/** When the next poll of a run is planned: at `t0 + (phase + k)·interval`; the last one is the first after the last event.
 *
 * A poll whose predecessor took too long goes out at once, those that fell due in between are skipped.
 *
 * @param {number} phase in intervals, 0 to 1
 * @param {number} now_ns
 * @param {number|null} last_ns when the previous poll was planned
 * @returns {number|null} null: no more
 */
export function nextPollNs(run, phase, now_ns, last_ns) {
  const interval_ns = run.settings.poll_interval_s * 1e9;
  const first_ns = run.t0_ns + phase * interval_ns;
  const until_ns = run.end_ns + PUBLISHING_MARGIN_NS;
  if (last_ns === null) return first_ns + Math.max(0, Math.ceil((now_ns - first_ns) / interval_ns)) * interval_ns;
  if (last_ns >= until_ns) return null;
  const due_since = Math.floor((now_ns - last_ns) / interval_ns);
  return last_ns + Math.max(1, due_since) * interval_ns;
}

/** @param {import("./lane.js").Lane} lane @returns {() => void} ends it */
export function runShortPoll(lane, run) {
  const aborter = new AbortController();
  loop(lane, run, aborter.signal);
  return () => aborter.abort();
}

async function loop(lane, run, signal) {
  const phase = Math.random(); // real clients poll independently of each other and of the events
  let after = 0;
  let planned_ns = null;
  for (;;) {
    const last_ns = planned_ns;
    do {
      planned_ns = nextPollNs(run, phase, lane.nowNs(), last_ns);
      if (planned_ns === null) return;
      await lane.sleepUntil(planned_ns);
      if (lane.ending.aborted || signal.aborted) return;
    } while (lane.nowNs() < planned_ns - TIMER_EARLY_NS); // it was woken early because the interval was changed
    after = (await poll(lane, cursorQuery(run, after), signal)).next ?? after;
  }
}
