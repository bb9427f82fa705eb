/** The question that the class votes on, on a device: its choices, its own vote, and what the run then shows. */

const VOTED = "class-vote";

export class VotePanel {
  #element;
  #send;
  #vote = null;
  /** What this device has chosen and was counted; null before that. */
  #own = null;

  /**
   * @param {HTMLElement} element
   * @param {(vote: string, answers: object) => Promise<void>} send rejects with the sentence for the user
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

  /** A question as the server sends it, or null. Choices that are not sent yet are kept. */
  show(vote) {
    const isNew = vote?.id !== this.#vote?.id;
    const isOther = isNew || vote?.state !== this.#vote?.state;
    this.#vote = vote;
    this.#element.hidden = vote === null;
    if (vote === null) return;
    if (isNew) this.#own = null;
    // To the server, a device that was away for long is a new one; its earlier vote still counts.
    this.#own = vote.own ?? this.#own ?? recall(vote.id);
    if (isOther) this.#render();
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
    keep(id, answers);
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

  /** What was voted for and, once the run has decided, what is right. */
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

/** An element with a text, which is never read as markup: the question comes from the server. */
function made(tag, className, text = "") {
  return Object.assign(document.createElement(tag), { className, textContent: text });
}

function recall(vote) {
  try {
    const kept = JSON.parse(sessionStorage.getItem(VOTED));
    return kept?.vote === vote ? kept.answers : null;
  } catch {
    return null;
  }
}

function keep(vote, answers) {
  try {
    sessionStorage.setItem(VOTED, JSON.stringify({ vote, answers }));
  } catch {
    // Storage may be forbidden: the vote is counted all the same.
  }
}
