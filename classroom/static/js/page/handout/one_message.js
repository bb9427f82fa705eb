/** The trace of one message over the lesson's WebSocket and its answer, for the hand-out. */

import { buildRows } from "../../lesson/rows.js";
import { LessonSession } from "../../lesson/session.js";

const PATIENCE_MS = 5000;
const MESSAGE = "Hello";
const NORMAL_CLOSURE = 1000;

/**
 * Send "Hello" to the lesson's program "loop" and trace it; resolves with null if the lesson's server does not answer.
 *
 * @returns {Promise<{steps: object[], source: {n: number, text: string}[]}|null>} the rows of the execution table (lesson/rows.js), and the
 *   handler's lines
 */
export async function traceOneMessage(serverNow) {
  let changed = () => {};
  const session = new LessonSession(serverNow, () => changed());
  const until = (holds) => within(PATIENCE_MS, new Promise((resolve) => {
    changed = () => holds() && resolve();
    changed();
  }));
  try {
    session.follow();
    await until(() => session.ready);
    const connection = session.connect("loop");
    const kinds = () => buildRows(connection).map((row) => row.kind);
    await until(() => kinds().includes("open"));
    connection.socket.send(MESSAGE);
    await until(() => kinds().includes("message"));
    connection.socket.close(NORMAL_CLOSURE);
    await until(() => ["closed", "end"].every((kind) => kinds().includes(kind)));
    return { steps: buildRows(connection), source: handlerLines(session.samples.loop) };
  } catch {
    return null;
  } finally {
    session.leave();
  }
}

function handlerLines({ source, first_line: first, last_line: last }) {
  return source.split("\n").slice(first - 1, last).map((text, index) => ({ n: first + index, text }));
}

function within(patienceMs, promise) {
  return Promise.race([promise, new Promise((_, reject) => setTimeout(() => reject(new Error("no answer in time")), patienceMs))]);
}
