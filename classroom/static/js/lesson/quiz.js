// The quiz: three questions about one run, each judged from that run's own rows. Pure.

import { all, endedBy, first, firstAnswer, isSilentEnd } from "./facts.js";
import { duration } from "./format.js";

/**
 * [{name, text, hint, options: [[value, label]], judge(value) → {right, row, sentence}}], or null while the run is not
 * far enough to ask about it. `row` is the one that proves it. The wrong options are common misconceptions.
 */
export function questions(rows, maxLife_s) {
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
      return `Step ${silent.number}: the handler returned on line ${silent.line}, ${duration(silent.since_ms - sent.since_ms)} after its answer. `
        + `The browser had not closed${closed ? `, and was told code ${closed.code}` : ""}.`;
    }
    return `Step ${row.number}: after sending, the handler went on to line ${row.line} and waits there. Nothing in the code ends it; `
      + `idle limits of proxies do, and this classroom does after ${Math.round(maxLife_s / 60)} minutes.`;
  }
}
