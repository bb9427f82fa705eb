import { element } from "./element.js";

/** Radio buttons of a question; `onChoose(value)`. */
export function choices(name, options, onChoose) {
  return options.map(([value, text]) => element("label", { class: "lesson-option" },
    element("input", { type: "radio", name: `lesson-${name}`, value, onchange: () => onChoose(value) }),
    element("span", { text })));
}

/** What came of an answer: right or wrong in words, why, and a way to the row that proves it. */
export function verdict({ right, row, sentence }, onShow) {
  return element("div", { class: `${right ? "right" : "wrong"} lesson-feedback` },
    element("p", {}, element("b", { text: right ? "Right. " : "Not so. " }), sentence),
    element("button", { type: "button", class: "button", text: `Show step ${row.number}`, onclick: () => onShow(row) }));
}
