/** The table of variables: their values at each moment of the handler. */

import { element, renderKeyed } from "./element.js";

/** The label of each variable, and whether it is shown only with "Technical states". */
const VARIABLES = {
  state: ["connection", false],
  application_state: ["application_state", true],
  client_state: ["client_state", true],
  ready_state: ["readyState", true],
  received: ["server received", false],
  sent: ["server sent", false],
};

/** Draw the table up to the current step. Its last column marks what this step has changed. */
export function renderTracker(table, rows, current) {
  const spans = history(rows, current);
  const now = spans.length - 1;
  const before = rows[current - 1]?.variables ?? {};
  renderKeyed(table.tHead.rows[0], [null, ...spans], (span, index) => `${span?.title} ${index - 1 === now}`, (span, index) => (
    span === null ? element("td", {})
      : element("th", { scope: "col", "data-moment": span.moment, "data-now": index - 1 === now, text: span.title })));
  const items = Object.entries(VARIABLES).map(([name, [label, isTechnical]]) => ({
    label, isTechnical,
    cells: spans.map(({ title, values }, index) => ({
      title, text: values[name] ?? "–", isNow: index === now,
      isChanged: index === now && values[name] !== (before[name] ?? null),
    })),
  }));
  renderKeyed(table.tBodies[0], items, (item) => JSON.stringify(item), ({ label, isTechnical, cells }) => (
    element("tr", { class: isTechnical ? "lesson-technical" : "", "data-variable": label },
      element("th", { scope: "row", text: label }),
      ...cells.map(({ title, text, isNow, isChanged }) => element("td", {
        text, "data-moment": title, "data-now": isNow, "data-changed": isChanged,
      })))));
}

/** How many columns of repeated moments have room, the latest ones. Answers are longer than news, and need wider columns. */
const LATEST = { answers: 2, news: 4 };
const REPEATED = { receive: "after receive", server_send: "after send" };

/**
 * Return the columns, {moment, title, values}: each spans the rows from one moment to the next, and `values` are the variables at its end. The column "end"
 * begins when the connection is no longer open. Pure.
 */
function history(rows, current) {
  const seen = rows.slice(0, current + 1);
  const times = { receive: 0, server_send: 0 };
  let isOver = false;
  const spans = seen.flatMap((row, from) => {
    if (isOver) return [];
    isOver = ["closing", "closed"].includes(row.variables.state);
    if (isOver) return [{ moment: "end", title: "end", from }];
    if (row.kind in REPEATED) {
      times[row.kind] += 1;
      const again = times[row.kind] > 1 ? ` ${times[row.kind]}` : "";
      return [{ moment: row.kind, title: `${REPEATED[row.kind]}${again}`, from }];
    }
    if (row.kind === "accept") return [{ moment: "accept", title: "after accept", from }];
    return from === 0 ? [{ moment: "start", title: "start", from }] : [];
  });
  const whole = spans.map(({ moment, title }, index) => ({ moment, title, values: seen[(spans[index + 1]?.from ?? seen.length) - 1].variables }));
  const leftOut = whole.filter(({ moment }) => moment in REPEATED).slice(0, -LATEST[times.receive > 0 ? "answers" : "news"]);
  return whole.filter((span) => !leftOut.includes(span));
}
