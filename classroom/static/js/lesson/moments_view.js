import { element } from "./element.js";
import { MOMENTS } from "./moments.js";

/** A card per key moment, each with a button that runs it. `onRun(connections)` when it has run. */
export class MomentsView {
  #buttons;
  #onRun;
  #ready;
  #session;

  constructor(section, session, onRun) {
    this.#session = session;
    this.#onRun = onRun;
    this.#buttons = [];
    this.#ready = false;
    section.append(...Object.entries(MOMENTS).map(([name, moment]) => this.#card(name, moment)));
  }

  setReady(ready) {
    this.#ready = ready;
    for (const button of this.#buttons) button.disabled = !ready || button.dataset.running === "yes";
  }

  #card(name, { title, idea, run }) {
    const result = element("div", { class: "lesson-result", "aria-live": "polite" });
    const button = element("button", { type: "button", class: "button", text: "Run it", "aria-label": `Run it: ${title}` });
    button.onclick = async () => {
      button.dataset.running = "yes";
      button.disabled = true;
      result.replaceChildren(element("p", { class: "soft", text: "Running …" }));
      try {
        const { connections, sentences } = await run(this.#session);
        result.replaceChildren(element("ul", { class: "lesson-findings" }, ...sentences.map((text) => element("li", { text }))));
        this.#onRun(connections);
      } catch (error) {
        result.replaceChildren(element("p", { class: "wrong", text: error.message }));
      }
      button.dataset.running = "no";
      button.textContent = "Run it again";
      this.setReady(this.#ready);
    };
    this.#buttons.push(button);
    return element("article", { class: "lesson-moment", "data-moment": name },
      element("div", { class: "lesson-moment-head" },
        element("div", {}, element("h4", { text: title }), element("p", { class: "small soft", text: idea })), button),
      result);
  }
}
