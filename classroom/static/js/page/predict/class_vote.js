/** The teacher's side of a vote: sends a question to the class's devices, receives the counts, closes the vote, sends the right answers. */

import { choicesOf } from "./questions.js";

export class ClassVote {
  #context;
  #devices = 0;
  #onChange;
  #vote = null;

  /** `onChange()` is called when a device votes, joins or leaves, and when a vote begins, is closed or ends. */
  constructor(context, onChange) {
    this.#context = context;
    this.#onChange = onChange;
    context.on("vote", ({ vote }) => this.#take(vote));
    context.on("class", ({ devices }) => {
      const hasChanged = devices !== this.#devices;
      this.#devices = devices;
      if (hasChanged) onChange();
    });
  }

  /** The number of devices in the class. */
  get devices() {
    return this.#devices;
  }

  /** Return the vote on this question, {id, state, voted, devices, counts}, or null. `counts`, {part: {value: devices}}, is known once the vote is closed. */
  on(question) {
    return this.#vote?.question.id === question.id ? this.#vote : null;
  }

  async ask(question) {
    const { id, title, text, parts } = question;
    await this.#post("", { id, title, text, parts: parts.map((part) => ballotPart(part)) });
  }

  async close() {
    await this.#post("/close", { vote: this.#vote.id });
  }

  /** Send the devices the right answers and the measured values. `scores`: one per part (scoring.js). */
  async decide(question, scores) {
    const byPart = (valueOf) => Object.fromEntries(question.parts.map((part, index) => [part.id, valueOf(scores[index])]));
    const right = byPart((score) => score.right);
    const shown = byPart((score) => score.measured ?? "nothing that answers it");
    await this.#post("/decide", { vote: this.#vote.id, right, shown });
  }

  /** Take the question away from the devices. */
  async end() {
    await this.#post("/end", { vote: this.#vote.id });
  }

  async #post(path, body) {
    this.#take((await this.#context.request(`/api/question${path}`, { method: "POST", body })).vote);
  }

  #take(vote) {
    this.#vote = vote;
    this.#onChange();
  }
}

function ballotPart(part) {
  return { id: part.id, ask: part.ask, choices: choicesOf(part).map(({ value, text }) => ({ value, text })) };
}
