// The key moments, each run on connections of its own; what they tell is read off those runs.

import { all, first, firstAnswer, totalBytes, waiting } from "./facts.js";
import { count, duration } from "./format.js";
import { pause, until } from "./patience.js";
import { buildRows } from "./rows.js";

const STILL_THERE_MS = 1500;

/** name → {title, question, run(session) → {connections, sentences}}; rejects with an Error whose message is a sentence. */
export const MOMENTS = {
  stays: {
    title: "Why does the connection stay open?",
    idea: "One “Hello” to each version, then nothing for a while.",
    run: whyItStays,
  },
  when: {
    title: "How does the server know when to send?",
    idea: "Open a connection, stay silent for a moment, then say “Hello”.",
    run: whenToSend,
  },
  second: {
    title: "A second message without a new request?",
    idea: "Two messages on one connection, and the same two as requests.",
    run: secondMessage,
  },
};

async function whyItStays(session) {
  const [once, loop] = [await opened(session, "once"), await opened(session, "loop")];
  for (const connection of [once, loop]) connection.socket.send("Hello");
  await until(() => firstAnswer(buildRows(loop)) && waiting(buildRows(loop)));
  await until(() => ["server_send", "end", "closed"].every((kind) => first(buildRows(once), kind)));
  await pause(STILL_THERE_MS);
  const [ended, waits] = [buildRows(once), buildRows(loop)];
  const [end, closed, held] = [first(ended, "end"), first(ended, "closed"), waiting(waits)];
  const sentences = [
    `Single echo: its handler returned on line ${end.line} after ${count(all(ended, "server_send").length, "answer")}, and the browser reports ${once.socket.state}, code ${closed.code}.`,
    held
      ? `Loop: ${duration((session.serverNow() - held.at_ns) / 1e6)} later it is still ${loop.socket.state}, because its handler has not returned: it waits on line ${held.line}.`
      : `Loop: readyState ${loop.socket.state}.`,
    "A WebSocket lives exactly as long as the handler runs and neither side closes.",
  ];
  loop.socket.close(1000);
  return { connections: [once, loop], sentences };
}

async function whenToSend(session) {
  const connection = await opened(session, "loop");
  await until(() => waiting(buildRows(connection)));
  await pause(700 + Math.random() * 900);
  connection.socket.send("Hello");
  // What the server notes comes on another line than its answer, and may come later.
  await until(() => ["message", "server_send"].every((kind) => first(buildRows(connection), kind)));
  const rows = buildRows(connection);
  const [wait, send, receive, answer] = ["wait", "send", "receive", "server_send"].map((kind) => first(rows, kind));
  connection.socket.close(1000);
  return {
    connections: [connection],
    sentences: [
      `The handler stood in receive_text() on line ${wait.line} for ${duration(receive.since_ms - wait.since_ms)}. Nobody asked it anything meanwhile: 0 requests.`,
      `“Hello” was ${duration(receive.since_ms - send.since_ms)} on its way; its arrival ended the wait, and ${duration(answer.since_ms - receive.since_ms)} later line ${answer.line} had sent the answer.`,
      "The server needs no timer: the message itself wakes the handler.",
    ],
  };
}

async function secondMessage(session) {
  const connection = await opened(session, "loop");
  for (const [index, text] of ["Hello", "Hello again"].entries()) {
    connection.socket.send(text);
    await session.post(connection, text);
    await until(() => all(buildRows(connection), "message").length > index);
  }
  await until(() => connection.exchanges.every((one) => one.down_bytes !== null || one.status !== 200));
  await until(() => ["send", "server_send"].every((kind) => all(buildRows(connection), kind).filter((row) => row.bytes !== null).length === 2));
  const rows = buildRows(connection);
  const requests = connection.units.up.filter((unit) => unit.kind === "http").length;
  const frames = [all(rows, "send")[1], all(rows, "server_send")[1]];
  const second = connection.exchanges[1];
  connection.socket.close(1000);
  return {
    connections: [connection],
    sentences: [
      `WebSocket: ${count(requests, "request")} in all. “Hello again” and its answer took ${totalBytes(frames)} bytes: ${frames[0].bytes} up, ${frames[1].bytes} down.`,
      `Over HTTP: ${count(connection.exchanges.length, "request")}. The second took ${second.up_bytes + second.down_bytes} bytes: ${second.up_bytes} up, ${second.down_bytes} down.`,
      `The same words, ${((second.up_bytes + second.down_bytes) / totalBytes(frames)).toFixed(0)} times the bytes: a request carries its headers each time.`,
    ],
  };
}

async function opened(session, sample) {
  const connection = session.connect(sample);
  await until(() => first(buildRows(connection), "open") || connection.socket.state === "CLOSED");
  if (!first(buildRows(connection), "open")) throw new Error(session.refusal ?? "The connection was refused.");
  return connection;
}
