// Each row as a sentence: the lesson for reading, for screen readers, and for copying.

import { duration } from "./format.js";

/** One sentence per row. */
export function transcript(rows) {
  return rows.map(sentence);
}

function sentence(row) {
  const where = row.side === "browser" ? "Browser" : `Server, line ${row.line}`;
  const message = row.message ? `: ${row.message}` : "";
  const bytes = row.bytes === null ? "" : `, ${row.bytes} bytes ${row.direction === "up" ? "to the server" : "to the browser"}`;
  return `Step ${row.number}, after ${duration(row.since_ms)}. ${where}: ${row.action}${message}${bytes}. ${states(row)}`;
}

function states(row) {
  const changed = Object.keys(row.after).filter((name) => row.before[name] !== row.after[name]);
  if (changed.length) {
    return `${changed.map((name) => `${label(name)} ${was(row.before[name])}becomes ${row.after[name]}`).join(", ")}.`;
  }
  const all = Object.entries(row.after).map(([name, state]) => `${label(name)} ${state}`);
  return `Unchanged: ${all.join(", ")}.`;
}

function was(state) {
  return state === null ? "" : `(${state}) `;
}

/** The name of a state variable as the page shows it. */
export function label(name) {
  return name === "ready_state" ? "readyState" : name;
}
