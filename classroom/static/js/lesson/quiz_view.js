import { areShort, choices, verdict } from "./choices.js";
import { element } from "./element.js";
import { questions } from "./quiz.js";

/** The quiz about the run that is shown; answers are forgotten with another run. */
export class QuizView {
  constructor(section, onProof, onShow) {
    this._about = section.querySelector(".lesson-quiz-about");
    this._list = section.querySelector(".lesson-questions");
    this._onProof = onProof;
    this._onShow = onShow;
    this._key = null;
    this._rows = [];
  }

  render(connection, rows, maxLife_s) {
    this._rows = rows;
    this._maxLife_s = maxLife_s;
    const asked = connection ? questions(rows, maxLife_s) : null;
    this._about.textContent = asked
      ? `About run ${connection.run}, the ${connection.sample === "once" ? "single echo" : "loop"}, as it went. Each answer is judged from its rows.`
      : "It asks about a run of yours: play the lesson, or connect and send a message.";
    const key = asked ? `${connection.run} ${JSON.stringify(asked.map(({ text, options }) => [text, options]))}` : null;
    if (key === this._key) return;
    this._key = key;
    this._list.replaceChildren(...(asked ?? []).map((question) => this._question(question)));
  }

  _question({ name, text, options }) {
    const feedback = element("div", { "aria-live": "polite" });
    const judge = (value) => {
      const judged = questions(this._rows, this._maxLife_s).find((question) => question.name === name).judge(value);
      feedback.replaceChildren(verdict(judged, this._onShow));
      this._onProof(judged.row);
    };
    return element("fieldset", {
      class: "lesson-options", role: "radiogroup", "aria-labelledby": `lesson-question-${name}`, "data-question": name,
      "data-short": areShort(options),
    }, element("legend", { id: `lesson-question-${name}`, text }), ...choices(name, options, judge), feedback);
  }
}
