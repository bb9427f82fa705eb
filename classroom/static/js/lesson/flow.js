// The six boxes of the concept flow, lit by what has happened in a run, and the same work as requests beside them. Pure.

import { all, endedBy, first, isSilentEnd, totalBytes } from "./facts.js";
import { count, duration } from "./format.js";

/**
 * [{title, websocket: {state, text}, polling: {state, text}}]; a state is "dark", "lit" or "broken".
 * @param rows the steps so far; @param exchanges the requests so far; @param pushed rows that this page was sent unasked
 */
export function flow(rows, exchanges, pushed) {
  const answered = exchanges.filter((exchange) => exchange.answered_ns !== null);
  const boxes = [request, upgrade, channel, anytime, withoutRequests, untilClosed];
  return boxes.map((box) => box(rows, exchanges, answered, pushed));
}

const dark = (text) => ({ state: "dark", text });
const lit = (text) => ({ state: "lit", text });
const broken = (text) => ({ state: "broken", text });

function request(rows, exchanges) {
  const asked = first(rows, "connect");
  return {
    title: "HTTP request",
    websocket: asked ? lit(`GET with “Upgrade: websocket”${bytes(asked.bytes)}`) : dark("One GET asks for the channel."),
    polling: exchanges.length ? lit(`POST${bytes(exchanges[0].up_bytes)}`) : dark("A request, too."),
  };
}

function upgrade(rows, _exchanges, answered) {
  const accepted = first(rows, "accept");
  return {
    title: "Upgrade",
    websocket: accepted ? lit(`101 Switching Protocols${bytes(accepted.bytes)}`) : dark("The server answers 101."),
    polling: answered.length
      ? lit(`${answered[0].status}${bytes(answered[0].down_bytes)}, after ${duration(took_ms(answered[0]))}`)
      : dark("The server answers 200, with the data."),
  };
}

function channel(rows, _exchanges, answered) {
  const open = first(rows, "open");
  return {
    title: "Open two‑way channel",
    websocket: open ? lit(`readyState OPEN after ${duration(open.since_ms)}`) : dark("Both sides hold the connection."),
    polling: answered.length ? lit("The exchange is over; nothing is open.") : dark("No channel."),
  };
}

function anytime(rows, exchanges, answered, pushed) {
  const [up, down] = [all(rows, "send"), all(rows, "answer")];
  const sent = up.length && down.length;
  return {
    title: "Either side may send at any time",
    websocket: sent
      ? lit(`${up.length} up, ${down.length} down. The table's own channel: ${count(pushed, "row")} from the server, 0 requests for them`)
      : dark("No turns to wait for."),
    polling: answered.length ? lit(`${count(answered.length, "answer")} to ${count(exchanges.length, "request")}: the server never speaks first`)
      : dark("The server speaks when asked."),
  };
}

function withoutRequests(rows, exchanges, answered) {
  const messages = all(rows, "message");
  const answers = all(rows, "answer");
  const text = `${messages.length} answers, 1 request. Frames: ${totalBytes([...all(rows, "send"), ...answers])} bytes`;
  const over = first(rows, "closed") || rows.some(isSilentEnd);
  const spent = exchanges.reduce((sum, one) => sum + (one.up_bytes ?? 0) + (one.down_bytes ?? 0), 0);
  return {
    title: "Messages without new requests",
    websocket: websocketState(),
    polling: answered.length > 1 ? lit(`${count(exchanges.length, "request")}, ${spent} bytes`) : dark("A new request for each message."),
  };

  function websocketState() {
    if (messages.length > 1) return lit(text);
    if (over) return broken(`Not reached: it ended after ${count(answers.length, "answer")}.`);
    return dark("The second message needs no second request.");
  }
}

function untilClosed(rows, _exchanges, answered) {
  const by = endedBy(rows);
  const open = first(rows, "open");
  const closed = first(rows, "closed");
  const after = closed && open ? ` after ${duration(closed.since_ms - open.since_ms)}` : "";
  return {
    title: "Open until closed by either side",
    websocket: websocketState(),
    polling: answered.length ? lit(`Each was over by itself, after ${answered.slice(0, 3).map((one) => duration(took_ms(one))).join(", ")}`)
      : dark("Over with each answer."),
  };

  function websocketState() {
    if (by === "handler") return broken(`The handler returned, and nobody closed: ${closed ? `code ${closed.code}${after}` : "end of stream"}`);
    if (by === "network") return broken(`Lost: code ${closed.code}${after}`);
    if (by !== null) return lit(`Closed by the ${by}${closed ? `, code ${closed.code}${after}` : ""}`);
    return open ? dark("Open now. Nobody has closed it.") : dark("Until the browser or the server closes.");
  }
}

function took_ms(exchange) {
  return (exchange.answered_ns - exchange.sent_ns) / 1e6;
}

function bytes(known) {
  return known === null ? "" : `, ${known} bytes`;
}
