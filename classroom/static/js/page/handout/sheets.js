/** The two sheets of the hand-out as HTML: exercises and answers. Pure. */

import { evidenceOf } from "../predict/evidence.js";
import { countText } from "../../shared/format.js";
import { escapeHtml } from "../../shared/html.js";
import { format } from "../predict/fields.js";
import { choicesOf } from "../predict/questions.js";
import { figureFacts, laneFigure } from "./figure.js";

const BLANK_STEPS = 10;
/** The figures of each lane (predict/evidence.js) with short headings for paper. */
const COLUMNS = {
  requests: "requests", delivered: "events", missed: "missed", empty_ratio: "empty answers", requests_per_event: "requests per event",
  header_bytes: "header bytes", payload_bytes: "payload bytes", mean_ms: "mean", p50_ms: "median", p95_ms: "95 % within", max_ms: "oldest",
};
const STEP_COLUMNS = ["Step", "Who, and what they do", "State before", "State after", "Message"];
/** The kinds of steps (lesson/rows.js) that are printed. */
const STEP_KINDS = ["connect", "accept", "open", "send", "receive", "server_send", "message", "close", "failed", "closed"];
/** By question and part, the expected answers for which the model has no formula. */
export const EXPECTED = {
  cheapest_when_idle: { least: "WebSocket and SSE: silent while there is nothing to say" },
  hide_the_tab: { course: "all four go on as before: they live in a worker, whose timers are not slowed down" },
};

/**
 * Return both sheets as HTML.
 *
 * @param {object} shown
 * @param {import("../../shared/run_data.js").RunData|null} shown.data the run of the figure; null if there is none
 * @param {{transport: string, label: string}[]} shown.lanes
 * @param {{startNs: number, lengthNs: number}|null} shown.window the part of the run that the figure shows
 * @param {boolean} shown.recorded whether the run is the recorded one
 * @param {Object<string, object>|null} shown.models by transport, the model's predictions for the run
 * @param {{question: object, scores: import("../predict/scoring.js").Score[], ran: boolean}[]} shown.questions `ran`: whether its runs were made
 * @param {object[]|null} shown.steps the rows of one traced message (lesson/rows.js)
 * @param {{n: number, text: string}[]|null} shown.source the lines of the traced program
 */
export function sheetsHtml(shown) {
  return `<section class="sheet" data-sheet="1">${questionSheet(shown)}</section>
    <section class="sheet" data-sheet="2">${answerSheet(shown)}</section>`;
}

function questionSheet(shown) {
  return `<header class="sheet-head"><h1>Push or poll? One stream, four ways</h1><p class="sheet-name">Name <span class="blank"></span> Date <span class="blank blank-short"></span></p></header>
    <h2>1 &nbsp;Predict, before you watch</h2>
    <ol class="sheet-questions">${shown.questions.map(({ question }) => blankQuestion(question)).join("")}</ol>
    <h2>2 &nbsp;One message over a WebSocket, step by step</h2>
    <div class="sheet-trace">${sourceHtml(shown.source)}${stepTable(Array.from({ length: BLANK_STEPS }, (_, index) => [String(index + 1), "", "", "", ""]), "blank-table")}</div>
    <h2>3 &nbsp;Read the lanes</h2>
    ${figureHtml(shown)}
    <p class="sheet-tasks"><b>a</b> Circle every answer that brought nothing: how many? <span class="blank blank-tiny"></span>
      &ensp;<b>b</b> Which event arrived latest after it was due, and over which lane? <span class="blank blank-short"></span>
      &ensp;<b>c</b> Where was a request held longest? <span class="blank blank-short"></span></p>`;
}

/** Return the traced program, which stands beside the blank table. */
function sourceHtml(source) {
  if (source === null) return "";
  return `<ol class="sheet-source">${source.map(({ n, text }) => `<li value="${n}"><code>${escapeHtml(text)}</code></li>`).join("")}</ol>`;
}

function figureHtml({ data, lanes, window, recorded }) {
  if (data === null) return `<p class="sheet-missing">No run was seen yet: open Watch, let one run go by, and print again.</p>`;
  const seconds = (window.lengthNs / 1e9).toLocaleString("en", { maximumFractionDigits: 1 });
  return `<figure>${laneFigure(data, lanes, window, `${seconds} seconds of a run, lane by lane`)}
    <figcaption>${seconds} s of ${recorded ? "<b>a recorded run</b>" : "a run in this room"}: ${settingsWords(data.settings)}. A number is an event when it was due; thin dashed lines are requests, solid ones answers and messages;
    a hollow circle is an empty answer, a grey bar a held request, hatching the time in which a long poll is deaf.</figcaption></figure>`;
}

function blankQuestion(question) {
  const asked = question.parts.map((part) => {
    if (part.kind === "number") return `<span class="blank blank-short"></span>`;
    const choices = choicesOf(part).map(({ text }) => text);
    const lead = question.parts.length > 1 || part.kind === "happened" ? `<i>${part.ask}:</i> ` : "";
    return `${lead}${choices.map((choice) => `<span class="box-choice"><span class="box"></span>${choice}</span>`).join(" ")}`;
  });
  const stop = /[.?!]$/.test(question.title) ? "" : ".";
  return `<li><b>${question.title}${stop}</b> ${question.text} <span class="sheet-answers">${asked.map((line) => `<span>${line}</span>`).join("")}</span></li>`;
}

