// The lesson in five sentences, with this run's numbers. Pure.

import { all, endedBy, first, firstAnswer, pollsToLearn, totalBytes, waiting } from "./facts.js";
import { count, duration } from "./format.js";

/**
 * Five sentences, fewer while the run has not come so far. `now_ns` is for a connection that is still open.
 * @param program {handler} of the sample
 */
export function snapshot(rows, exchanges, program, now_ns) {
  return [opened(rows), handled(rows, program), compared(rows, exchanges), lasted(rows, now_ns), used(rows)].filter((text) => text !== null);
}

function opened(rows) {
  const [connect, accept, open] = ["connect", "accept", "open"].map((kind) => first(rows, kind));
  if (!accept || !open) return null;
  return `One HTTP request (${connect.bytes} bytes) and the server's 101 (${accept.bytes} bytes) opened a two-way channel `
    + `in ${duration(open.since_ms)}.`;
}

/** What FastAPI's decorator and async do. */
function handled(rows, program) {
  const [start, wait, received, sent, answer] = [...["start", "wait", "receive", "server_send"].map((kind) => first(rows, kind)), firstAnswer(rows)];
  if (!sent) return null;
  const called = `The decorator on line ${start.line} has FastAPI call ${program.handler}() for each connection, and async lets it`;
  if (answer) {
    return `${called} wait on line ${wait.line}, here for ${duration(received.since_ms - wait.since_ms)}, without holding up anybody else: when `
      + `${received.message} came, it had sent ${answer.message} ${duration(answer.since_ms - received.since_ms)} later.`;
  }
  const sleeps = all(rows, "sleep");
  return `${called} sleep on line ${sleeps[0].line}, here ${count(sleeps.length, "time")}, without holding up anybody else, and then send `
    + `without being asked: ${all(rows, "server_send").length} sent, ${all(rows, "send").length} received.`;
}

function compared(rows, exchanges) {
  const done = exchanges.filter((one) => one.answered_ns !== null && one.down_bytes !== null);
  const messages = all(rows, "message");
  if (!messages.length || !done.length) return null;
  const bytesOf = (ones) => ones.reduce((sum, one) => sum + one.up_bytes + one.down_bytes, 0);
  if (!firstAnswer(rows)) {
    const { requests, empty, learned, meanLag_ms } = pollsToLearn(done);
    if (learned === 0) return null;
    return `${count(messages.length, "message")} took ${totalBytes(all(rows, "server_send"))} bytes and no further request; by polling once a second, `
      + `${learned === messages.length ? "the same" : `${learned} of them`} took ${count(requests, "request")}${empty ? `, ${empty} of them in vain,` : ""} `
      + `and ${bytesOf(done.slice(0, requests))} bytes${meanLag_ms === null ? "" : `, and came ${duration(meanLag_ms)} later on average`}.`;
  }
  return `${count(all(rows, "send").length, "message")} and ${count(all(rows, "server_send").length, "answer")} took `
    + `${totalBytes([...all(rows, "send"), ...all(rows, "server_send")])} bytes `
    + `and no further request; over HTTP, ${count(done.length, "message")} took ${count(done.length, "request")} and ${bytesOf(done)} bytes.`;
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

/** What WebSockets are used for. */
function used(rows) {
  const [sent, message] = [first(rows, "server_send"), first(rows, "message")];
  if (!sent || !message) return null;
  return "WebSockets are used where news must be there as it happens, and either side may have some: chats, games, live prices, "
    + `shared documents. Here ${sent.message} was with the browser ${duration(message.since_ms - sent.since_ms)} after it was sent.`;
}
