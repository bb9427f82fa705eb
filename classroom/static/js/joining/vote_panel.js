/** A vote on a device: the question with its choices, the device's own vote, and the answer that the run gives. */

import { readStored, store } from "../shared/tab_storage.js";

const STORED_VOTE = "class-vote";

export class VotePanel {
  #element;
  #send;
  #vote = null;
  /** This device's counted answers, {part: value}; null before it has voted. */
  #own = null;

  /**
   * @param {HTMLElement} element
   * @param {(vote: string, answers: object) => Promise<void>} send rejects with an Error whose message is a sentence for the user
   */
  constructor(element, send) {
    this.#element = element;
    this.#send = send;
    element.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#cast(Object.fromEntries(new FormData(event.target)));
    });
    element.addEventListener("change", () => this.#say(""));
  }

  /** Show the server's vote; null hides the panel. Choices that are not sent yet remain. */
  show(vote) {
    const isNew = vote?.id !== this.#vote?.id;
    const hasChanged = isNew || vote?.state !== this.#vote?.state;
    this.#vote = vote;
    this.#element.hidden = vote === null;
    if (vote === null) return;
    if (isNew) this.#own = null;
    // A device that was away for long has a new number, but its earlier vote still counts.
    this.#own = vote.own ?? this.#own ?? readOwn(vote.id);
    if (hasChanged) this.#render();
    if (isNew) this.#element.scrollIntoView({ block: "start" });
  }

  async #cast(answers) {
    const { id, question } = this.#vote;
    if (question.parts.some((part) => !(part.id in answers))) return this.#say("Choose an answer to each part first.");
    try {
      await this.#send(id, answers);
    } catch (error) {
      this.#say(error.message);
      return;
    }
    this.#own = answers;
    store(STORED_VOTE, { vote: id, answers });
    if (this.#vote?.id === id) this.#say("");
  }

  #say(problem) {
    const line = this.#element.querySelector(".vote-problem");
    if (line === null) return;
    line.hidden = problem === "";
    line.textContent = problem;
    this.#element.querySelector(".vote-state").textContent = this.#own === null ? "" : "Your vote is counted. You can change it until the vote is closed.";
    this.#element.querySelector("button").textContent = this.#own === null ? "Vote" : "Change my vote";
  }

  #render() {
    const { question, state } = this.#vote;
    const title = made("h2", "", question.title);
    const text = made("p", "", question.text);
    if (state === "open") this.#element.replaceChildren(title, text, this.#form());
    else this.#element.replaceChildren(title, ...this.#outcome());
    this.#say("");
  }

  #form() {
    const form = made("form", "stack");
    form.append(...this.#vote.question.parts.map((part) => this.#choices(part)), made("p", "vote-state small soft"), made("p", "wrong vote-problem"));
    form.querySelector(".vote-state").setAttribute("role", "status");
    form.querySelector(".vote-problem").setAttribute("role", "alert");
    const button = made("button", "button button-strong");
    button.type = "submit";
    form.append(button);
    return form;
  }

  #choices(part) {
    const group = made("fieldset", "choices");
    group.append(made("legend", "", part.ask));
    for (const { value, text } of part.choices) {
      const label = made("label", "choice");
      const radio = Object.assign(document.createElement("input"), { type: "radio", name: part.id, value, checked: this.#own?.[part.id] === value });
      label.append(radio, made("span", "", text));
      group.append(label);
    }
    return group;
  }

  /** Return paragraphs with the device's vote and, once the run is over, the right answer. */
  #outcome() {
    const { question, right, shown, state } = this.#vote;
    if (state === "closed" && this.#own === null) return [made("p", "", "The vote is closed. The run decides.")];
    const lines = question.parts.map((part) => {
      const value = this.#own?.[part.id];
      const said = value === undefined ? [] : [`you said ${part.choices.find((choice) => choice.value === value)?.text}`];
      if (state === "closed") return made("p", "", `${part.ask}: ${said.join()}.`);
      const outcome = value === undefined || right[part.id].length === 0 ? "note" : right[part.id].includes(value) ? "right" : "wrong";
      const mark = { note: "", right: "✓ ", wrong: "✗ " }[outcome];
      return made("p", outcome, `${mark}${part.ask}: ${[...said, `the run shows ${shown[part.id] ?? "nothing that answers it"}`].join(", ")}.`);
    });
    return state === "closed" ? [...lines, made("p", "soft", "The vote is closed. The run decides.")] : lines;
  }
}

/** Build an element with a text, which is not parsed as HTML, since it comes from the server. */
function made(tag, className, text = "") {
  return Object.assign(document.createElement(tag), { className, textContent: text });
}

/** Return this tab's stored answers to a vote; null if there are none. */
function readOwn(vote) {
  const stored = readStored(STORED_VOTE);
  return stored?.vote === vote ? stored.answers : null;
}
