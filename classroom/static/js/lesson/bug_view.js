import { CLAIM, judgeBug, OPTIONS } from "./bug.js";
import { choices, verdict } from "./choices.js";
import { element } from "./element.js";
import { first } from "./facts.js";
import { until } from "./patience.js";
import { buildRows } from "./rows.js";

/** Claim, guess, then a run of the single echo that decides. `onRun(connection)` when it begins. */
export class BugView {
  #button;
  #chosen;
  #handlers;
  #ready;
  #running;
  #session;
  #verdict;

  constructor(section, session, { onRun, onProof, onShow }) {
    this.#session = session;
    this.#button = section.querySelector('[data-action="bug"]');
    this.#verdict = section.querySelector(".lesson-verdict");
    this.#handlers = { onRun, onProof, onShow };
    this.#chosen = null;
    this.#running = false;
    this.#ready = false;
    section.querySelector(".lesson-claim").textContent = CLAIM;
    section.querySelector("fieldset").append(...choices("bug", OPTIONS, (value) => {
      this.#chosen = value;
      this.setReady(this.#ready);
    }));
    this.#button.onclick = () => this.#run();
  }

  setReady(ready) {
    this.#ready = ready;
    this.#button.disabled = !ready || this.#running || this.#chosen === null;
  }

  async #run() {
    const [session, chosen] = [this.#session, this.#chosen];
    this.#running = true;
    this.setReady(this.#ready);
    try {
      const connection = session.connect("once");
      this.#handlers.onRun(connection);
      await until(() => connection.socket.state !== "CONNECTING");
      connection.socket.send("Hello");
      await until(() => session.refusal ?? isWhole(connection));
      const judged = judgeBug(chosen, buildRows(connection), connection.units);
      if (judged === null) throw new Error(session.refusal ?? "The connection was refused.");
      this.#verdict.replaceChildren(verdict(judged, this.#handlers.onShow), facts(judged.facts));
      this.#handlers.onProof(judged.row);
    } catch (error) {
      this.#verdict.replaceChildren(element("p", { class: "wrong", text: error.message }));
    }
    this.#running = false;
    this.setReady(this.#ready);
  }
}

/** Whether all of a connection has been noted: what the server notes comes on another line than the connection's own end. */
function isWhole(connection) {
  const rows = buildRows(connection);
  return first(rows, "closed") && first(rows, "end") && connection.units.down.some((unit) => unit.kind === "end");
}

function facts(pairs) {
  return element("dl", { class: "lesson-facts" }, ...pairs.flatMap(([name, value]) => (
    [element("dt", { text: name }), element("dd", { text: value })])));
}
