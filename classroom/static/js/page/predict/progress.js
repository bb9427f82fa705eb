/**
 * The state of one question: "asked" → "ready" (answered, skipped or voted on) → "running" → "revealed", or back to "asked".
 *
 * Pure: each function returns a new, frozen state. A run needs an answer, an explicit skip or a vote of the class, none of which can change
 * once the run has begun.
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

/** Record the counts of a closed vote, {id, counts: {part: {value: devices}}}, in place of an earlier one; the user's own answer remains. */
export function voted(state, { id, counts }) {
  return step(state, ["asked", "ready"], { phase: "ready", vote: { id, counts } });
}

/** Return the choice with the most votes; null if two choices share the first place or nobody voted. */
export function majority(counts) {
  const most = Math.max(...Object.values(counts));
  const first = Object.keys(counts).filter((value) => counts[value] === most);
  return most > 0 && first.length === 1 ? first[0] : null;
}

/** Return the prediction for a part, {who: "you" | "class", answer}, with null for no answer. The user's own answer takes precedence over the class's. */
export function predictionOf(state, part) {
  if (state.answers !== null || state.vote === null) return { who: "you", answer: state.answers?.[part.id] ?? null };
  return { who: "class", answer: majority(state.vote.counts[part.id]) };
}

export function running(state) {
  return step(state, ["ready"], { phase: "running" });
}

/** After a run that failed: it can be started again, with the same prediction. */
export function brokenOff(state) {
  return step(state, ["running"], { phase: "ready" });
}

export function revealed(state, result) {
  return step(state, ["running"], { phase: "revealed", result });
}

/** Return a stored state; ASKED if it is invalid or does not fit the question. A run that was in progress is lost. */
export function restored(stored, question) {
  if (!isObject(stored)) return ASKED;
  const { phase, skipped = false, result = null } = stored;
  const answers = isObject(stored.answers) && unanswered(question, stored.answers).length === 0 ? stored.answers : null;
  const vote = isObject(stored.vote?.counts) && question.parts.every((part) => areVotes(part, stored.vote.counts[part.id])) ? stored.vote : null;
  if (skipped !== true && answers === null && vote === null) return ASKED;
  const isWhole = isResult(result, question) && question.runs.every(({ id }) => TRANSPORTS.every((transport) => isObject(result.evidence?.[id]?.lanes?.[transport])));
  const ready = { phase: "ready", answers: skipped ? null : answers, skipped, vote, result: null };
  if (phase === "ready" || phase === "running") return Object.freeze(ready);
  return phase === "revealed" && isWhole ? Object.freeze({ ...ready, phase, result }) : ASKED;
}

/** Return the ids of the parts without a valid answer. */
export function unanswered(question, answers) {
  return question.parts.filter((part) => !isAnswer(part, answers[part.id])).map((part) => part.id);
}

function isObject(value) {
  return value !== null && typeof value === "object";
}

function areVotes(part, counts) {
  return isObject(counts) && choicesOf(part).every(({ value }) => Number.isInteger(counts[value]) && counts[value] >= 0);
}

/** Whether a value has all fields of a result that the view shows. */
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
