import { element } from "./element.js";

const SHORT_CHARACTERS = 16;

/** Build the radio buttons of a question; `onChoose(value)` is called when one is chosen. */
export function choices(name, options, onChoose) {
  return options.map(([value, text]) => element("label", { class: "lesson-option" },
    element("input", { type: "radio", name: `lesson-${name}`, value, onchange: () => onChoose(value) }),
    element("span", { text })));
}

/** Whether the options are short enough to stand side by side. */
export function areShort(options) {
  return options.every(([, text]) => text.length < SHORT_CHARACTERS);
}

/** Build the verdict on an answer: right or wrong, why, and a button that shows the row that proves it. */
export function verdict({ right, row, sentence }, onShow) {
  return element("div", { class: `${right ? "right" : "wrong"} lesson-feedback` },
    element("p", {}, element("b", { text: right ? "Right. " : "Not so. " }), sentence),
    element("button", { type: "button", class: "button", text: `Show step ${row.number}`, onclick: () => onShow(row) }));
}
