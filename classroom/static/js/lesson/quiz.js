/** The quiz: three questions about one run, each judged by the rows of that run. */

import { countText, durationText } from "../shared/format.js";
import { areShort, choices, verdict } from "./choices.js";
import { element } from "./element.js";
import { all, endedBy, first, firstAnswer, isSilentEnd } from "./facts.js";

/** The section on the page: one question at a time, about the run that is shown; another run clears the answers. */
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

  /** Show the score. Only first answers count, since the solution is known afterwards. */
  #showScore() {
    const results = [...this.#results.values()];
    const answered = results.filter((result) => result.isRight !== null);
    const right = answered.filter((result) => result.isRight).length;
    const hints = results.filter((result) => result.isHinted).length;
    this.#find(".lesson-score").textContent = answered.length + hints === 0 ? ""
      : `${right} of ${answered.length} right${hints ? `, ${countText(hints, "hint")}` : ""}`;
  }
}

/**
 * Return the questions about a run, {name, text, hint, options: [[value, label]], judge(value) → {right, row, sentence}}; null while the run has not got
 * far enough. `row` proves the answer. The wrong options are common misconceptions. Pure.
 */
function questions(rows, maxLife_s) {
  const accept = first(rows, "accept");
  const answer = firstAnswer(rows);
  const pushed = all(rows, "sleep").length ? all(rows, "server_send") : [];
  const ended = endedBy(rows) !== null;
  const goesOn = answer !== null && rows.some((row) => row.kind === "wait" && row.number > answer.number);
  if (!accept || !(pushed.length > 1 || (answer && (ended || goesOn)))) return null;
  return [
    stateQuestion(accept),
    answer ? answerQuestion(rows, answer) : requestQuestion(rows, pushed[1]),
    neverQuestion(rows, answer ?? pushed[0], maxLife_s),
  ];
}

function stateQuestion(accept) {
  const truth = accept.plain.after.state;
  return {
    name: "state",
    text: "What is the connection after the step accept()?",
    hint: "Step through the table to accept(), and look at the state before and after it.",
    options: [
      ["asked", "Still asked: the first message opens it."],
      ["open", "Open: from now on both sides may send."],
      ["closing", "Closing: the server has given its answer."],
    ],
    judge: (value) => ({
      right: value === truth,
      row: accept,
      sentence: `Step ${accept.number}, accept() on line ${accept.line}: from ${accept.plain.before.state} to ${truth} `
        + `(application_state from ${accept.before.application_state} to ${accept.after.application_state}); nothing had been sent yet.`,
    }),
  };
}

function answerQuestion(rows, answer) {
  const offered = ["accept", "receive", "server_send", "message"].map((kind) => first(rows, kind)).filter((row) => row !== null);
  return {
    name: "answer",
    text: `In which step does the server answer ${first(rows, "receive").message}?`,
    hint: "To answer is to send: which line of the code does that, and in which step does it stand there?",
    options: offered.sort((a, b) => a.number - b.number).map((row) => [String(row.number), `Step ${row.number}`]),
    judge: (value) => {
      const chosen = rows[Number(value) - 1];
      const right = chosen?.number === answer.number;
      const proof = `Step ${answer.number}, send_text() on line ${answer.line}, sends ${answer.message}.`;
      return { right, row: answer, sentence: right ? proof : `${whatItIs(chosen)} ${proof}` };
    },
  };
}

function whatItIs(row) {
  const meaning = {
    accept: "opens the channel; nobody has asked anything yet",
    receive: "is where the server reads the message",
    message: "is where the browser gets the answer, which was on its way by then",
  }[row.kind];
  return `Step ${row.number}, ${row.action}, ${meaning}.`;
}

function requestQuestion(rows, sent) {
  const up = rows.filter((row) => row.direction === "up" && row.side === "browser" && row.number < sent.number);
  const truth = up.length === 1 ? "none" : "poll";
  return {
    name: "request",
    text: `Which request does ${sent.message} answer?`,
    hint: "Count the arrows from the browser to the server that come before it.",
    options: [
      ["upgrade", "The one that opened the channel: it is answered in pieces."],
      ["poll", "One that the browser sends every second, unseen."],
      ["none", "None: the server sends it by itself."],
    ],
    judge: (value) => ({
      right: value === truth,
      row: sent,
      sentence: `Step ${sent.number}: line ${sent.line} sends it after its sleep. All that the browser had sent by then was `
        + `${up.length === 1 ? "the request that opened the channel" : `${up.length} messages`}, and step ${first(rows, "accept").number} had answered that with 101.`,
    }),
  };
}

function neverQuestion(rows, sent, maxLife_s) {
  const silent = rows.find(isSilentEnd);
  const closedByBrowser = first(rows, "close");
  const wait = rows.findLast((row) => row.waits && row.number > sent.number) ?? null;
  const truth = silent && !closedByBrowser ? "ends" : "stays";
  const row = truth === "ends" ? silent : wait ?? sent;
  return {
    name: "never",
    text: "What happens to this server's connections if the browser never closes?",
    hint: "Look at the code after send_text(): does the handler go on, or does it return?",
    options: [
      ["stays", "They stay open: the handler goes on."],
      ["ends", "They end: the handler returns after it has sent."],
      ["request", "Each lasts until the browser's next HTTP request."],
      ["timeout", "They time out, as HTTP's connections do."],
    ],
    judge: (value) => ({ right: value === truth, row, sentence: proof() }),
  };

  function proof() {
    if (truth === "ends") {
      const closed = first(rows, "closed");
      return `Step ${silent.number}: the handler returned on line ${silent.line}, ${durationText(silent.since_ms - sent.since_ms)} after its answer. `
        + `The browser had not closed${closed ? `, and was told code ${closed.code}` : ""}.`;
    }
    return `Step ${row.number}: after sending, the handler went on to line ${row.line} and waits there. Nothing in the code ends it; `
      + `idle limits of proxies do, and this classroom does after ${Math.round(maxLife_s / 60)} minutes.`;
  }
}
