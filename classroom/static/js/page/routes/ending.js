/** The end of a lesson plan: this room's own numbers, and what follows from them. Pure: data in, HTML out. */

import { ageText, laneNumbers } from "../../shared/numbers.js";
import { LABELS, TRANSPORTS } from "../../shared/transports.js";

const USES = {
  websocket: "both sides have something to say, and at once",
  sse: "only the server has something to say: plain HTTP, and the browser reconnects by itself",
  long_poll: "nothing but plain requests gets through, and events are rarer than a round trip",
  short_poll: "it may be a little late, readers are many, or a cache can answer",
};
const FEW_EVENTS = 10;
const VERDICTS = [["right", "right"], ["close", "close"], ["off", "not what happened"], ["skipped", "run without a prediction"]];

/** `data`: the last run that is over, or null; `predictions`: [{question, progress}]. */
export function endingHtml(data, predictions) {
  const rows = TRANSPORTS.map((transport) => {
    const found = data === null ? null : laneNumbers(data, transport);
    const age = found === null || found.p50_ms === null ? "–" : ageText(found.p50_ms * 1e6);
    const requests = found === null || found.requests_per_event === null ? "–" : found.requests_per_event.toFixed(2);
    return `<tr data-transport="${transport}"><th scope="row">${LABELS[transport]}</th><td>${age}</td><td>${requests}</td><td>${USES[transport]}</td></tr>`;
  });
  const run = data === null ? "No run is over yet." : `Run ${data.run.id} of this room, ${eventsOf(data)}:`;
  return `<p>${run}</p>
    <table class="route-table"><thead><tr><th scope="col">Lane</th><th scope="col">median age</th><th scope="col">requests per event</th><th scope="col">the one to take where</th></tr></thead>
      <tbody>${rows.join("")}</tbody></table>
    <p><strong>The formula:</strong> a short poll asks 1 ÷ (events a second × interval) times for each event, and is late by half its interval on average, plus the way over the network.</p>
    <p>${tallyOf(predictions)}</p>`;
}

/** So few events have no typical age: the next run that is over takes the place of this one. */
function eventsOf(data) {
  const events = Math.max(...TRANSPORTS.map((transport) => laneNumbers(data, transport).delivered));
  const few = events < FEW_EVENTS ? ", too few for a typical age (the next run is shown here when it is over)" : "";
  return `${events} ${events === 1 ? "event" : "events"}${few}`;
}

/** How the predictions went, in a sentence. */
export function tallyOf(predictions) {
  const outcomes = predictions.filter(({ progress }) => progress.phase === "revealed").map(({ progress }) => progress.result.outcome);
  if (outcomes.length === 0) return "No prediction was put to the test.";
  const parts = VERDICTS.map(([outcome, words]) => [outcomes.filter((each) => each === outcome).length, words]).filter(([count]) => count > 0);
  return `Of ${outcomes.length} ${outcomes.length === 1 ? "question" : "questions"} put to the test: ${parts.map(([count, words]) => `${count} ${words}`).join(", ")}.`;
}
