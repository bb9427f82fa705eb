// The quiz: three questions about one run, each judged from that run's own rows. Pure.

import { all, endedBy, first, firstAnswer, isSilentEnd } from "./facts.js";
import { duration } from "./format.js";

/**
 * [{name, text, options: [[value, label]], judge(value) → {right, row, sentence}}], or null while the run has not come
 * far enough to be asked about. `row` is the one that proves it.
 */
export function questions(rows, maxLife_s) {
  const accept = first(rows, "accept");
  const answer = firstAnswer(rows);
  const ended = endedBy(rows) !== null;
  const waitsAgain = answer !== null && rows.some((row) => row.kind === "wait" && row.number > answer.number);
  if (!accept || !answer || !(ended || waitsAgain)) return null;
  return [stateQuestion(accept), answerQuestion(rows, answer), neverQuestion(rows, answer, maxLife_s)];
}

function stateQuestion(accept) {
  const truth = accept.after.application_state;
  return {
    name: "state",
    text: `In which state is the server's side (application_state) after the accept step?`,
    options: ["CONNECTING", "CONNECTED", "DISCONNECTED"].map((state) => [state, state]),
    judge: (value) => ({
      right: value === truth,
      row: accept,
      sentence: `Step ${accept.number}, accept() on line ${accept.line}: application_state went from `
        + `${accept.before.application_state} to ${truth}.`
        + (value === accept.before.application_state && value !== truth ? ` ${value} was the state before it.` : ""),
    }),
  };
}

function answerQuestion(rows, answer) {
  const offered = ["accept", "receive", "answer", "message"].map((kind) => first(rows, kind)).filter((row) => row !== null);
  return {
    name: "answer",
    text: `In which step does the server answer ${first(rows, "receive").message}?`,
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

function neverQuestion(rows, answer, maxLife_s) {
  const silent = rows.find(isSilentEnd);
  const closedByBrowser = first(rows, "close");
  const wait = all(rows, "wait").findLast((row) => row.number > answer.number) ?? null;
  const truth = silent && !closedByBrowser ? "ends" : "stays";
  const row = truth === "ends" ? silent : wait ?? answer;
  return {
    name: "never",
    text: "What happens to this server's connections if the browser never closes?",
    options: [
      ["stays", "They stay open: the handler waits for the next message."],
      ["ends", "They end anyway: the handler returns after its first answer."],
      ["request", "Each lasts until the browser's next HTTP request."],
    ],
    judge: (value) => ({ right: value === truth, row, sentence: proof() }),
  };

  function proof() {
    if (truth === "ends") {
      const closed = first(rows, "closed");
      return `Step ${silent.number}: the handler returned on line ${silent.line}, ${duration(silent.since_ms - answer.since_ms)} after its answer. `
        + `The browser had not closed${closed ? `, and was told code ${closed.code}` : ""}.`;
    }
    return `Step ${row.number}: after its answer the handler went on to line ${row.line} and waits there. Nothing in the code ends it; `
      + `idle limits of proxies do, and this classroom does after ${Math.round(maxLife_s / 60)} minutes.`;
  }
}
