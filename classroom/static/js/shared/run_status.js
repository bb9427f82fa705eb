/** Whether the server starts another run after this one. */
export function isFollowed(data, { auto, store }) {
  return auto && data !== store.lost;
}

/** Return the state of a run (run_data.js) at a time in a few words: in progress, over, stopped or lost. `context`: see page/main.js. */
export function runStatus(data, at_ns, context) {
  if (data === null || at_ns === null) return "Waiting for the first run";
  const { run: { id, t0_ns }, settings: { duration_s } } = data;
  if (data === context.store.lost) return `Run ${id} broke off: this page has lost the server`;
  if (data.ended) return `Run ${id} is over${data.cut_ns === null ? "" : ": it was stopped"}${isFollowed(data, context) ? "; the next follows" : ""}`;
  const at_s = Math.max(0, (at_ns - t0_ns) / 1e9);
  return at_s > duration_s ? `Run ${id}: the last events arrive` : `${context.recorded ? "Recorded" : "Live"}, run ${id}: ${Math.floor(at_s)} of ${duration_s} s`;
}
