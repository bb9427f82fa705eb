/** The positions of bars, marks and ticks in the charts of the class's latencies. Pure; times are in ms, positions in px. */

import { timeText } from "../shared/format.js";

const WIDEST = [1, 100_000];
const USUAL = [10, 10_000];

/** Return the axis's range: whole decades around the bins of all transports, and at least 10 ms to 10 s, so that it rarely changes. */
export function axisRange(transports) {
  const bins = Object.values(transports).flatMap((one) => one.histogram);
  const low = Math.min(USUAL[0], ...bins.map(([lo]) => lo));
  const high = Math.max(USUAL[1], ...bins.map(([, hi]) => hi));
  return [
    Math.max(WIDEST[0], 10 ** Math.floor(Math.log10(low) + 1e-9)),
    Math.min(WIDEST[1], 10 ** Math.ceil(Math.log10(high) - 1e-9)),
  ];
}

/** Return a function from ms to px on a logarithmic axis; values outside its range are drawn at its ends. */
export function logScale([low, high], width) {
  const decades = Math.log10(high / low);
  return (ms) => (width * Math.log10(Math.min(high, Math.max(low, ms)) / low)) / decades;
}

/** Return the axis's ticks: every decade with a label, and twice and five times each without. */
export function ticks([low, high]) {
  const all = [];
  for (let decade = low; decade <= high * 1.0001; decade *= 10) {
    all.push({ ms: decade, label: timeText(decade) });
    for (const step of [2, 5]) if (decade * step < high) all.push({ ms: decade * step, label: "" });
  }
  return all;
}

/** Return the bars of one transport; the tallest has the given height. */
export function bars(histogram, scale, height) {
  const tallest = Math.max(1, ...histogram.map(([, , count]) => count));
  return histogram.map(([lo, hi, count]) => {
    const left = scale(lo);
    const high = Math.max(3, (height * count) / tallest);
    return { x: left, y: height - high, width: Math.max(3, scale(hi) - left - 2), height: high, lo, hi, count };
  });
}

/** Return the positions of the devices' medians; marks that would overlap are put into different rows, if there are enough. */
export function medianPlaces(medians, scale, markSize, rows) {
  const ends = Array(rows).fill(-Infinity);
  return [...medians]
    .sort((one, other) => one[1] - other[1])
    .map(([name, ms]) => {
      const x = scale(ms);
      let row = ends.findIndex((end) => x - end >= markSize);
      if (row < 0) row = ends.indexOf(Math.min(...ends));
      ends[row] = x;
      return { name, ms, x, row };
    });
}
