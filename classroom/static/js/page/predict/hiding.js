/** What the lanes did while the tab was hidden. Pure. */

/** A shorter look elsewhere says nothing about the lanes. */
export const HIDDEN_LONG_ENOUGH_S = 3;

/** Below the first share of its pace a lane has slowed down, below the second it has stopped. */
const SLOWED_RATIO = 0.6;
const STOPPED_RATIO = 0.1;

/** Sum of [from_ns, to_ns] spans, in seconds. */
export function totalSeconds(spans) {
  return spans.reduce((sum, [from, to]) => sum + (to - from), 0) / 1e9;
}

/** Whether a time lies in one of the spans. */
export function isWithin(spans, atNs) {
  return spans.some(([from, to]) => from <= atNs && atNs < to);
}

/**
 * How often something happened per second while hidden, divided by how often while shown; null where that cannot be told.
 * `times_ns` within [fromNs, toNs) count, `hidden` are spans within it.
 */
export function paceRatio(timesNs, hidden, fromNs, toNs) {
  const hiddenS = totalSeconds(hidden);
  const shownS = (toNs - fromNs) / 1e9 - hiddenS;
  const inRun = timesNs.filter((at) => fromNs <= at && at < toNs);
  const whileHidden = inRun.filter((at) => isWithin(hidden, at)).length;
  const whileShown = inRun.length - whileHidden;
  if (hiddenS <= 0 || shownS <= 0 || whileShown === 0) return null;
  return whileHidden / hiddenS / (whileShown / shownS);
}

/**
 * Which course events took, as one of the choices of the question, "other" where it was none of them,
 * or null where the tab was not hidden for long enough. `lanes` hold each transport's `pace_ratio`.
 */
export function courseWhileHidden({ hidden, lanes }) {
  if (totalSeconds(hidden) < HIDDEN_LONG_ENOUGH_S) return null;
  const pace = (name) => describePace(lanes[name].pace_ratio);
  const open = [pace("websocket"), pace("sse")];
  const polls = [pace("long_poll"), pace("short_poll")];
  const all = (states, wanted) => states.every((state) => state === wanted);
  if (all([...open, ...polls], "stopped")) return "all_stop";
  if (!all(open, "on")) return "other";
  if (all(polls, "on")) return "all_go_on";
  if (all(polls, "stopped")) return "polls_stop";
  return polls[0] === "on" && polls[1] === "slowed" ? "polls_slow" : "other";
}

/** A lane's pace while hidden against while shown: "on", "slowed" or "stopped". */
export function describePace(ratio) {
  if (ratio === null || ratio < STOPPED_RATIO) return "stopped";
  return ratio < SLOWED_RATIO ? "slowed" : "on";
}
