/** The lesson plans as data. Each card of a plan says what to press, what to ask, and what the class should see.
 *
 * A card also prepares the page: it opens `view`, starts a run with `preset`, freezes the lanes (`holds`), opens a `question` of Predict by its index,
 * and shows the `knobs`. It takes about `minutes` of the plan.
 */

const LOOK = {
  title: "One look", view: "watch", preset: "steady", minutes: 1,
  press: "Nothing. Let the run go by for half a minute.",
  ask: "Which lane is late, and by how much?",
  see: "The short poll, by half a second on average. The other three arrive as soon as the network lets them.",
};
const FOLLOW = {
  title: "Follow one event", view: "watch", holds: true, minutes: 2,
  press: "← and → go from event to event; a click on an event does as well.",
  ask: "Where does this event wait, and for what?",
  see: "On the short poll it waits for the next question. The long poll’s question waits for the event: that is the solid bar.",
};
const IDLE = {
  title: "Who is still talking?", view: "watch", preset: "idle", minutes: 1,
  press: "Nothing. Watch the number of requests at each lane’s name.",
  ask: "Hardly anything happens. Who talks all the same?",
  see: "The short poll, about twenty requests for each event. The others are silent.",
};
/** Return the card of a question of Predict. The first three questions have a formula; the last one needs the tab to be hidden during its run. */
const question = (place, title, ask, minutes = 2.5) => ({
  title, view: "predict", question: place, minutes, ask,
  press: `Collect predictions, then “Lock in my prediction”; or “Ask the class”, where devices have joined. Then “Run it”${place === 4 ? ", open another tab, count to ten and come back" : ""}.`,
  see: `The run decides${place < 3 ? ", and the formula is beside it" : ""}. Let somebody who was right explain.`,
});
const RULE = {
  title: "The rule behind it", view: "predict", question: 0, minutes: 2,
  press: "Nothing. The first question and its run are shown once more.",
  ask: "Can you say it as a formula: requests per event, and how long a poll is late?",
  see: "Requests per event are 1 ÷ (events a second × interval). A short poll is late by half its interval on average, plus the way over the network.",
};
const CLIFF = {
  title: "The cliff", view: "watch", preset: "ticker", knobs: true, minutes: 6,
  press: "Drag “Network, each way” to 30, then slowly to 70 ms.",
  ask: "When does the long poll become as late as if it slept?",
  see: "From 50 ms on: a round trip is then longer than the time between two events, and each event waits for the next question.",
};
const POLLING = {
  title: "When is polling better?", view: "watch", minutes: 5,
  press: "Nothing.",
  ask: "A weather page may be a minute old, and has a million readers. Which of the four?",
  see: "Polling: an answer can come from a cache, the server keeps nothing for readers who wait, and a lost connection costs nothing.",
};
const LESSON = [
  {
    title: "One connection", view: "lesson", minutes: 4,
    press: "“Single echo”, then “Play it”; then answer “Spot the bug” further down.",
    ask: "The server has sent its answer. Is the connection still open?",
    see: "With the single echo it is not: its handler has returned.",
  },
  {
    title: "A server that speaks first", view: "lesson", minutes: 3,
    press: "“Push”, then “Play it”.",
    ask: "Which request does “News 3” answer?",
    see: "None: one request opened the channel. Polling needs one for each look.",
  },
  {
    title: "Step by step", view: "lesson", minutes: 5,
    press: "“Loop”, then “Play it”; ← and → go through the run; then the quiz.",
    ask: "At which line does the server wait, and who wakes it?",
    see: "In receive_text(): a message of the browser wakes it.",
  },
];
/** The last card, with the figures of the last finished run (ending.js); it starts a run with enough events for them. */
const ENDING = { title: "What this room has measured", view: "watch", preset: "steady", minutes: 0, isEnding: true };

export const ROUTES = Object.freeze([
  { id: "5", label: "5 minutes", cards: [LOOK, FOLLOW, IDLE, ENDING] },
  {
    id: "15",
    label: "15 minutes",
    cards: [
      LOOK, FOLLOW,
      question(0, "Predict: asking in vain", "How many requests for each event?"),
      question(2, "Predict: long poll or WebSocket?", "Is a long poll as fast as a push?"),
      question(3, "Predict: when nothing happens", "Which of the four moves the fewest bytes?"),
      RULE, ENDING,
    ],
  },
  {
    id: "40",
    label: "40 minutes",
    cards: [
      LOOK, FOLLOW, IDLE,
      question(0, "Predict: asking in vain", "How many requests for each event?", 2),
      question(1, "Predict: asking twice as often", "What becomes of requests and age?", 2),
      question(2, "Predict: long poll or WebSocket?", "Is a long poll as fast as a push?", 2),
      question(3, "Predict: when nothing happens", "Which of the four moves the fewest bytes?", 2),
      question(4, "Predict: nobody looks", "What do the four do in a tab that is hidden?", 2),
      ...LESSON, CLIFF, POLLING, ENDING,
    ],
  },
]);

/** Return a stored position in a lesson plan, {route, card, revealed}; null if it is invalid. `revealed`: the cards whose answer is shown. */
export function placeOf(stored) {
  const route = ROUTES.find(({ id }) => id === stored?.route);
  const isCard = route !== undefined && Number.isInteger(stored.card) && stored.card >= 0 && stored.card < route.cards.length;
  return isCard ? { route, card: stored.card, revealed: new Set(Array.isArray(stored.revealed) ? stored.revealed : []) } : null;
}
