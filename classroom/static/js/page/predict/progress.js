/**
 * Where one question stands: "asked" → "ready" (answered or skipped) → "running" → "revealed", or back to "asked".
 *
 * Pure: each step gives a new, frozen state. A run cannot begin before there is an answer or an explicit skip, and an answer cannot be
 * changed after the run has begun.
 */

export const ASKED = Object.freeze({ phase: "asked", answers: null, skipped: false, result: null });

/** Lock in answers, {part: answer}. */
export function answered(state, answers) {
  return step(state, ["asked"], { phase: "ready", answers, skipped: false });
}

export function skipped(state) {
  return step(state, ["asked"], { phase: "ready", answers: null, skipped: true });
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

/** A state that was kept, as far as it fits the question; else the question is asked anew. A run that was on has been lost. */
export function restored(kept, question) {
  if (kept === null || typeof kept !== "object") return ASKED;
  const { phase, answers = null, skipped = false, result = null } = kept;
  const fits = skipped === true || (answers !== null && typeof answers === "object" && unanswered(question, answers).length === 0);
  if (!fits) return ASKED;
  const isWhole = Array.isArray(result?.scores) && result.scores.length === question.parts.length && question.runs.every(({ id }) => result.evidence?.[id]);
  const ready = { phase: "ready", answers: skipped ? null : answers, skipped, result: null };
  if (phase === "ready" || phase === "running") return Object.freeze(ready);
  return phase === "revealed" && isWhole ? Object.freeze({ ...ready, phase, result }) : ASKED;
}

/** What is still missing before answers can be locked in: the ids of the parts without one. */
export function unanswered(question, answers) {
  return question.parts.filter((part) => !isAnswer(part, answers[part.id])).map((part) => part.id);
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
