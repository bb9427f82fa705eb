/**
 * The five questions as data: the text, the runs to make, and the measured figures that answer it.
 *
 * A question does not contain its answer. Each part names a figure, `field` (evidence.js), and the runs and transports for which it is read,
 * `of`: [run, transport] pairs; scoring.js compares the prediction with these figures.
 *
 * A part has one of four kinds:
 *   number    the answer is a number; in a vote, devices choose one of `votes`
 *   factor    the answer is the second figure of `of` divided by the first; each choice stands for a factor
 *   least     the answer is the transport with the smallest figure
 *   happened  the answer describes what the lanes did while the tab was hidden (hiding.js)
 */

import { LABELS } from "../../shared/transports.js";

const STREAM = { arrival: "poisson", hold_s: 30, one_way_delay_ms: 50, payload_bytes: 100, cursor: true };

const LATER = [
  { value: "same", factor: 1, text: "about as fast" },
  { value: "twice", factor: 2, text: "about twice as slow" },
  { value: "ten", factor: 10, text: "about ten times as slow" },
];

/** With evenly spaced events, neither of the two intervals is a multiple of the other: otherwise each event would wait equally long for its poll. */
export const QUESTIONS = [
  {
    id: "requests_per_event",
    title: "Asking in vain",
    text:
      "Events come at random, one in five seconds on average. A client with short polling asks once a second. " +
      "How many requests does it make for each event that it gets?",
    runs: [{ id: "run", label: "0.2 events/s, a poll each second", settings: { ...STREAM, rate_per_s: 0.2, poll_interval_s: 1, duration_s: 30 } }],
    parts: [
      { id: "requests", kind: "number", ask: "Requests per event", max: 1000, votes: [0.2, 1, 2, 5, 20], field: "requests_per_event", of: [["run", "short_poll"]] },
    ],
    columns: ["requests", "delivered", "requests_per_event", "empty_ratio"],
    why:
      "A poll goes out whether or not anything has happened: the rarer the events, the more requests for each. " +
      "A channel that stays open asks nothing, and a poll that waits asks about once per event.",
  },
  {
    id: "halve_the_interval",
    title: "Asking twice as often",
    text:
      "Five events a second on average. In the first run the short poll asks once a second, in the second run twice a second: " +
      "the same stream, half the interval. What becomes of its requests, and of the mean age of an event when it arrives?",
    runs: [
      { id: "before", label: "a poll each second", settings: { ...STREAM, rate_per_s: 5, poll_interval_s: 1, duration_s: 15 } },
      { id: "after", label: "a poll each half second", settings: { ...STREAM, rate_per_s: 5, poll_interval_s: 0.5, duration_s: 15 } },
    ],
    parts: [
      {
        id: "requests",
        kind: "factor",
        ask: "Requests per event",
        choices: [
          { value: "half", factor: 0.5, text: "half as many" },
          { value: "same", factor: 1, text: "about as many" },
          { value: "twice", factor: 2, text: "twice as many" },
        ],
        field: "requests_per_event",
        of: [["before", "short_poll"], ["after", "short_poll"]],
      },
      {
        id: "age",
        kind: "factor",
        ask: "Mean age of an event when it arrives",
        choices: [
          { value: "half", factor: 0.5, text: "about half as long" },
          { value: "same", factor: 1, text: "about as long" },
          { value: "twice", factor: 2, text: "about twice as long" },
        ],
        field: "mean_ms",
        of: [["before", "short_poll"], ["after", "short_poll"]],
      },
    ],
    columns: ["requests", "requests_per_event", "mean_ms", "max_ms"],
    why:
      "An event waits for the next poll: for half an interval on average, and then it travels. " +
      "With polling, half the wait costs twice the requests.",
  },
  {
    id: "long_poll_or_websocket",
    title: "Long poll or WebSocket?",
    text:
      "A long poll is answered as soon as something happens. Then the client must ask again, and is deaf until that question reaches the server. " +
      "How does its typical (median) event fare against the WebSocket’s: at one event a second, and at fifty?",
    runs: [
      { id: "calm", label: "1 event/s", settings: { ...STREAM, rate_per_s: 1, poll_interval_s: 1, duration_s: 20 } },
      { id: "busy", label: "50 events/s", settings: { ...STREAM, rate_per_s: 50, poll_interval_s: 1, duration_s: 10 } },
    ],
    parts: [
      { id: "calm", kind: "factor", ask: "At 1 event a second the long poll is", choices: LATER, field: "p50_ms", of: [["calm", "websocket"], ["calm", "long_poll"]] },
      { id: "busy", kind: "factor", ask: "At 50 events a second the long poll is", choices: LATER, field: "p50_ms", of: [["busy", "websocket"], ["busy", "long_poll"]] },
    ],
    columns: ["requests", "requests_per_event", "p50_ms", "p95_ms"],
    why:
      "While events are rarer than a round trip, the next question is back in time and the long poll is as fast as a push. " +
      "When they come faster, nearly every event falls into the deaf gap and waits for the next question: later, but many in one answer.",
  },
  {
    id: "cheapest_when_idle",
    title: "When nothing happens",
    text: "Hardly anything happens: one event in twenty seconds. Which of the four moves the fewest bytes over the network?",
    runs: [{ id: "run", label: "0.05 events/s, a poll each second", settings: { ...STREAM, rate_per_s: 0.05, poll_interval_s: 1, duration_s: 20 } }],
    parts: [{ id: "least", kind: "least", ask: "The fewest bytes are moved by", field: "bytes", of: [["run", "websocket"], ["run", "sse"], ["run", "long_poll"], ["run", "short_poll"]] }],
    columns: ["requests", "delivered", "header_bytes", "payload_bytes"],
    why:
      "An open channel is silent while there is nothing to say; each poll carries the headers of a request and of an answer, however empty. " +
      "What the open channel costs instead, memory in the server for each client, is not in these bytes.",
  },
  {
    id: "hide_the_tab",
    title: "Nobody looks",
    text:
      "Two events a second, and the short poll asks nearly four times a second. When the run has begun, hide this tab for ten seconds (open another one), and come back. " +
      "What do the four connections do meanwhile?",
    runs: [{ id: "run", label: "2 events/s, a poll every 0.27 s", settings: { ...STREAM, arrival: "periodic", rate_per_s: 2, poll_interval_s: 0.27, duration_s: 25 } }],
    parts: [
      {
        id: "course",
        kind: "happened",
        ask: "While the tab is hidden",
        choices: [
          { value: "all_go_on", text: "all four go on as before" },
          { value: "polls_slow", text: "the short poll slows down, the others go on" },
          { value: "polls_stop", text: "the polls stop, the open channels go on" },
          { value: "all_stop", text: "all four stop; what was missed arrives later" },
        ],
        of: [["run", "websocket"], ["run", "sse"], ["run", "long_poll"], ["run", "short_poll"]],
      },
    ],
    columns: ["requests", "delivered", "missed", "pace_ratio"],
    why:
      "Browsers slow down the timers of a page that nobody sees, but not those of a worker, and the four connections live in one. " +
      "A forgotten tab then goes on polling, which goes on costing. Considerate pages stop their polls when they are hidden (visibilitychange) and ask at once when they are shown.",
  },
];

/** Return the choices of a part, [{value, text}], with `factor` where a choice stands for a number. */
export function choicesOf(part) {
  if (part.kind === "number") return part.votes.map((number) => ({ value: String(number), text: String(number), factor: number }));
  return part.choices ?? part.of.map(([, transport]) => ({ value: transport, text: LABELS[transport] }));
}

/** Whether the user must hide the tab during the question's run. */
export function needsHiding(question) {
  return question.parts.some((part) => part.kind === "happened");
}
