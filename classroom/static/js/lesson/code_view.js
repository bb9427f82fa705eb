import { element } from "./element.js";

const TOKENS = /(#.*$|"""[\s\S]*?"""|f?"[^"]*")|\b(from|import|async|def|await|while|if|try|except|return|True|None)\b|(@[\w.]+)/gm;

/** The shipped source with one line marked; draws it anew only for another file. */
export class CodeView {
  #code;
  #file;
  #path;
  #pre;

  constructor(file, pre) {
    this.#file = file;
    this.#pre = pre;
    this.#code = pre.querySelector("code");
    this.#path = null;
  }

  render(sample, line, waits) {
    if (sample.path !== this.#path) {
      this.#path = sample.path;
      this.#file.textContent = sample.path;
      this.#code.replaceChildren(...sample.source.trimEnd().split("\n").map((text, index) => sourceLine(text, index + 1)));
    }
    for (const shown of this.#code.children) {
      const current = Number(shown.dataset.line) === line;
      shown.toggleAttribute("data-waits", current && waits);
      if (current) shown.setAttribute("aria-current", "step");
      else shown.removeAttribute("aria-current");
    }
  }
}

function sourceLine(text, number) {
  return element("span", { class: "lesson-line", "data-line": number },
    element("span", { class: "lesson-line-number", text: String(number) }),
    element("span", { class: "lesson-line-text" }, ...highlighted(text), "\n"));
}

function highlighted(text) {
  const parts = [];
  let at = 0;
  for (const match of text.matchAll(TOKENS)) {
    const kind = match[1] ? (match[1].startsWith("#") ? "comment" : "string") : match[2] ? "keyword" : "decorator";
    parts.push(text.slice(at, match.index), element("span", { class: `lesson-${kind}`, text: match[0] }));
    at = match.index + match[0].length;
  }
  return [...parts, text.slice(at)];
}
