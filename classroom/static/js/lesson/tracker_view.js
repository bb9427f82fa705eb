import { element, renderKeyed } from "./element.js";
import { history } from "./history.js";

/** The variables, and whether each is shown only on request. */
const VARIABLES = {
  state: ["connection", false],
  application_state: ["application_state", true],
  client_state: ["client_state", true],
  ready_state: ["readyState", true],
  received: ["server received", false],
  sent: ["server sent", false],
};

/** The variables as they have been at each moment of the handler; in the column of the current step, what it changed. */
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
