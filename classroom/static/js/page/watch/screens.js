/** What the reader of each lane sees at a moment: a chat message, a price or a score. Pure: an event means the same in every lane and on every page. */

/** Each is short enough for one line. */
const SENTENCES = [
  "Hello?", "Coming!", "5 minutes", "Cake?", "Upstairs", "See you", "It rains", "Who’s in?",
  "I am", "Start!", "We wait", "Now?", "Now!", "Quick!", "Thanks!", "On it",
];
const NAMES = ["Ada", "Bo", "Cem", "Dan"];
const START_PRICE = 100;
const LARGEST_STEP = 0.9;
/** One event in this many is a goal of the first team, and another a goal of the second; the rest leave the score as it is. */
const GOALS_EVERY = 4;

/** Compute a random-looking number from 0 to 1 from the event's number and the run's seed alone. */
function chance(seq, seed) {
  let mixed = Math.imul(seq ^ (seed | 0), 0x9e3779b1);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x85ebca6b);
  return ((mixed ^ (mixed >>> 13)) >>> 0) / 2 ** 32;
}

function sum(seq, of) {
  let total = 0;
  for (let each = 1; each <= seq; each += 1) total += of(each);
  return total;
}

const KINDS = {
  chat: (seq, seed) => `${NAMES[Math.floor(chance(seq, seed) * NAMES.length)]}: ${SENTENCES[seq % SENTENCES.length]}`,
  price: (seq, seed) => `€ ${(START_PRICE + sum(seq, (each) => (chance(each, seed) - 0.5) * 2 * LARGEST_STEP)).toFixed(2)}`,
  score: (seq, seed) => {
    const goals = (least) => sum(seq, (each) => (chance(each, seed) >= least && chance(each, seed) < least + 1 / GOALS_EVERY ? 1 : 0));
    return `${goals(0)} : ${goals(0.5)}`;
  },
};

export const SCREENS = Object.freeze({ chat: "Chat", price: "Price", score: "Score" });

/** The number of the newest event that had arrived by a moment, 0 if none had; `transport` null: that the server had published. */
export function newestSeq(data, transport, until_ns) {
  let newest = 0;
  if (transport === null) {
    for (const { seq, published_ns } of data.published.values()) if (published_ns <= until_ns && seq > newest) newest = seq;
  } else {
    for (const { seq, received_ns } of data.lanes[transport].deliveries.values()) {
      if (received_ns !== null && received_ns <= until_ns && seq > newest) newest = seq;
    }
  }
  return newest;
}

/** The text that a reader sees after this event. */
export function screenText(kind, seq, seed) {
  return seq === 0 ? "–" : KINDS[kind](seq, seed);
}
