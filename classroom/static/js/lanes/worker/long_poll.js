/** Long polling: ask, be held until something happens, ask again at once. */

import { cursorQuery, poll } from "./poll.js";

const RETRY_MS = 1000;
const LAST_ANSWER_MARGIN_MS = 200;
const SHORTEST_HOLD_MS = 50;

/** How long the server may hold a request that is sent now: as set, but not past the time in which a run's last messages arrive.
 *
 * So the last poll of a run gets an (empty) answer and is not broken off. @returns {number|null} null: too short to ask
 */
export function holdMs(run, now_ns) {
  const transit_ms = run.settings.one_way_delay_ms;
  const left_ms = (run.end_ns + run.drain_ns - now_ns) / 1e6 - 2 * transit_ms - LAST_ANSWER_MARGIN_MS;
  return left_ms < SHORTEST_HOLD_MS ? null : Math.floor(Math.min(run.settings.hold_s * 1000, left_ms));
}

/** @param {import("./lane.js").Lane} lane @returns {() => void} ends it */
export function runLongPoll(lane, run) {
  const aborter = new AbortController();
  loop(lane, run, aborter.signal);
  return () => aborter.abort();
}

async function loop(lane, run, signal) {
  let after = 0;
  while (!lane.ending.aborted && !signal.aborted) {
    const hold_ms = holdMs(run, lane.nowNs());
    if (hold_ms === null) return;
    const { ok, next } = await poll(lane, { ...cursorQuery(run, after), hold_ms }, signal);
    after = next ?? after;
    if (!ok && !signal.aborted) await lane.sleepUntil(lane.nowNs() + RETRY_MS * 1e6);
  }
}
