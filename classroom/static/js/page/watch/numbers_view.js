/** The table of numbers: a row per transport, a column per figure, and a small histogram of the ages at the end.
 *
 * Rows and cells carry data-transport, cells data-field and data-value (the exact number, "" where there is none).
 */

import uPlot from "../../../vendor/uplot/uPlot.esm.js";
import { LABELS, TRANSPORTS } from "../../shared/transports.js";
import { colourOf, markElement } from "../../shared/marks.js";
import { FIELDS, histogram, latenciesMs, logEdges } from "../../shared/numbers.js";

const FROM_MS = 2;
const TO_MS = 20_000;
const BINS = 48;
export const EDGES = logEdges(FROM_MS, TO_MS, BINS);

const GROUPS = [
  ["Requests", ["requests", "requests_per_event", "empty_ratio"]],
  ["Events", ["delivered", "missed"]],
  ["Bytes", ["header_bytes", "payload_bytes"]],
  ["Age on arrival in ms", ["p50_ms", "p95_ms", "max_ms"]],
];
const HEADINGS = {
  requests: "sent", requests_per_event: "per event", empty_ratio: "empty", delivered: "delivered", missed: "missed",
  header_bytes: "headers", payload_bytes: "payload", p50_ms: "median", p95_ms: "95 % within", max_ms: "oldest",
};
const FULL_NAMES = {
  requests: "requests sent", requests_per_event: "requests per event", empty_ratio: "empty answers", delivered: "delivered", missed: "missed",
  header_bytes: "headers (bytes)", payload_bytes: "payload (bytes)", p50_ms: "median age (ms)", p95_ms: "age of 95 % within (ms)", max_ms: "oldest (ms)",
};
const GROUP_STARTS = new Set(GROUPS.map(([, fields]) => fields[0]));

export class NumbersView {
  #cells = new Map();
  #plots = new Map();

  constructor(place) {
    place.append(this.#table());
    for (const transport of TRANSPORTS) this.#plot(transport);
  }

  /** Show the numbers of a run at a moment; `found`: what laneNumbers returned for each transport, null if there is no run. */
  update(data, found, until_ns) {
    for (const transport of TRANSPORTS) {
      for (const field of FIELDS) this.#show(transport, field, found?.[transport][field] ?? null);
      this.#draw(transport, data === null ? [] : latenciesMs(data, transport, until_ns));
    }
  }

  /** Draw the histograms in the colours of the present theme: a canvas does not follow style sheets by itself. */
  recolour() {
    for (const transport of TRANSPORTS) {
      this.#plots.get(transport).plot.destroy();
      this.#plot(transport);
    }
  }

  #show(transport, field, value) {
    const cell = this.#cells.get(`${transport} ${field}`);
    const text = value === null ? "–" : FORMATS[field](value);
    cell.value.textContent = text;
    cell.element.dataset.value = value === null ? "" : String(value);
    if (field === "missed") cell.element.dataset.alarm = String(value > 0);
  }

  #table() {
    const table = element("table", "numbers", { role: "table" });
    table.append(withText(element("caption", "visually-hidden"), "Numbers of this run, per transport"));
    table.append(headOf());
    const body = element("tbody", "", { role: "rowgroup" });
    for (const transport of TRANSPORTS) body.append(this.#row(transport));
    table.append(body);
    return table;
  }

