/** The run as text, one sentence for each row: to read, to hear, and to copy. */

import { durationText } from "../shared/format.js";

export function transcript(rows) {
  return rows.map(sentence);
}

function sentence(row) {
  const where = row.side === "browser" ? "Browser" : `Server, line ${row.line}`;
  const message = row.message ? `: ${row.message}` : "";
  const bytes = row.bytes === null ? "" : `, ${row.bytes} bytes ${row.direction === "up" ? "to the server" : "to the browser"}`;
  return `Step ${row.number}, after ${durationText(row.since_ms)}. ${where}: ${row.action}${message}${bytes}. ${states(row)}`;
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

/** Return the name of a state variable as the page shows it. */
function label(name) {
  return name === "ready_state" ? "readyState" : name;
}
