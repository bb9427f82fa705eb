import { CLAIM, judgeBug, OPTIONS } from "./bug.js";
import { choices, verdict } from "./choices.js";
import { element } from "./element.js";
import { first } from "./facts.js";
import { until } from "./moments.js";
import { buildRows } from "./rows.js";

/** Claim, guess, then a run of the single echo that decides. `onRun(connection)` when it begins. */
export class BugView {
  constructor(section, session, { onRun, onProof, onShow }) {
    this._session = session;
    this._button = section.querySelector('[data-action="bug"]');
    this._verdict = section.querySelector(".lesson-verdict");
    this._handlers = { onRun, onProof, onShow };
    this._chosen = null;
    this._running = false;
    this._ready = false;
    section.querySelector(".lesson-claim").textContent = CLAIM;
    section.querySelector("fieldset").append(...choices("bug", OPTIONS, (value) => {
      this._chosen = value;
      this.setReady(this._ready);
    }));
    this._button.onclick = () => this._run();
  }

  setReady(ready) {
    this._ready = ready;
    this._button.disabled = !ready || this._running || this._chosen === null;
  }

  async _run() {
    const [session, chosen] = [this._session, this._chosen];
    this._running = true;
    this.setReady(this._ready);
    try {
      const connection = session.connect("once");
      this._handlers.onRun(connection);
      await until(() => connection.socket.state !== "CONNECTING");
      connection.socket.send("Hello");
      await until(() => session.refusal ?? isWhole(connection));
      const judged = judgeBug(chosen, buildRows(connection), connection.units);
      if (judged === null) throw new Error(session.refusal ?? "The connection was refused.");
      this._verdict.replaceChildren(verdict(judged, this._handlers.onShow), facts(judged.facts));
      this._handlers.onProof(judged.row);
    } catch (error) {
      this._verdict.replaceChildren(element("p", { class: "wrong", text: error.message }));
    }
    this._running = false;
    this.setReady(this._ready);
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
