/** The HTML of the predict view. Pure; nothing is escaped, since every text comes from the page itself. */

import { LABELS, TRANSPORTS } from "../../shared/transports.js";
import { FIELDS, format } from "./fields.js";
import { choicesOf } from "./questions.js";

const MARKS = { asked: "○", ready: "●", running: "▶", skipped: "–", right: "✓", close: "≈", off: "✗", unmeasured: "?" };
const STATE_WORDS = {
  asked: "open",
  ready: "prediction locked in",
  running: "running",
  skipped: "run without a prediction",
  right: "right",
  close: "close",
  off: "not what happened",
  unmeasured: "not measured",
};
const VERDICTS = {
  right: ["right", (whom) => `Right: the run agrees with ${whom}.`],
  close: ["note", () => "Close: within a factor of two of what the run shows."],
  off: ["wrong", (whom, { predicted, measured }) => `Not this time: ${whom} said ${predicted}, the run shows ${measured}.`],
  skipped: ["note", () => "No prediction this time: this is what the run shows."],
  unmeasured: ["note", () => "This run cannot answer the question."],
};
const WHOM = { you: "you", class: "the class" };

/** Return the phase of a question; once it is revealed, its outcome. */
function stateOf(progress) {
  return progress.phase === "revealed" ? progress.result.outcome : progress.phase;
}

export function stepsHtml(questions, progresses, current) {
  const items = questions.map((question, index) => {
    const state = stateOf(progresses[index]);
    return `<li><button type="button" class="step" data-step="${index}" data-state="${state}" ${index === current ? 'aria-current="step"' : ""}>
      <span class="step-mark" aria-hidden="true">${MARKS[state]}</span>
      <span class="step-number">${index + 1}</span> <span class="step-title">${question.title}</span>
      <span class="visually-hidden">(${STATE_WORDS[state]})</span></button></li>`;
  });
  return `<ol>${items.join("")}</ol>`;
}

export function formHtml(question) {
  const parts = question.parts.map((part) => partHtml(question, part));
  return `<form class="stack predict-form" novalidate>
    ${parts.join("")}
    <p class="wrong predict-missing" role="alert" hidden></p>
    <div class="row">
      <button type="submit" class="button button-strong">Lock in my prediction</button>
      <button type="button" class="button" data-action="skip">Skip, just show me</button>
    </div>
  </form>`;
}

function partHtml(question, part) {
  const name = `${question.id}-${part.id}`;
  if (part.kind === "number") {
    return `<div class="field predict-number"><label for="${name}">${part.ask}</label>
      <input id="${name}" name="${part.id}" type="number" inputmode="decimal" min="0" max="${part.max}" step="any" autocomplete="off"></div>`;
  }
  const radios = choicesOf(part).map(
    (choice) => `<label class="choice"><input type="radio" name="${part.id}" value="${choice.value}"> <span>${choice.text}</span></label>`,
  );
  return `<fieldset class="choices"><legend>${part.ask}</legend>${radios.join("")}</fieldset>`;
}

/** Return the rules of the parts, each once. */
export function ruleHtml(rules) {
  const sentences = [...new Set(rules)].filter((rule) => rule !== null);
  return sentences.length === 0 ? "" : `<p class="predict-rule small soft">${sentences.join(" ")}</p>`;
}

/** Return the locked prediction. `words(part, answer)` returns an answer in words. */
export function lockedHtml(question, progress, words) {
  if (progress.skipped) return `<p class="predict-locked">You skipped the prediction.</p>`;
  if (progress.answers === null) return `<p class="predict-locked">The class has voted.</p>`;
  const rows = question.parts.map((part) => `<dt>${part.ask}</dt><dd>${words(part, progress.answers[part.id])}</dd>`);
  return `<dl class="predict-locked">${rows.join("")}</dl>`;
}

/** Return the verdict on a question in one sentence: `reason`, or that of its outcome, which names the first wrong part. `who` made the prediction: "you" or "class". */
export function verdictHtml(outcome, who, scores, reason) {
  const [style, sentence] = VERDICTS[outcome];
  const text = reason ?? sentence(WHOM[who], scores.find((score) => score.outcome === outcome));
  return `<p class="${style} predict-verdict" data-outcome="${outcome}">${text}</p>`;
}

