/** The tables that say what the pictures show: the age of each event in each lane, and the counts of the histograms. */

import { LABELS, TRANSPORTS } from "../../shared/transports.js";
import { hasArrived, latenciesMs, missedSeqs } from "../../shared/numbers.js";

const EVENTS_SHOWN = 30;
const EDGES_MS = [0, 10, 30, 60, 100, 300, 600, 1000, 3000, 10_000];

/** Rows of the table of events, newest first: the event's number, when it was due, and its age in each lane.
 *
 * @returns {{seq: number, due_s: number, cells: string[]}[]}
 */
export function eventRows(data, until_ns, most = EVENTS_SHOWN) {
  const missed = TRANSPORTS.map((transport) => new Set(missedSeqs(data, transport, until_ns)));
  return [...data.published.values()]
    .filter(({ published_ns }) => published_ns <= until_ns)
    .sort((one, other) => other.seq - one.seq)
    .slice(0, most)
    .map(({ seq, due_ns }) => ({
      seq,
      due_s: (due_ns - data.run.t0_ns) / 1e9,
      cells: TRANSPORTS.map((transport, index) => {
        const delivery = data.lanes[transport].deliveries.get(seq);
        if (!hasArrived(delivery, until_ns)) return missed[index].has(seq) ? "missed" : "on its way";
        const excluded = data.isExcluded(due_ns, delivery.received_ns) ? " (not counted)" : "";
        return `${((delivery.received_ns - due_ns) / 1e6).toFixed(1)} ms${excluded}`;
      }),
    }));
}

/** Rows of the table of ages: a range, and how many events of each lane are in it. */
export function distributionRows(data, until_ns) {
  const latencies = TRANSPORTS.map((transport) => latenciesMs(data, transport, until_ns));
  return EDGES_MS.map((from_ms, index) => {
    const to_ms = EDGES_MS[index + 1] ?? Infinity;
    const name = to_ms === Infinity ? `${from_ms} ms and more` : `${from_ms} to ${to_ms} ms`;
    return { name, cells: latencies.map((values) => String(values.filter((value) => value >= from_ms && value < to_ms).length)) };
  });
}

/** Fill the place with both tables. */
export function showTables(place, data, until_ns) {
  if (data === null) return;
  const names = TRANSPORTS.map((transport) => LABELS[transport]);
  const events = eventRows(data, until_ns);
  place.replaceChildren(
    tableOf(`The lanes: the last ${events.length} events of run ${data.run.id}, and how old each was when it arrived`,
      ["Event", "due at", ...names], events.map(({ seq, due_s, cells }) => [String(seq), `${due_s.toFixed(2)} s`, ...cells])),
    tableOf("The distributions: how many events were how old when they arrived", ["Age", ...names], distributionRows(data, until_ns).map(({ name, cells }) => [name, ...cells])),
  );
}

function tableOf(caption, headings, rows) {
  const frame = document.createElement("div");
  frame.className = "scroll-x";
  frame.tabIndex = 0;
  frame.setAttribute("role", "group");
  frame.setAttribute("aria-label", caption);
  const table = document.createElement("table");
  table.className = "data-table";
  table.createCaption().textContent = caption;
  const head = table.createTHead().insertRow();
  for (const heading of headings) {
    const cell = document.createElement("th");
    Object.assign(cell, { scope: "col", textContent: heading });
    head.append(cell);
  }
  const body = table.createTBody();
  for (const row of rows) {
    const line = body.insertRow();
    row.forEach((text, index) => {
      const cell = document.createElement(index === 0 ? "th" : "td");
      if (index === 0) cell.scope = "row";
      cell.textContent = text;
      line.append(cell);
    });
  }
  frame.append(table);
  return frame;
}
