/** The lesson in five sentences, with the numbers of one run. Pure. */

import { countText, durationText } from "../shared/format.js";
import { all, endedBy, first, firstAnswer, pollsToLearn, totalBytes, waiting } from "./facts.js";

/**
 * Return the sentences for which the run has got far enough, at most five.
 *
 * @param {object[]} rows the run's rows (rows.js)
 * @param {object[]} exchanges the requests beside it (session.js)
 * @param {{handler: string}} program the sample that was run
 * @param {number} now_ns the present, for a connection that is still open
 */
export function snapshot(rows, exchanges, program, now_ns) {
  return [opened(rows), handled(rows, program), compared(rows, exchanges), lasted(rows, now_ns), used(rows)].filter((text) => text !== null);
}

function opened(rows) {
  const [connect, accept, open] = ["connect", "accept", "open"].map((kind) => first(rows, kind));
  if (!accept || !open) return null;
  return `One HTTP request (${connect.bytes} bytes) and the server's 101 (${accept.bytes} bytes) opened a two-way channel `
    + `in ${durationText(open.since_ms)}.`;
}

/** Say what FastAPI's decorator and `async` do. */
function handled(rows, program) {
  const [start, wait, received, sent, answer] = [...["start", "wait", "receive", "server_send"].map((kind) => first(rows, kind)), firstAnswer(rows)];
  if (!sent) return null;
  const called = `The decorator on line ${start.line} has FastAPI call ${program.handler}() for each connection, and async lets it`;
  if (answer) {
    return `${called} wait on line ${wait.line}, here for ${durationText(received.since_ms - wait.since_ms)}, without holding up anybody else: when `
      + `${received.message} came, it had sent ${answer.message} ${durationText(answer.since_ms - received.since_ms)} later.`;
  }
  const sleeps = all(rows, "sleep");
  return `${called} sleep on line ${sleeps[0].line}, here ${countText(sleeps.length, "time")}, without holding up anybody else, and then send `
    + `without being asked: ${all(rows, "server_send").length} sent, ${all(rows, "send").length} received.`;
}

function compared(rows, exchanges) {
  const done = exchanges.filter((exchange) => exchange.answered_ns !== null && exchange.down_bytes !== null);
  const messages = all(rows, "message");
  if (!messages.length || !done.length) return null;
  const bytesOf = (some) => some.reduce((sum, { up_bytes: up, down_bytes: down }) => sum + up + down, 0);
  if (!firstAnswer(rows)) {
    const { requests, empty, learned, meanLag_ms } = pollsToLearn(done);
    if (learned === 0) return null;
    return `${countText(messages.length, "message")} took ${totalBytes(all(rows, "server_send"))} bytes and no further request; by polling once a second, `
      + `${learned === messages.length ? "the same" : `${learned} of them`} took ${countText(requests, "request")}${empty ? `, ${empty} of them in vain,` : ""} `
      + `and ${bytesOf(done.slice(0, requests))} bytes${meanLag_ms === null ? "" : `, and came ${durationText(meanLag_ms)} later on average`}.`;
  }
  return `${countText(all(rows, "send").length, "message")} and ${countText(all(rows, "server_send").length, "answer")} took `
    + `${totalBytes([...all(rows, "send"), ...all(rows, "server_send")])} bytes `
    + `and no further request; over HTTP, ${countText(done.length, "message")} took ${countText(done.length, "request")} and ${bytesOf(done)} bytes.`;
}

function lasted(rows, now_ns) {
  const [open, closed] = [first(rows, "open"), first(rows, "closed")];
  if (!open) return null;
  if (!closed) {
    const line = waiting(rows)?.line;
    return `The connection has been open for ${durationText((now_ns - open.at_ns) / 1e6)}`
      + `${line ? `, and the handler waits on line ${line}` : ""}; either side may close it.`;
  }
  const length = durationText(closed.since_ms - open.since_ms);
  return {
    browser: `The connection was open for ${length}, until the browser closed it with code ${closed.code}.`,
    server: `The connection was open for ${length}, until the server closed it with code ${closed.code}.`,
    handler: `The connection was open for ${length}: it did not remain open, because the handler returned; `
      + `no close frame was sent, and the browser reports code ${closed.code}.`,
    network: `The connection was open for ${length}, until it was lost: code ${closed.code}.`,
  }[endedBy(rows)];
}

/** Say what WebSockets are used for. */
function used(rows) {
  const [sent, message] = [first(rows, "server_send"), first(rows, "message")];
  if (!sent || !message) return null;
  return "WebSockets are used where news must be there as it happens, and either side may have some: chats, games, live prices, "
    + `shared documents. Here ${sent.message} was with the browser ${durationText(message.since_ms - sent.since_ms)} after it was sent.`;
}