/** Return one part's prediction, measured answer and formula in words; nothing for a number, which its bar chart shows. */
export function partResultHtml(part, score, who) {
  if (part.kind === "number" && score.outcome !== "unmeasured") return "";
  const rows = [
    ...(score.predicted !== null ? [[who === "class" ? "The class said" : "You said", score.predicted]] : []),
    ...(score.predicted === null && who === "class" ? [["The class said", "no choice more often than all others"]] : []),
    ["The run says", score.measured ?? "nothing that answers it"],
    ...(score.model === null ? [] : [["The formula says", score.model]]),
  ];
  const list = rows.map(([term, text]) => `<div><dt>${term}</dt><dd>${text}</dd></div>`).join("");
  return `<h3>${part.ask}</h3><dl class="predict-said">${list}</dl>`;
}

/** Return the closed form of each figure of a part with the numbers put in; nothing if there is none. `formulas`: {run: {transport: {field: text}}}. */
export function formulasHtml(question, part, formulas, models) {
  const rows = (part.field ? part.of : []).flatMap(([run, transport]) => {
    const formula = formulas?.[run]?.[transport]?.[part.field];
    const value = models[run]?.[transport]?.[part.field] ?? null;
    if (!formula || value === null) return [];
    const name = part.of.length === 1 ? "" : `<b>${LABELS[transport]}${question.runs.length > 1 ? `, ${question.runs.find(({ id }) => id === run).label}` : ""}:</b> `;
    const rule = formula.replace(/ = [\d.]+$/, ""); // a single number is the value itself
    return [`<li>${name}${rule} = <b>${format(value, part.field)}</b></li>`];
  });
  return rows.length === 0 ? "" : `<ul class="predict-formulas small" aria-label="The formula, with its numbers">${rows.join("")}</ul>`;
}

/** Return the teacher's button that starts a vote, or another one. */
export function askHtml(devices, isAgain) {
  return `<div class="row"><button type="button" class="button" data-action="ask" aria-describedby="vote-hint">${isAgain ? "Ask the class again" : "Ask the class"}</button>
    <span id="vote-hint" class="soft">${devices === 1 ? "One device gets" : `${devices} devices get`} this question to vote on.</span></div>`;
}

/** Return the number of votes so far, and the buttons that end the vote. */
export function openVoteHtml({ voted, devices }) {
  return `<p class="predict-voted"><strong>${voted}</strong> of ${devices} ${devices === 1 ? "device has" : "devices have"} voted.</p>
    <div class="row"><button type="button" class="button button-strong" data-action="close" ${voted === 0 ? "disabled" : ""}>Close the vote</button>
      <button type="button" class="button" data-action="withdraw">Withdraw the question</button></div>`;
}

/** Return the tables of the lanes' figures in each run. */
export function numbersHtml(question, evidence) {
  const tables = question.runs.map((run) => {
    const head = question.columns.map((column) => `<th scope="col">${FIELDS[column].label}</th>`).join("");
    const body = TRANSPORTS.map((transport) => {
      const cells = question.columns.map((column) => `<td>${format(evidence[run.id].lanes[transport][column], column)}</td>`);
      return `<tr><th scope="row">${LABELS[transport]}</th>${cells.join("")}</tr>`;
    });
    return `<div class="scroll-x" tabindex="0" role="region" aria-label="Numbers: ${run.label}"><table><caption>${run.label}</caption>
      <thead><tr><th scope="col">Lane</th>${head}</tr></thead><tbody>${body.join("")}</tbody></table></div>`;
  });
  return `<details class="predict-numbers"><summary>All four lanes, number by number</summary>${tables.join("")}</details>`;
}

/** Return a sentence on whether the page's counts of requests, deliveries and bytes match the server's; nothing if the server's are unknown. */
export function recordHtml(question, evidence, records) {
  const recorded = question.runs.filter((run) => records[run.id]);
  if (recorded.length === 0) return "";
  const differences = recorded.flatMap((run) => countDifferences(evidence[run.id].lanes, records[run.id]));
  const sentence = differences.length === 0
    ? "The server’s own record of this run has the same requests, deliveries and bytes, lane by lane."
    : `The server’s own record differs: ${differences.join("; ")}.`;
  return `<p class="predict-record small soft" data-agrees="${differences.length === 0}">${sentence}</p>`;
}

function countDifferences(lanes, record) {
  return Object.entries(record).flatMap(([transport, { requests, delivered, up_bytes: up, down_bytes: down }]) => {
    const counted = lanes[transport];
    const pairs = [["requests", counted.requests, requests], ["delivered", counted.delivered, delivered.length], ["bytes", counted.bytes, up + down]];
    return pairs.filter(([, page, server]) => page !== server).map(([what, page, server]) => `${transport.replace("_", " ")}, ${what}: ${page} here, ${server} there`);
  });
}
