import { element } from "./element.js";

const SHORT_CHARACTERS = 16;

/** Radio buttons of a question; `onChoose(value)`. */
export function choices(name, options, onChoose) {
  return options.map(([value, text]) => element("label", { class: "lesson-option" },
    element("input", { type: "radio", name: `lesson-${name}`, value, onchange: () => onChoose(value) }),
    element("span", { text })));
}

/** Whether the options fit beside each other. */
export function areShort(options) {
  return options.every(([, text]) => text.length < SHORT_CHARACTERS);
}

/** What came of an answer: right or wrong in words, why, and a way to the row that proves it. */
export function verdict({ right, row, sentence }, onShow) {
  return element("div", { class: `${right ? "right" : "wrong"} lesson-feedback` },
    element("p", {}, element("b", { text: right ? "Right. " : "Not so. " }), sentence),
    element("button", { type: "button", class: "button", text: `Show step ${row.number}`, onclick: () => onShow(row) }));
}
