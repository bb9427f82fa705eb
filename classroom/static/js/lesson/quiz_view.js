import { areShort, choices, verdict } from "./choices.js";
import { element } from "./element.js";
import { questions } from "./quiz.js";

/** The quiz about the run that is shown; answers are forgotten with another run. */
export class QuizView {
  #about;
  #key;
  #list;
  #maxLife_s;
  #onProof;
  #onShow;
  #rows;

  constructor(section, onProof, onShow) {
    this.#about = section.querySelector(".lesson-quiz-about");
    this.#list = section.querySelector(".lesson-questions");
    this.#onProof = onProof;
    this.#onShow = onShow;
    this.#key = null;
    this.#rows = [];
  }

  render(connection, rows, maxLife_s) {
    this.#rows = rows;
    this.#maxLife_s = maxLife_s;
    const asked = connection ? questions(rows, maxLife_s) : null;
    this.#about.textContent = asked
      ? `About run ${connection.run}, the ${connection.sample === "once" ? "single echo" : "loop"}, as it went. Each answer is judged from its rows.`
      : "It asks about a run of yours: play the lesson, or connect and send a message.";
    const key = asked ? `${connection.run} ${JSON.stringify(asked.map(({ text, options }) => [text, options]))}` : null;
    if (key === this.#key) return;
    this.#key = key;
    this.#list.replaceChildren(...(asked ?? []).map((question) => this.#question(question)));
  }

  #question({ name, text, options }) {
    const feedback = element("div", { "aria-live": "polite" });
    const judge = (value) => {
      const judged = questions(this.#rows, this.#maxLife_s).find((question) => question.name === name).judge(value);
      feedback.replaceChildren(verdict(judged, this.#onShow));
      this.#onProof(judged.row);
    };
    return element("fieldset", {
      class: "lesson-options", role: "radiogroup", "aria-labelledby": `lesson-question-${name}`, "data-question": name,
      "data-short": areShort(options),
    }, element("legend", { id: `lesson-question-${name}`, text }), ...choices(name, options, judge), feedback);
  }
}
