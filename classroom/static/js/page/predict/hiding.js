/** The pace of the lanes while the tab is hidden, compared with their pace while it is visible. Pure. */

/** Shorter hidden spans have too few events to judge by. */
export const HIDDEN_LONG_ENOUGH_S = 3;

/** A lane has slowed down below the first share of its visible pace, and stopped below the second. */
const SLOWED_RATIO = 0.6;
const STOPPED_RATIO = 0.1;

/** Return the total length of spans [from_ns, to_ns] in seconds. */
export function totalSeconds(spans) {
  return spans.reduce((sum, [from, to]) => sum + (to - from), 0) / 1e9;
}

function isWithin(spans, atNs) {
  return spans.some(([from, to]) => from <= atNs && atNs < to);
}

/**
 * Return the events per second while hidden, divided by those while visible; null if either span is empty or nothing happened while visible.
 * Times outside [fromNs, toNs) are ignored; the `hidden` spans lie within it.
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
 * Return which choice of the question "Nobody looks" describes the lanes: "all_go_on", "polls_slow", "polls_stop", "all_stop", or "other" for none of them;
 * null if the tab was not hidden for long enough. Takes what evidenceOf (evidence.js) returns.
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

function describePace(ratio) {
  if (ratio === null || ratio < STOPPED_RATIO) return "stopped";
  return ratio < SLOWED_RATIO ? "slowed" : "on";
}
