// The lesson in four sentences, with this run's numbers. Pure.

import { all, endedBy, first, firstAnswer, totalBytes, waiting } from "./facts.js";
import { count, duration } from "./format.js";

/** Four sentences, fewer while the run has not come so far. `now_ns` is for a connection that is still open. */
export function snapshot(rows, exchanges, now_ns) {
  return [opened(rows), answered(rows), compared(rows, exchanges), lasted(rows, now_ns)].filter((text) => text !== null);
}

function opened(rows) {
  const [connect, accept, open] = ["connect", "accept", "open"].map((kind) => first(rows, kind));
  if (!accept || !open) return null;
  return `One HTTP request (${connect.bytes} bytes) and the server's 101 (${accept.bytes} bytes) opened a two-way channel `
    + `in ${duration(open.since_ms)}.`;
}

function answered(rows) {
  const [answer, received] = [firstAnswer(rows), first(rows, "receive")];
  if (!answer) return null;
  const waited = rows.find((row) => row.kind === "wait");
  return `The handler had been waiting in receive_text() on line ${waited.line} for ${duration(received.since_ms - waited.since_ms)} when `
    + `${received.message} came; ${duration(answer.since_ms - received.since_ms)} later it had sent ${answer.message}.`;
}

function compared(rows, exchanges) {
  const frames = [...all(rows, "send"), ...all(rows, "answer")];
  const done = exchanges.filter((one) => one.answered_ns !== null && one.down_bytes !== null);
  if (!all(rows, "message").length || !done.length) return null;
  const spent = done.reduce((sum, one) => sum + one.up_bytes + one.down_bytes, 0);
  return `${count(all(rows, "send").length, "message")} and ${count(all(rows, "answer").length, "answer")} took ${totalBytes(frames)} bytes `
    + `and no further request; over HTTP, ${count(done.length, "message")} took ${count(done.length, "request")} and ${spent} bytes.`;
}

function lasted(rows, now_ns) {
  const [open, closed] = [first(rows, "open"), first(rows, "closed")];
  if (!open) return null;
  if (!closed) {
    const line = waiting(rows)?.line;
    return `The connection has been open for ${duration((now_ns - open.at_ns) / 1e6)}`
      + `${line ? `, and the handler waits on line ${line}` : ""}; either side may close it.`;
  }
  const length = duration(closed.since_ms - open.since_ms);
  return {
    browser: `The connection was open for ${length}, until the browser closed it with code ${closed.code}.`,
    server: `The connection was open for ${length}, until the server closed it with code ${closed.code}.`,
    handler: `The connection was open for ${length}: it did not remain open, because the handler returned; `
      + `no close frame was sent, and the browser reports code ${closed.code}.`,
    network: `The connection was open for ${length}, until it was lost: code ${closed.code}.`,
  }[endedBy(rows)];
}
