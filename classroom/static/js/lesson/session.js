// The lesson's connections: opened here, noted on both sides. What the server notes comes over /api/lesson.

import { BrowserSocket } from "./browser_socket.js";

const RECONNECT_MS = 1000;

/** Everything known of this page's lesson. `changed()` is called after each new fact. */
export class LessonSession {
  #feed = null;
  #hasLeft = false;
  #host;
  #nextRun;
  #token;

  constructor(serverNow, changed) {
    this.serverNow = serverNow;
    this.changed = changed;
    this.samples = {};
    this.connections = [];
    this.refusal = null;
    this.pushed = 0;
    this.ready = false;
    this.#nextRun = 1;
  }

  /** Follow the server's notes, again and again until they come. */
  follow() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const feed = (this.#feed = new WebSocket(`${scheme}://${location.host}/api/lesson`));
    feed.onmessage = (event) => {
      this.#take(JSON.parse(event.data));
      this.changed();
    };
    feed.onclose = () => {
      this.ready = false;
      this.changed();
      if (!this.#hasLeft) setTimeout(() => this.follow(), RECONNECT_MS);
    };
  }

  /** End it: no connection can be made any more. */
  leave() {
    this.#hasLeft = true;
    this.#feed?.close();
  }

  /** A new WebSocket to one of the samples. */
  connect(sample) {
    const run = this.#nextRun++;
    const path = `/lesson/${sample}`;
    const connection = {
      run, sample, browser: [], server: [], units: { up: [], down: [] }, exchanges: [], socket: null,
    };
    this.connections.push(connection);
    this.refusal = null;
    const address = `ws://${this.#host}${path}?session=${encodeURIComponent(this.#token)}&run=${run}`;
    connection.socket = new BrowserSocket(address, path, this.serverNow, connection.browser, this.changed);
    return connection;
  }

  /** The same message as a poll would send it: a request of its own. Resolves when it is answered, or was not. */
  async post(connection, text) {
    const exchange = { n: connection.exchanges.length + 1, text, sent_ns: this.serverNow(), answered_ns: null,
      status: null, up_bytes: null, down_bytes: null };
    connection.exchanges.push(exchange);
    const address = `http://${this.#host}/lesson/echo?session=${encodeURIComponent(this.#token)}`
      + `&run=${connection.run}&n=${exchange.n}`;
    try {
      const answer = await fetch(address, {
        method: "POST", body: text, headers: { "Content-Type": "text/plain" }, cache: "no-store", credentials: "omit",
      });
      const body = await answer.text();
      exchange.status = answer.status;
      exchange.answered_ns = this.serverNow();
      if (!answer.ok) this.refusal = JSON.parse(body).detail;
    } catch {
      this.refusal = "The request was not answered: the lesson's server cannot be reached.";
    }
    this.changed();
  }

  #take(message) {
    if (message.type === "hello") {
      this.#token = message.session;
      this.#host = `${location.hostname}:${message.port}`;
      this.samples = message.samples;
      this.maxCharacters = message.max_message_characters;
      this.maxLife_s = message.max_life_s;
      this.ready = true;
      return;
    }
    this.pushed += 1;
    if (message.type === "refused") {
      this.refusal = message.detail;
      return;
    }
    const connection = this.connections.find((known) => known.run === message.run);
    if (!connection) return;
    if (message.type === "note") connection.server.push(message);
    else if (message.type === "wire" && message.exchange === undefined) connection.units[message.direction].push(message);
    else if (message.type === "wire") takeExchangeBytes(connection, message);
  }
}

function takeExchangeBytes(connection, unit) {
  const exchange = connection.exchanges[unit.exchange - 1];
  if (exchange && unit.kind === "http") exchange[`${unit.direction}_bytes`] = unit.total_bytes;
}
