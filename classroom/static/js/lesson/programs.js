/** Runs the sample program of a transport from this page, and counts the requests that it needs to deliver some news. */

import { pause } from "./patience.js";

/** How many items of news a run waits for. */
export const WANTED = 5;
const POLL_MS = 1000;

/**
 * Run a program until WANTED items have arrived; `onCounts(counts)` is called after each request and each item.
 * @returns {Promise<{news: number, requests: number, empty: number}>} rejects with an Error whose message is a sentence
 */
export async function runProgram(session, transport, onCounts) {
  const counts = { news: 0, requests: 0, empty: 0 };
  await RUNS[transport](session, (field, by = 1) => {
    counts[field] += by;
    onCounts(counts);
    return counts.news < WANTED;
  });
  return counts;
}

/** Each program calls `count(field, by)`, which returns whether to continue. */
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

/** Send one poll. */
async function poll(session, name, after, count) {
  count("requests");
  const items = await request(session, name, { after });
  const isWanted = count(items.length ? "news" : "empty", items.length || 1);
  return { after: items.at(-1)?.number ?? after, isWanted };
}

/** Return the number of the newest item; a run waits for later ones. */
async function newest(session) {
  return (await request(session, "short_poll", {})).at(-1)?.number ?? 0;
}

async function request(session, name, query) {
  const address = session.address("http", name, { run: session.newRun(), ...query });
  const answer = await fetch(address, { cache: "no-store", credentials: "omit" }).catch(() => null);
  if (answer === null) throw new Error("The lesson’s server cannot be reached.");
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.detail);
  return body;
}
