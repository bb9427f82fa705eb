import { element, renderKeyed } from "./element.js";

const SHORT = { state: "", application_state: "application", client_state: "client", ready_state: "readyState" };
const DIRECTION = { up: ["→", "to the server"], down: ["←", "to the browser"] };

/** The execution table; `onSelect(index)` is called when a step is chosen. */
export class TableView {
  #body;
  #empty;
  #onSelect;
  #scroll;
  #shown;
  #table;

  constructor(scroll, onSelect) {
    this.#scroll = scroll;
    this.#body = scroll.querySelector("tbody");
    this.#table = scroll.querySelector("table");
    this.#empty = scroll.querySelector(".lesson-empty");
    this.#onSelect = onSelect;
    this.#shown = null;
    new ResizeObserver(() => {
      this.#shown = null;
      this.#keepInView(this.#body.querySelector("[aria-current]"));
    }).observe(scroll);
  }

  /** @param {number|null} marked the number of the row that proves an answer */
  render(rows, current, marked) {
    this.#empty.hidden = rows.length > 0;
    this.#table.hidden = rows.length === 0;
    renderKeyed(this.#body, rows, (row) => JSON.stringify(row), (row, index) => this.#row(row, index));
    [...this.#body.children].forEach((node, index) => {
      node.toggleAttribute("data-later", index > current);
      node.toggleAttribute("data-marked", rows[index].number === marked);
      if (index === current) node.setAttribute("aria-current", "step");
      else node.removeAttribute("aria-current");
    });
    this.#keepInView(this.#body.children[current]);
  }

  #row(row, index) {
    const [sign, spoken] = DIRECTION[row.direction] ?? ["", ""];
    const cell = (name, ...children) => element("td", { role: "cell", class: name, "data-cell": name.split(" ")[0] }, ...children);
    return element("tr", { role: "row", "data-side": row.side, "data-kind": row.kind, onclick: () => this.#onSelect(index) },
      cell("step", element("button", { type: "button", class: "lesson-step", text: String(row.number), "aria-label": `Step ${row.number}` })),
      cell("time number", row.since_ms.toFixed(1)),
      cell("action text-column",
        element("span", { class: "lesson-side", text: row.side === "browser" ? "Browser" : `Server, line ${row.line}` }), " ",
        element("span", { class: "lesson-action", text: row.action })),
      cell("plain text-column lesson-plain", ...states(row.plain.after, row.plain.before)),
      cell("before text-column lesson-technical", ...states(row.before, row.after)),
      cell("after text-column lesson-technical", ...states(row.after, row.before)),
      cell("message text-column", row.message),
      cell("direction text-column", element("span", { "aria-hidden": "true", text: sign }), element("span", { class: "visually-hidden", text: spoken })),
      cell("bytes number", row.bytes === null ? "" : String(row.bytes)));
  }

  /** Scroll the table to a row, but never the page. */
  #keepInView(node) {
    const key = node?.dataset.key ?? null;
    if (!node || key === this.#shown) return;
    this.#shown = key;
    const head = this.#table.tHead.offsetHeight;
    const [top, bottom] = [node.offsetTop, node.offsetTop + node.offsetHeight];
    const scroll = this.#scroll;
    if (top - head < scroll.scrollTop) scroll.scrollTop = top - head;
    else if (bottom > scroll.scrollTop + scroll.clientHeight) scroll.scrollTop = bottom - scroll.clientHeight;
  }
}

function states(own, other) {
  return Object.entries(own).map(([name, state]) => (
    element("span", { class: "lesson-states", "data-variable": name, "data-changed": state !== other[name] },
      SHORT[name] ? element("span", { class: "lesson-variable", text: `${SHORT[name]} ` }) : null,
      element("span", { class: "lesson-value", text: state ?? "none" }))
  ));
}
