/**
 * Where one question stands: "asked" → "ready" (answered, skipped or voted on) → "running" → "revealed", or back to "asked".
 *
 * Pure: each step gives a new, frozen state. A run cannot begin before there is an answer, an explicit skip or a vote of the class, and
 * none can be changed after the run has begun.
 */

import { TRANSPORTS } from "../../shared/transports.js";
import { choicesOf } from "./questions.js";
import { OUTCOMES } from "./scoring.js";

export const ASKED = Object.freeze({ phase: "asked", answers: null, skipped: false, vote: null, result: null });

/** Lock in answers, {part: answer}. */
export function answered(state, answers) {
  return step(state, ["asked"], { phase: "ready", answers, skipped: false });
}

export function skipped(state) {
  return step(state, ["asked"], { phase: "ready", answers: null, skipped: true });
}

/** A vote of the class is closed: {id, counts: {part: {value: devices}}}. It stands beside an answer of one's own, and replaces an earlier vote. */
export function voted(state, { id, counts }) {
  return step(state, ["asked", "ready"], { phase: "ready", vote: { id, counts } });
}

/** What most devices chose for a part; null if no choice has more votes than every other. */
export function majority(counts) {
  const most = Math.max(...Object.values(counts));
  const first = Object.keys(counts).filter((value) => counts[value] === most);
  return most > 0 && first.length === 1 ? first[0] : null;
}

/** Who predicted a part, "you" or "class", and the answer, null if nobody did. One's own answer comes before the class's. */
export function predictionOf(state, part) {
  if (state.answers !== null || state.vote === null) return { who: "you", answer: state.answers?.[part.id] ?? null };
  return { who: "class", answer: majority(state.vote.counts[part.id]) };
}

export function running(state) {
  return step(state, ["ready"], { phase: "running" });
}

/** The run failed or was broken off: it may be begun again, with the same prediction. */
export function brokenOff(state) {
  return step(state, ["running"], { phase: "ready" });
}

export function revealed(state, result) {
  return step(state, ["running"], { phase: "revealed", result });
}

/** A state that was kept, if it fits the question; else the question is asked anew. A run that was in progress has been lost. */
export function restored(kept, question) {
  if (kept === null || typeof kept !== "object") return ASKED;
  const { phase, skipped = false, result = null } = kept;
  const answers = isObject(kept.answers) && unanswered(question, kept.answers).length === 0 ? kept.answers : null;
  const vote = isObject(kept.vote?.counts) && question.parts.every((part) => areVotes(part, kept.vote.counts[part.id])) ? kept.vote : null;
  if (skipped !== true && answers === null && vote === null) return ASKED;
  const isWhole = isResult(result, question) && question.runs.every(({ id }) => TRANSPORTS.every((transport) => isObject(result.evidence?.[id]?.lanes?.[transport])));
  const ready = { phase: "ready", answers: skipped ? null : answers, skipped, vote, result: null };
  if (phase === "ready" || phase === "running") return Object.freeze(ready);
  return phase === "revealed" && isWhole ? Object.freeze({ ...ready, phase, result }) : ASKED;
}

/** What is still missing before answers can be locked in: the ids of the parts without one. */
export function unanswered(question, answers) {
  return question.parts.filter((part) => !isAnswer(part, answers[part.id])).map((part) => part.id);
}

function isObject(value) {
  return value !== null && typeof value === "object";
}

function areVotes(part, counts) {
  return isObject(counts) && choicesOf(part).every(({ value }) => Number.isInteger(counts[value]) && counts[value] >= 0);
}

/** Whether it has everything that is shown of a result. */
function isResult(result, { parts }) {
  const isScore = (score) => OUTCOMES.includes(score?.outcome) && Array.isArray(score.bars) && Array.isArray(score.right);
  const has = ["you", "class"].includes(result?.who) && OUTCOMES.includes(result.outcome) && isObject(result.models) && isObject(result.records);
  return has && Array.isArray(result.scores) && result.scores.length === parts.length && result.scores.every(isScore);
}

function isAnswer(part, answer) {
  if (answer === undefined || answer === null || answer === "") return false;
  if (part.kind !== "number") return true;
  const number = Number(answer);
  return Number.isFinite(number) && number >= 0 && number <= part.max;
}

function step(state, allowed, changes) {
  if (!allowed.includes(state.phase)) throw new Error(`a question that is ${state.phase} cannot become ${changes.phase}`);
  return Object.freeze({ ...state, ...changes });
}
