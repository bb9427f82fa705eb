/** The concept flow: six boxes that light up as a run goes on, each with what polling does at the same point. */

import { countText, durationText } from "../shared/format.js";
import { element, renderKeyed } from "./element.js";
import { all, endedBy, first, isSilentEnd, pollsToLearn } from "./facts.js";

const SIGN = { dark: "", lit: "✓", broken: "✕" };
const SPOKEN = { dark: "not yet: ", lit: "", broken: "not so: " };

/** Draw the boxes into a list. See `flow` for the arguments. */
export function renderFlow(list, rows, exchanges, pushes) {
  renderKeyed(list, flow(rows, exchanges, pushes), (box) => JSON.stringify(box), ({ title, websocket, polling }, index) => (
    element("li", { class: "lesson-box", "data-state": websocket.state },
      element("h3", { class: "lesson-box-title" },
        element("span", { class: "lesson-box-number", "aria-hidden": "true", text: SIGN[websocket.state] || String(index + 1) }), title),
      way("websocket", websocket, "WebSocket: "), way("short_poll", polling, "Poll: "))));
}

function way(transport, { state, text }, name) {
  return element("p", { class: "lesson-box-way", "data-transport": transport, "data-state": state },
    element("span", { class: transport === "websocket" ? "visually-hidden" : "lesson-box-name", text: name }),
    element("span", { class: "visually-hidden", text: SPOKEN[state] }), text);
}

/**
 * Return the boxes, {title, websocket: {state, text}, polling: {state, text}}; a state is "dark", "lit" or "broken". Pure.
 *
 * @param {object[]} rows the run's rows so far (rows.js)
 * @param {object[]} exchanges the requests beside it so far (session.js)
 * @param {boolean} pushes whether the server speaks first
 */
function flow(rows, exchanges, pushes) {
  const answered = exchanges.filter((exchange) => exchange.answered_ns !== null);
  const boxes = [request, upgrade, channel, anytime, withoutRequests, untilClosed];
  return boxes.map((box) => box(rows, { exchanges, answered, pushes }));
}

const dark = (text) => ({ state: "dark", text });
const lit = (text) => ({ state: "lit", text });
const broken = (text) => ({ state: "broken", text });

function request(rows, { exchanges, pushes }) {
  const asked = first(rows, "connect");
  return {
    title: "HTTP request",
    websocket: asked ? lit(`GET${bytes(asked.bytes)}`) : dark("one GET asks"),
    polling: exchanges.length ? lit(`${pushes ? "GET" : "POST"}${bytes(exchanges[0].up_bytes)}`) : dark("asks, too"),
  };
}

function upgrade(rows, { answered }) {
  const accepted = first(rows, "accept");
  return {
    title: "Upgrade",
    websocket: accepted ? lit(`101${bytes(accepted.bytes)}`) : dark("the server says 101"),
    polling: answered.length ? lit(`${answered[0].status} after ${durationText(took_ms(answered[0]))}`) : dark("the answer is 200"),
  };
}

function channel(rows, { answered }) {
  const open = first(rows, "open");
  return {
    title: "Two-way channel",
    websocket: open ? lit(`open after ${durationText(open.since_ms)}`) : dark("both sides hold it"),
    polling: answered.length ? lit("nothing stays open") : dark("no channel"),
  };
}

function anytime(rows, { answered, pushes }) {
  const [up, down] = [all(rows, "send").length, all(rows, "server_send").length];
  return {
    title: "Either side sends",
    websocket: down && (up || pushes) ? lit(pushes ? `${down} down, unasked` : `${up} up, ${down} down`) : dark("no turns to wait for"),
    polling: answered.length ? lit("never speaks first") : dark("speaks when asked"),
  };
}

function withoutRequests(rows, { exchanges, answered, pushes }) {
  const messages = all(rows, "message").length;
  const over = first(rows, "closed") || rows.some(isSilentEnd);
  return { title: "No new requests", websocket: websocketState(), polling: pollingState() };

  function websocketState() {
    if (messages > 1) return lit(`${countText(messages, pushes ? "message" : "answer")}, 1 request`);
    if (over) return broken(`ended after ${countText(all(rows, "server_send").length, pushes ? "message" : "answer")}`);
    return dark("the second needs none");
  }

  function pollingState() {
    if (!pushes) return answered.length > 1 ? lit(countText(exchanges.length, "request")) : dark("one for each");
    const { requests, learned } = pollsToLearn(exchanges);
    if (learned === 0) return dark("one for each look");
    return lit(`${countText(requests, "request")} to learn ${learned === messages ? "the same" : `${learned} of them`}`);
  }
}

function untilClosed(rows, { answered }) {
  const by = endedBy(rows);
  const open = first(rows, "open");
  const closed = first(rows, "closed");
  return {
    title: "Until one closes",
    websocket: websocketState(),
    polling: answered.length ? lit(`over after ${durationText(took_ms(answered.at(-1)))}`) : dark("over at once"),
  };

  function websocketState() {
    if (by === "handler") return broken(`Handler returned${closed ? `: ${closed.code}` : ""}`);
    if (by === "network") return broken(`Lost: code ${closed.code}`);
    if (by !== null) return lit(`Closed by ${by}${closed ? `: ${closed.code}` : ""}`);
    return open ? dark("open now") : dark("browser or server");
  }
}

function took_ms(exchange) {
  return (exchange.answered_ns - exchange.sent_ns) / 1e6;
}

function bytes(known) {
  return known === null ? "" : `, ${known} bytes`;
}
