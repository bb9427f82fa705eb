/** "Spot the bug": a wrong claim about the single echo, the user's guess, and a run that decides. */

import { durationText } from "../shared/format.js";
import { choices, verdict } from "./choices.js";
import { element } from "./element.js";
import { all, endedBy, first, firstAnswer, isSilentEnd } from "./facts.js";
import { until } from "./patience.js";
import { buildRows } from "./rows.js";

/** The section on the page. `onRun(connection)` is called when the run begins, `onProof(row)` and `onShow(row)` with the row that proves the answer. */
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
      await until(() => session.refusal ?? isComplete(connection));
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

/** Whether all records of a closed connection have arrived; the server's arrive over another socket, and so perhaps later. */
function isComplete(connection) {
  const rows = buildRows(connection);
  return first(rows, "closed") && first(rows, "end") && connection.units.down.some((unit) => unit.kind === "end");
}

function facts(pairs) {
  return element("dl", { class: "lesson-facts" }, ...pairs.flatMap(([name, value]) => (
    [element("dt", { text: name }), element("dd", { text: value })])));
}

const CLAIM = "The server sends its answer, and the connection remains open for the next message.";
const OPTIONS = [
  ["remains", "Nothing. It remains open, as it says."],
  ["accept", "accept() stands in the wrong place."],
  ["returns", "The handler returns after send_text(), and the connection with it."],
];

/** Judge a guess by a run that has ended: {right, row, sentence, facts: [[name, value]]}; null if the server never answered. Pure. */
function judgeBug(value, rows, units) {
  const answer = firstAnswer(rows);
  const closed = first(rows, "closed");
  const end = rows.find(isSilentEnd);
  if (!answer) return null;
  const truth = end && endedBy(rows) === "handler" && closed ? "returns" : "remains";
  if (truth === "remains") {
    return { right: value === truth, row: answer, sentence: "In this run it is still open after the answer.", facts: [] };
  }
  const frames = units.down.filter((unit) => unit.kind !== "http" && unit.kind !== "end");
  return {
    right: value === truth,
    row: end,
    sentence: `Step ${end.number}: ${durationText(end.since_ms - answer.since_ms)} after its answer the handler returned on line ${end.line}, `
      + `and the connection closed. The loop goes back to receive_text() instead.`,
    facts: [
      ["The browser reports", `code ${closed.code}, wasClean ${closed.clean}`],
      ["From the server came", `${frames.map((unit) => `1 ${unit.kind} frame`).join(", ")}; ${all(frames, "close").length} close frames, then the end of the TCP stream`],
      ["Starlette still says", `application_state ${end.after.application_state}, client_state ${end.after.client_state}`],
    ],
  };
}
