// The programs behind the lanes, run from this page: how many requests each takes to deliver some news. It only
// counts, so no clock is needed.

import { pause } from "./patience.js";

/** The items of news that a run waits for. */
export const WANTED = 5;
const POLL_MS = 1000;

/**
 * Run the program of a transport until it has delivered; `told(counts)` after each request and each item.
 * @returns {Promise<{news: number, requests: number, empty: number}>} rejects with an Error whose message is a sentence
 */
export async function runProgram(session, transport, told) {
  const counts = { news: 0, requests: 0, empty: 0 };
  await RUNS[transport](session, (field, by = 1) => {
    counts[field] += by;
    told(counts);
    return counts.news < WANTED;
  });
  return counts;
}

// Each calls `count(field, by)`, which returns whether to go on.
const RUNS = {
  websocket: (session, count) => untilDelivered((delivered, lost) => {
    const socket = new WebSocket(session.address("ws", "push", { run: session.newRun() }));
    count("requests");
    socket.onmessage = () => count("news") || delivered(() => socket.close());
    socket.onclose = lost;
  }),
  async sse(session, count) {
    const after = await newest(session);
    await untilDelivered((delivered, lost) => {
      const source = new EventSource(session.address("http", "sse", { run: session.newRun(), after }));
      count("requests");
      source.onmessage = () => count("news") || delivered(() => source.close());
      source.onerror = () => {
        source.close();
        lost();
      };
    });
  },
  async long_poll(session, count) {
    let after = await newest(session);
    let isWanted = true;
    while (isWanted) ({ after, isWanted } = await poll(session, "long_poll", after, count));
  },
  async short_poll(session, count) {
    let after = await newest(session);
    const first_ms = performance.now() + Math.random() * POLL_MS; // polls are not in step with the server's clock
    let isWanted = true;
    for (let polls = 0; isWanted; polls += 1) {
      await pause(first_ms + polls * POLL_MS - performance.now());
      ({ after, isWanted } = await poll(session, "short_poll", after, count));
    }
  },
};

function untilDelivered(begin) {
  return new Promise((resolve, reject) => begin(
    (close) => {
      resolve();
      close();
    },
    () => reject(new Error("The lesson’s server cannot be reached.")),
  ));
}

/** One request of a poll. */
async function poll(session, name, after, count) {
  count("requests");
  const items = await ask(session, name, { after });
  const isWanted = count(items.length ? "news" : "empty", items.length || 1);
  return { after: items.at(-1)?.number ?? after, isWanted };
}

/** The number of the newest item: a run waits for those after it. */
async function newest(session) {
  return (await ask(session, "short_poll", {})).at(-1)?.number ?? 0;
}

async function ask(session, name, query) {
  const address = session.address("http", name, { run: session.newRun(), ...query });
  const answer = await fetch(address, { cache: "no-store", credentials: "omit" }).catch(() => null);
  if (answer === null) throw new Error("The lesson’s server cannot be reached.");
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.detail);
  return body;
}
