/** Which few seconds of a run the hand-out shows. Pure. */

const STEP_NS = 250_000_000;
const WANTED_EVENTS = 4;

/** An event at the very end of the window is seen to leave but not to arrive. */
const SEEN_ARRIVING_RATIO = 0.9;

/**
 * The start (ns) of the window of `lengthNs` in which about four events are due: enough to compare the lanes, few enough to tell apart.
 * Of equally good windows the earliest. `dueNs` sorted, window within [fromNs, toNs].
 */
export function chooseWindow(dueNs, fromNs, toNs, lengthNs) {
  let best = { startNs: fromNs, distance: Infinity };
  for (let startNs = fromNs; startNs === fromNs || startNs + lengthNs <= toNs; startNs += STEP_NS) {
    const events = dueNs.filter((due) => startNs <= due && due < startNs + lengthNs);
    const cut = events.filter((due) => due > startNs + lengthNs * SEEN_ARRIVING_RATIO);
    const distance = Math.abs(events.length - WANTED_EVENTS) + cut.length;
    if (distance < best.distance) best = { startNs, distance };
  }
  return best.startNs;
}

/**
 * How many seconds to show: two polls and a half, so that at least two of them are seen whole, but no fewer than 3 and no more than 12.
 */
export function windowSeconds({ poll_interval_s: interval, rate_per_s: rate }) {
  return Math.min(12, Math.max(3, 2.5 * interval, Math.min(6, WANTED_EVENTS / rate)));
}
