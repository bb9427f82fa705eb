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
