/** The state of the predict view in the tab's storage: predictions, the question shown, and the runs that answered each question. */

import { RunData } from "../../shared/run_data.js";
import { readStored, store } from "../../shared/tab_storage.js";

const PREDICTIONS = "predictions";
const QUESTION = "predict-question";
const runsKey = (question) => `predict-runs-${question.id}`;

/** Return the stored states of the questions (progress.js) by the questions' ids. */
export function readPredictions() {
  return readStored(PREDICTIONS) ?? {};
}

export function storePredictions(states) {
  store(PREDICTIONS, states);
}

/** Return the id of the question that was shown last; null if there was none. */
export function readQuestion() {
  return readStored(QUESTION)?.id ?? null;
}

export function storeQuestion({ id }) {
  store(QUESTION, { id });
}

/** Return the stored runs of a question by their ids; null if one is missing or has an unknown version. */
export function readRuns(question) {
  const stored = readStored(runsKey(question));
  try {
    return Object.fromEntries(question.runs.map(({ id }) => [id, RunData.restore(stored[id])]));
  } catch {
    return null;
  }
}

export function storeRuns(question, datas) {
  store(runsKey(question), Object.fromEntries(Object.entries(datas).map(([id, data]) => [id, data.snapshot()])));
}
