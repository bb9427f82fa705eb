/** The key moments: three questions, each answered by connections of its own and what was measured on them. */

import { countText, durationText } from "../shared/format.js";
import { element } from "./element.js";
import { all, first, firstAnswer, totalBytes, waiting } from "./facts.js";
import { pause, until } from "./patience.js";
import { buildRows } from "./rows.js";

/** The section on the page: a card for each moment, with a button. `onRun(connections)` is called after its run. */
export class MomentsView {
  #buttons;
  #onRun;
  #ready;
  #session;

  constructor(section, session, onRun) {
    this.#session = session;
    this.#onRun = onRun;
    this.#buttons = [];
    this.#ready = false;
    section.append(...Object.entries(MOMENTS).map(([name, moment]) => this.#card(name, moment)));
  }

  setReady(ready) {
    this.#ready = ready;
    for (const button of this.#buttons) button.disabled = !ready || button.dataset.running === "yes";
  }

  #card(name, { title, idea, run }) {
    const result = element("div", { class: "lesson-result", "aria-live": "polite" });
    const button = element("button", { type: "button", class: "button", text: "Run it", "aria-label": `Run it: ${title}` });
    button.onclick = async () => {
      button.dataset.running = "yes";
      button.disabled = true;
      result.replaceChildren(element("p", { class: "soft", text: "Running …" }));
      try {
        const { connections, sentences } = await run(this.#session);
        result.replaceChildren(element("ul", { class: "lesson-findings" }, ...sentences.map((text) => element("li", { text }))));
        this.#onRun(connections);
      } catch (error) {
        result.replaceChildren(element("p", { class: "wrong", text: error.message }));
      }
      button.dataset.running = "no";
      button.textContent = "Run it again";
      this.setReady(this.#ready);
    };
    this.#buttons.push(button);
    return element("article", { class: "lesson-moment", "data-moment": name },
      element("div", { class: "lesson-moment-head" },
        element("div", {}, element("h4", { text: title }), element("p", { class: "small soft", text: idea })), button),
      result);
  }
}

const STILL_THERE_MS = 1500;

/** The moments by name. `run(session)` resolves with {connections, sentences}, and rejects with an Error whose message is a sentence. */
const MOMENTS = {
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
    `Single echo: its handler returned on line ${end.line} after ${countText(all(ended, "server_send").length, "answer")}, and the browser reports ${once.socket.state}, code ${closed.code}.`,
    held
      ? `Loop: ${durationText((session.serverNow() - held.at_ns) / 1e6)} later it is still ${loop.socket.state}, because its handler has not returned: it waits on line ${held.line}.`
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
  // The server's record of its answer arrives over another socket than the answer, and perhaps later.
  await until(() => ["message", "server_send"].every((kind) => first(buildRows(connection), kind)));
  const rows = buildRows(connection);
  const [wait, send, receive, answer] = ["wait", "send", "receive", "server_send"].map((kind) => first(rows, kind));
  connection.socket.close(1000);
  return {
    connections: [connection],
    sentences: [
      `The handler stood in receive_text() on line ${wait.line} for ${durationText(receive.since_ms - wait.since_ms)}. Nobody asked it anything meanwhile: 0 requests.`,
      `“Hello” was ${durationText(receive.since_ms - send.since_ms)} on its way; its arrival ended the wait, and ${durationText(answer.since_ms - receive.since_ms)} later line ${answer.line} had sent the answer.`,
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
      `WebSocket: ${countText(requests, "request")} in all. “Hello again” and its answer took ${totalBytes(frames)} bytes: ${frames[0].bytes} up, ${frames[1].bytes} down.`,
      `Over HTTP: ${countText(connection.exchanges.length, "request")}. The second took ${second.up_bytes + second.down_bytes} bytes: ${second.up_bytes} up, ${second.down_bytes} down.`,
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
