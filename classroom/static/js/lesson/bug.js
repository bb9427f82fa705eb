// Spot the bug: what the single echo really does, read off a run of it. Pure.

import { all, endedBy, first, firstAnswer, isSilentEnd } from "./facts.js";
import { duration } from "./format.js";

export const CLAIM = "The server sends its answer, and the connection remains open for the next message.";
export const OPTIONS = [
  ["remains", "Nothing. It remains open, as it says."],
  ["accept", "accept() stands in the wrong place."],
  ["returns", "The handler returns after send_text(), and the connection with it."],
];

/** {right, row, sentence, facts: [[name, value]]} from a run that has ended, or null while it has not answered yet. */
export function judgeBug(value, rows, units) {
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
    sentence: `Step ${end.number}: ${duration(end.since_ms - answer.since_ms)} after its answer the handler returned on line ${end.line}, `
      + `and the connection closed. The loop goes back to receive_text() instead.`,
    facts: [
      ["The browser reports", `code ${closed.code}, wasClean ${closed.clean}`],
      ["From the server came", `${frames.map((unit) => `1 ${unit.kind} frame`).join(", ")}; ${all(frames, "close").length} close frames, then the end of the TCP stream`],
      ["Starlette still says", `application_state ${end.after.application_state}, client_state ${end.after.client_state}`],
    ],
  };
}
