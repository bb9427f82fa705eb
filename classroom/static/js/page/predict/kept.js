/** Predictions, the question that is shown and the runs that decided, kept in the tab so that they survive a reload of the page. */

import { RunData } from "../../shared/run_data.js";

const PREDICTIONS = "predictions";
const QUESTION = "predict-question";
const runsKey = (question) => `predict-runs-${question.id}`;

/** The states of the questions that were kept, by their ids. */
export function recallPredictions() {
  return recall(PREDICTIONS);
}

export function keepPredictions(states) {
  keep(PREDICTIONS, states);
}

/** The id of the question that was shown last; null if there was none. */
export function recallQuestion() {
  return recall(QUESTION).id ?? null;
}

export function keepQuestion({ id }) {
  keep(QUESTION, { id });
}

/** The runs of a question that were kept, by their ids; null if one of them is missing, or of another version. */
export function recallRuns(question) {
  const kept = recall(runsKey(question));
  try {
    return Object.fromEntries(question.runs.map(({ id }) => [id, RunData.restore(kept[id])]));
  } catch {
    return null;
  }
}

export function keepRuns(question, datas) {
  keep(runsKey(question), Object.fromEntries(Object.entries(datas).map(([id, data]) => [id, data.snapshot()])));
}

function recall(key) {
  try {
    return JSON.parse(sessionStorage.getItem(key)) ?? {};
  } catch {
    return {};
  }
}

function keep(key, value) {
  try {
    sessionStorage.setItem(key, JSON.stringify(value));
  } catch {
    // Storage may be forbidden or full: what is kept then lasts as long as the page.
  }
}
