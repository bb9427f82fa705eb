/** Times and counts as they are written on the page. */

/** Format a time with three digits and at most two decimals, such as "0.14 ms", "50.3 ms" or "1.32 s". */
export function durationText(ms) {
  if (ms < 1) return `${ms.toFixed(2)} ms`;
  if (ms < 100) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${ms.toFixed(0)} ms`;
  return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
}

/** Format a time without needless decimals, such as "53 ms" or "1.2 s"; a dash for null. */
export function timeText(ms) {
  if (ms === null || ms === undefined) return "–";
  if (ms < 9.95) return `${Number(ms.toFixed(1))} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  return `${seconds < 9.95 ? Number(seconds.toFixed(2)) : Number(seconds.toFixed(1))} s`;
}

/** Format a count with its noun, such as "1 device" or "7 devices". */
export function countText(count, one, many = `${one}s`) {
  return `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
}
