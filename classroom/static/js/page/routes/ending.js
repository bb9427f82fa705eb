/** The last card of a lesson plan as HTML: what this classroom has measured, and when to use which transport. Pure. */

import { countText } from "../../shared/format.js";
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

/** Return the card. `data`: the last run that went its length, else the last finished one, or null; `predictions`: [{question, progress}] (predict.js). */
export function endingHtml(data, predictions) {
  const events = data === null ? 0 : Math.max(...TRANSPORTS.map((transport) => laneNumbers(data, transport).delivered));
  const figures = events > 0 ? [["median age", medianAge], ["requests per event", requestsPerEvent]] : [];
  const heads = ["Lane", ...figures.map(([name]) => name), "the one to take where"];
  const rows = TRANSPORTS.map((transport) => {
    const cells = [...figures.map(([, figure]) => figure(laneNumbers(data, transport))), USES[transport]];
    return `<tr data-transport="${transport}"><th scope="row">${LABELS[transport]}</th>${cells.map((text) => `<td>${text}</td>`).join("")}</tr>`;
  });
  return `${introductionHtml(data, events)}
    <table class="route-table"><thead><tr>${heads.map((name) => `<th scope="col">${name}</th>`).join("")}</tr></thead>
      <tbody>${rows.join("")}</tbody></table>
    <p><strong>The formula:</strong> a short poll asks 1 ÷ (events a second × interval) times for each event, and is late by half its interval on average, plus the way over the network.</p>
    <p>${tallyOf(predictions)}</p>`;
}

function medianAge({ p50_ms: median }) {
  return median === null ? "–" : ageText(median * 1e6);
}

function requestsPerEvent({ requests_per_event: ratio }) {
  return ratio === null ? "–" : ratio.toFixed(2);
}

/** Say which run the figures are of, and whether it had enough events. */
function introductionHtml(data, events) {
  if (events === 0) {
    return `<p>This room has measured nothing yet: no run with an event is over. Wait until the run below is over, and its figures stand here; if none is on,
      <button type="button" class="button" data-route-action="measure">start one</button></p>`;
  }
  const few = events < FEW_EVENTS ? ", too few for a typical age (the next run is shown here when it is over)" : "";
  return `<p>Run ${data.run.id} of this room, ${countText(events, "event")}${few}:</p>`;
}

/** Return the outcomes of the predictions in a sentence. */
function tallyOf(predictions) {
  const outcomes = predictions.filter(({ progress }) => progress.phase === "revealed").map(({ progress }) => progress.result.outcome);
  if (outcomes.length === 0) return "No prediction was put to the test.";
  const parts = VERDICTS.map(([outcome, words]) => [outcomes.filter((each) => each === outcome).length, words]).filter(([count]) => count > 0);
  return `Of ${countText(outcomes.length, "question")} put to the test: ${parts.map(([count, words]) => `${count} ${words}`).join(", ")}.`;
}