function stepTable(rows, kind) {
  const head = STEP_COLUMNS.map((column) => `<th scope="col">${column}</th>`).join("");
  const body = rows.map((cells) => `<tr>${cells.map((cell) => `<td>${cell}</td>`).join("")}</tr>`).join("");
  return `<table class="steps ${kind}"><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table>`;
}

function answerSheet(shown) {
  const { data } = shown;
  return `<header class="sheet-head"><h1>Answers</h1><p>${data === null ? "" : `${shown.recorded ? "Recorded run" : "Run in this room"}: ${settingsWords(data.settings)}`}</p></header>
    <h2>1 &nbsp;What the runs showed</h2>
    ${predictionTable(shown.questions)}
    <h2>2 &nbsp;One message over a WebSocket</h2>
    ${shown.steps === null ? `<p class="sheet-missing">The lesson’s server did not answer: the steps are those of the table in the view Lesson of a live page.</p>` : stepTable(shown.steps.filter(({ kind }) => STEP_KINDS.includes(kind)).slice(0, 12).map(stepCells), "answer-table")}
    <h2>3 &nbsp;The lanes</h2>
    ${data === null ? `<p class="sheet-missing">No run was seen yet.</p>` : laneAnswers(shown)}`;
}

function predictionTable(questions) {
  const rows = questions.flatMap(({ question, scores, ran }) => [
    ...question.parts.map((part, number) => `<tr>${number === 0 ? `<th scope="rowgroup" rowspan="${question.parts.length}">${question.title}</th>` : ""}
      <td>${part.ask}</td><td>${ran ? `<b>${scores[number].measured ?? "this run could not tell"}</b>` : '<span class="not-run">not run yet</span>'}</td><td>${scores[number].model ?? EXPECTED[question.id]?.[part.id] ?? "–"}</td></tr>`),
    `<tr class="why-row"><td colspan="4">${question.why}</td></tr>`,
  ]);
  return `<table class="answers"><thead><tr><th scope="col">Question</th><th scope="col">Asked</th><th scope="col">The run</th><th scope="col">To be expected</th></tr></thead><tbody>${rows.join("")}</tbody></table>`;
}

function stepCells(row, index) {
  return [String(index + 1), `<b>${row.side === "browser" ? "Browser" : "Server"}:</b> ${escapeHtml(row.action)}`, stateNames(row.before), stateNames(row.after), escapeHtml(row.message)];
}

/** Return the distinct states of both ends of the connection, as the programs name them. */
function stateNames(states) {
  return [...new Set(Object.values(states ?? {}).filter((state) => state !== null && state !== undefined))].map((state) => escapeHtml(String(state))).join(" / ");
}

function laneAnswers({ data, lanes, window, models }) {
  const facts = figureFacts(data, lanes, window);
  const { lanes: numbers } = evidenceOf(data);
  const head = Object.values(COLUMNS).map((heading) => `<th scope="col">${heading}</th>`).join("");
  const body = lanes.map(({ transport, label }) => `<tr><th scope="row">${label}</th>
    ${Object.keys(COLUMNS).map((column) => `<td>${format(numbers[transport][column], column)}</td>`).join("")}</tr>`
    + modelRow(models?.[transport]));
  return `<p class="sheet-tasks"><b>a</b> ${countText(facts.empty, "answer")} brought nothing.
      &ensp;<b>b</b> ${facts.slowest === null ? "No event arrived in this window." : `Event ${facts.slowest.seq} over the ${facts.slowest.label}, ${Math.round(facts.slowest.latency_ms)} ms after it was due.`}
      &ensp;<b>c</b> ${facts.longest_held === null ? "Nowhere in this window." : `${facts.longest_held.label}: ${(facts.longest_held.held_ms / 1000).toFixed(2)}\u00a0s with the server, as far as the picture shows.`}</p>
    <table class="lane-answers"><thead><tr><th scope="col">The whole run</th>${head}</tr></thead><tbody>${body.join("")}</tbody></table>`;
}

/** Return a lane's figures by the formulas as the row below it; nothing if there are none. */
function modelRow(model) {
  if (!model) return "";
  const cells = Object.keys(COLUMNS).map((column) => `<td>${model[column] === undefined ? "" : format(model[column], column)}</td>`);
  return `<tr class="model-row"><th scope="row">formula</th>${cells.join("")}</tr>`;
}

/** Return a run's settings in one line. */
function settingsWords({ rate_per_s: rate, arrival, poll_interval_s: interval, hold_s: hold, one_way_delay_ms: delay, payload_bytes: payload, cursor }) {
  const arrivals = { periodic: "evenly spaced", poisson: "at random", burst: "in bursts" };
  const events = `${rate}\u00a0${rate === 1 ? "event" : "events"}/s ${arrivals[arrival]}, ${payload}\u00a0bytes each`;
  const polls = `short poll every ${interval}\u00a0s, long poll held up to ${hold}\u00a0s${cursor ? "" : ", without a cursor"}`;
  return `${events}; ${polls}; ${delay}\u00a0ms each way`;
}
