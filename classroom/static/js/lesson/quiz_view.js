import { areShort, choices, verdict } from "./choices.js";
import { element } from "./element.js";
import { count } from "./format.js";
import { questions } from "./quiz.js";

/** The quiz about the run that is shown, one question at a time; another run clears the answers. */
export class QuizView {
  #asked;
  #at;
  #find;
  #key;
  #maxLife_s;
  #onProof;
  #onShow;
  #results;
  #rows;

  constructor(section, onProof, onShow) {
    this.#find = (selector) => section.querySelector(selector);
    this.#onProof = onProof;
    this.#onShow = onShow;
    this.#key = undefined; // nothing is shown yet, not even that there is no run
    this.#asked = [];
    this.#rows = [];
    this.#at = 0;
    this.#results = new Map();
    for (const [name, by] of [["quiz-back", -1], ["quiz-forward", 1]]) this.#find(`[data-action="${name}"]`).onclick = () => this.#turn(by);
    this.#find('[data-action="hint"]').onclick = () => this.#hint();
  }

  render(connection, rows, maxLife_s) {
    this.#rows = rows;
    this.#maxLife_s = maxLife_s;
    const asked = connection ? questions(rows, maxLife_s) : null;
    const key = asked ? `${connection.run} ${JSON.stringify(asked.map(({ text, options }) => [text, options]))}` : null;
    if (key === this.#key) return;
    this.#key = key;
    this.#asked = asked ?? [];
    this.#results.clear();
    this.#find(".lesson-quiz-about").textContent = asked ? "" : "It asks about a run of yours: play the lesson first.";
    this.#find(".lesson-questions").replaceChildren(...this.#asked.map((question) => this.#question(question)));
    this.#at = 0;
    this.#turn(0);
  }

  #turn(by) {
    const last = Math.max(0, this.#asked.length - 1);
    this.#at = Math.min(Math.max(this.#at + by, 0), last);
    [...this.#find(".lesson-questions").children].forEach((node, index) => { node.hidden = index !== this.#at; });
    this.#find(".lesson-quiz-tools").hidden = this.#asked.length === 0;
    this.#find(".lesson-question-at").textContent = `${this.#at + 1} of ${this.#asked.length}`;
    this.#find('[data-action="hint"]').disabled = this.#asked.length === 0;
    this.#find('[data-action="quiz-back"]').disabled = this.#at === 0;
    this.#find('[data-action="quiz-forward"]').disabled = this.#at === last;
    this.#showScore();
  }

  #question({ name, text, options }) {
    const feedback = element("div", { class: "lesson-judged", "aria-live": "polite" });
    const judge = (value) => {
      const judged = questions(this.#rows, this.#maxLife_s).find((question) => question.name === name).judge(value);
      const result = this.#result(name);
      result.isRight ??= judged.right;
      feedback.replaceChildren(verdict(judged, this.#onShow));
      feedback.scrollIntoView({ block: "nearest" });
      this.#showScore();
      this.#onProof(judged.row);
    };
    return element("fieldset", {
      class: "lesson-options", role: "radiogroup", "aria-labelledby": `lesson-question-${name}`, "data-question": name,
      "data-short": areShort(options),
    }, element("legend", { id: `lesson-question-${name}`, text }), ...choices(name, options, judge),
    element("p", { class: "note small lesson-hint", role: "status" }), feedback);
  }

  #hint() {
    const { name, hint } = this.#asked[this.#at];
    const shown = this.#find(`[data-question="${name}"] .lesson-hint`);
    shown.textContent = hint;
    shown.scrollIntoView({ block: "nearest" });
    const result = this.#result(name);
    result.isHinted ||= result.isRight === null;
    this.#showScore();
  }

  #result(name) {
    if (!this.#results.has(name)) this.#results.set(name, { isRight: null, isHinted: false });
    return this.#results.get(name);
  }

  /** The score, of first answers alone: later ones are given knowing the solution. */
  #showScore() {
    const results = [...this.#results.values()];
    const answered = results.filter((result) => result.isRight !== null);
    const right = answered.filter((result) => result.isRight).length;
    const hints = results.filter((result) => result.isHinted).length;
    this.#find(".lesson-score").textContent = answered.length + hints === 0 ? ""
      : `${right} of ${answered.length} right${hints ? `, ${count(hints, "hint")}` : ""}`;
  }
}
