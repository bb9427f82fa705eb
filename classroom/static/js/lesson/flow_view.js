import { element, renderKeyed } from "./element.js";

const SIGN = { dark: "", lit: "✓", broken: "✕" };
const SPOKEN = { dark: "not yet: ", lit: "", broken: "not so: " };

/** Draw the boxes of `flow()` into a list. */
export function renderFlow(list, boxes) {
  renderKeyed(list, boxes, (box) => JSON.stringify(box), ({ title, websocket, polling }, index) => (
    element("li", { class: "lesson-box", "data-state": websocket.state },
      element("h3", { class: "lesson-box-title" },
        element("span", { class: "lesson-box-number", "aria-hidden": "true", text: SIGN[websocket.state] || String(index + 1) }), title),
      way("websocket", websocket, "WebSocket: "), way("short_poll", polling, "Poll: "))));
}

function way(transport, { state, text }, name) {
  return element("p", { class: "lesson-box-way", "data-transport": transport, "data-state": state },
    element("span", { class: transport === "websocket" ? "visually-hidden" : "lesson-box-name", text: name }),
    element("span", { class: "visually-hidden", text: SPOKEN[state] }), text);
}
