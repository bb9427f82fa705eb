import { element, renderKeyed } from "./element.js";

const SIGN = { dark: "", lit: "✓", broken: "✕" };
const SPOKEN = { dark: "not yet: ", lit: "", broken: "not so: " };

/** Draw the boxes of `flow()` into a list. */
export function renderFlow(list, boxes) {
  renderKeyed(list, boxes, (box) => JSON.stringify(box), (box, index) => (
    element("li", { class: "lesson-box", "data-state": box.websocket.state },
      element("div", { class: "lesson-box-way", "data-transport": "websocket", "data-state": box.websocket.state },
        element("h3", { class: "lesson-box-title" },
          element("span", { class: "lesson-box-number", "aria-hidden": "true", text: SIGN[box.websocket.state] || String(index + 1) }),
          box.title),
        way(box.websocket)),
      element("div", { class: "lesson-box-way lesson-box-poll", "data-transport": "short_poll", "data-state": box.polling.state },
        element("h4", { text: "By polling" }), way(box.polling)))
  ));
}

function way({ state, text }) {
  return element("p", {}, element("span", { class: "visually-hidden", text: SPOKEN[state] }), text);
}