  #row(transport) {
    const row = element("tr", "", { role: "row", "data-transport": transport });
    const name = element("th", "", { role: "rowheader", scope: "row" });
    name.append(markElement(transport), LABELS[transport]);
    row.append(name);
    for (const field of FIELDS) {
      const cell = element("td", GROUP_STARTS.has(field) ? "group-start" : "", { role: "cell", "data-transport": transport, "data-field": field });
      const label = withText(element("span", "field-label", { "aria-hidden": "true" }), FULL_NAMES[field]);
      const value = withText(element("span", "field-value"), "–");
      cell.append(label, value);
      row.append(cell);
      this.#cells.set(`${transport} ${field}`, { element: cell, value });
    }
    const distribution = element("td", "distribution", { role: "cell", "data-transport": transport });
    const plot = element("div", "distribution-plot", { role: "img" });
    distribution.append(plot);
    row.append(distribution);
    this.#cells.set(`${transport} distribution`, { element: plot });
    return row;
  }

  #plot(transport) {
    const place = this.#cells.get(`${transport} distribution`).element;
    const bins = Array.from({ length: BINS }, (_, index) => index);
    const options = {
      width: place.clientWidth || 270,
      height: 44,
      padding: [4, 0, 0, 0],
      legend: { show: false },
      cursor: { show: false },
      axes: [{ show: false }, { show: false }],
      scales: { x: { time: false, range: [-0.5, BINS - 0.5] }, y: { range: (_, __, most) => [0, Math.max(1, most)] } },
      series: [{}, { fill: colourOf(transport), width: 0, points: { show: false }, paths: uPlot.paths.bars({ size: [1, Infinity] }) }],
    };
    const plot = new uPlot(options, [bins, new Array(BINS).fill(0)], place);
    const counts = this.#plots.get(transport)?.counts;
    if (counts) plot.setData([bins, counts]);
    new ResizeObserver(() => place.clientWidth > 0 && plot.setSize({ width: place.clientWidth, height: 44 })).observe(place);
    this.#plots.set(transport, { plot, bins, counts: counts ?? null });
  }

  #draw(transport, latencies) {
    const known = this.#plots.get(transport);
    const counts = histogram(latencies, EDGES);
    if (known.counts !== null && counts.every((count, bin) => count === known.counts[bin])) return;
    known.counts = counts;
    known.plot.setData([known.bins, counts]);
    const place = this.#cells.get(`${transport} distribution`).element;
    place.setAttribute("aria-label", `${LABELS[transport]}: distribution of ${latencies.length} ages on a logarithmic axis; the counts are in the tables below`);
  }
}

const whole = (value) => String(Math.round(value));
const FORMATS = {
  requests: whole,
  requests_per_event: (value) => (value < 10 ? value.toFixed(2) : value.toFixed(1)),
  empty_ratio: (value) => `${Math.round(100 * value)} %`,
  delivered: whole,
  missed: whole,
  header_bytes: whole,
  payload_bytes: whole,
  p50_ms: (value) => value.toFixed(1),
  p95_ms: (value) => value.toFixed(1),
  max_ms: (value) => value.toFixed(1),
};

function headOf() {
  const head = element("thead", "", { role: "rowgroup" });
  const groups = element("tr", "", { role: "row" });
  const names = element("tr", "", { role: "row" });
  groups.append(withText(element("td", "", { role: "cell", rowspan: "2" }), ""));
  for (const [title, fields] of GROUPS) {
    const heading = element("th", "group-start", { role: "columnheader", scope: "colgroup", colspan: String(fields.length) });
    heading.append(withText(element("span"), title));
    groups.append(heading);
    for (const field of fields) {
      names.append(withText(element("th", field === fields[0] ? "group-start" : "", { role: "columnheader", scope: "col", title: FULL_NAMES[field] }), HEADINGS[field]));
    }
  }
  const distribution = element("th", "distribution", { role: "columnheader", scope: "colgroup" });
  distribution.append(withText(element("span"), "Ages (log)"));
  groups.append(distribution);
  const axis = element("th", "distribution", { role: "columnheader", scope: "col" });
  axis.append(axisOf());
  names.append(axis);
  head.append(groups, names);
  return head;
}

/** Build the axis that the four small histograms below it share. */
function axisOf() {
  const axis = element("span", "distribution-axis");
  for (const [at_ms, text] of [[10, "10 ms"], [100, "100 ms"], [1000, "1 s"], [10_000, "10 s"]]) {
    const label = withText(element("i"), text);
    label.style.left = `${(100 * Math.log10(at_ms / FROM_MS)) / Math.log10(TO_MS / FROM_MS)}%`;
    axis.append(label);
  }
  return axis;
}

function element(name, className = "", attributes = {}) {
  const made = document.createElement(name);
  if (className) made.className = className;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function withText(made, text) {
  made.textContent = text;
  return made;
}
