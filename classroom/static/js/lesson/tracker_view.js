import { element, renderKeyed } from "./element.js";

const NAMES = {
  application_state: ["application_state", "server"],
  client_state: ["client_state", "server"],
  ready_state: ["readyState", "browser"],
  received: ["message received", "server"],
  sent: ["message sent", "server"],
};

/** The variables after the current step, and what they were before it. */
export function renderTracker(list, variables, before) {
  const items = Object.entries(NAMES).map(([key, [name, side]]) => ({ name, side, now: variables[key], was: before[key] }));
  renderKeyed(list, items, (item) => JSON.stringify(item), ({ name, side, now, was }) => {
    const changed = now !== was;
    return element("div", { class: "lesson-tracked", "data-changed": changed },
      element("dt", {}, element("span", { text: name }), element("span", { class: "lesson-owner", text: side })),
      element("dd", {},
        changed && was !== null ? element("s", { class: "lesson-was", text: was }) : null,
        changed && was !== null ? element("span", { "aria-hidden": "true", text: " → " }) : null,
        element("span", { class: "lesson-now", text: now ?? "–" })));
  });
}
