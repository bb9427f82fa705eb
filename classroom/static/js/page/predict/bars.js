/** A bar chart as a table of names, bars and values, which screen readers read as well. */

import { markElement } from "../../shared/marks.js";
import { format } from "./fields.js";

/**
 * Return a <table> with a bar for each value, on a scale from zero.
 *
 * @param {{label: string, value: number, kind: "you"|"run"|"model"|"vote", transport?: string, isRight?: boolean}[]} bars
 *   bars with `isRight` get a tick
 * @param {string} field the values' name in FIELDS (fields.js)
 */
export function barTable(bars, field, caption) {
  const table = document.createElement("table");
  table.className = "bars";
  table.createCaption().textContent = caption;
  const body = table.createTBody();
  const longest = Math.max(...bars.map((bar) => bar.value));
  for (const bar of bars) {
    const row = body.insertRow();
    row.dataset.kind = bar.kind;
    if (bar.transport) row.dataset.transport = bar.transport;
    const head = document.createElement("th");
    head.scope = "row";
    const name = document.createElement("span");
    name.className = "bar-name";
    if (bar.transport && bar.kind === "run") name.append(markElement(bar.transport));
    name.append(bar.label);
    if (bar.isRight) {
      row.dataset.right = "true";
      const sign = Object.assign(document.createElement("span"), { className: "bar-right", textContent: "✓" });
      sign.append(Object.assign(document.createElement("span"), { className: "visually-hidden", textContent: " what the run shows" }));
      name.append(sign);
    }
    head.append(name);
    row.append(head);
    const line = document.createElement("span");
    line.className = "bar";
    line.style.setProperty("--length", String(longest > 0 ? bar.value / longest : 0));
    const cell = row.insertCell();
    cell.className = "bar-cell";
    cell.setAttribute("aria-hidden", "true");
    cell.append(line);
    const value = row.insertCell();
    value.className = "number";
    value.textContent = format(bar.value, field);
  }
  return table;
}
