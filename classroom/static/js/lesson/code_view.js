import { element } from "./element.js";

const TOKENS = /(#.*$|"""[\s\S]*?"""|f?"[^"]*")|\b(from|import|async|def|await|while|for|in|if|try|except|return|yield|True|None)\b|(@[\w.]+)/gm;

/** The source of a program with one line of its handler marked; the lines before the handler are folded. */
export class CodeView {
  #place;
  #path;

  constructor(place) {
    this.#place = place;
    this.#path = null;
  }

  /** @param {{path: string, source: string, first_line: number, last_line: number}} program @param {number|null} line the line to mark @param {boolean} waits whether the handler waits there */
  render(program, line = null, waits = false) {
    if (program.path !== this.#path) this.#draw(program);
    for (const shown of this.#place.querySelectorAll(".code-line")) {
      const current = Number(shown.dataset.line) === line;
      shown.toggleAttribute("data-waits", current && waits);
      if (current) shown.setAttribute("aria-current", "step");
      else shown.removeAttribute("aria-current");
    }
  }

  #draw({ path, source, first_line, last_line }) {
    this.#path = path;
    const lines = source.trimEnd().split("\n").map((text, index) => sourceLine(text, index + 1));
    this.#place.replaceChildren(
      element("details", { class: "code-before" },
        element("summary", {}, element("code", { class: "code-file", text: path }), element("span", { class: "soft", text: ` lines 1 to ${first_line - 1}` })),
        element("code", {}, ...lines.slice(0, first_line - 1))),
      element("code", { class: "code-handler" }, ...lines.slice(first_line - 1, last_line)));
  }
}

function sourceLine(text, number) {
  return element("span", { class: "code-line", "data-line": number },
    element("span", { class: "code-number", text: String(number) }),
    element("span", { class: "code-text" }, ...highlighted(text), "\n"));
}

function highlighted(text) {
  const parts = [];
  let at = 0;
  for (const match of text.matchAll(TOKENS)) {
    const kind = match[1] ? (match[1].startsWith("#") ? "comment" : "string") : match[2] ? "keyword" : "decorator";
    parts.push(text.slice(at, match.index), element("span", { class: `code-${kind}`, text: match[0] }));
    at = match.index + match[0].length;
  }
  return [...parts, text.slice(at)];
}
