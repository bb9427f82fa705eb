/** The lesson's connections and requests, with the records of both sides; the server's records arrive over /api/lesson. */

import { BrowserSocket } from "./browser_socket.js";
import { pause } from "./patience.js";

const RECONNECT_MS = 1000;
const POLL_MS = 1000;

/** The lesson of one page. `changed()` is called after each new record. */
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
    this.programs = {};
    this.connections = [];
    this.refusal = null;
    this.ready = false;
    this.#nextRun = 1;
  }

  /** Receive the server's records; reconnect until leave() is called. */
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

  /** Stop receiving records; the server then refuses further connections. */
  leave() {
    this.#hasLeft = true;
    this.#feed?.close();
  }

  /** Open a WebSocket to one of the samples. */
  connect(sample) {
    const run = this.newRun();
    const connection = {
      run, sample, browser: [], server: [], units: { up: [], down: [] }, exchanges: [], socket: null,
    };
    this.connections.push(connection);
    this.refusal = null;
    const address = this.address("ws", sample, { run });
    connection.socket = new BrowserSocket(address, `/lesson/${sample}`, this.serverNow, connection.browser, this.changed);
    return connection;
  }

  /** Return a new number for a connection or request. */
  newRun() {
    return this.#nextRun++;
  }

  /** Return the URL of a program on the lesson's port, with this page's session. */
  address(scheme, name, query) {
    return `${scheme}://${this.#host}/lesson/${name}?${new URLSearchParams({ session: this.#token, ...query })}`;
  }

  /** Send a message as a POST request beside a connection; resolves when it is answered or has failed. */
  async post(connection, text) {
    await this.#exchange(connection, {}, "echo", {}, { method: "POST", body: text, headers: { "Content-Type": "text/plain" } });
    this.changed();
  }

  /** Poll once a second for the messages that the server pushes over a connection, while it is open. */
  async poll(connection) {
    const first_ms = performance.now() + Math.random() * POLL_MS; // polls are not in step with the server's clock
    let known = 0;
    for (let polls = 0; ["CONNECTING", "OPEN"].includes(connection.socket.state); polls += 1) {
      await pause(first_ms + polls * POLL_MS - performance.now());
      if (connection.socket.state === "OPEN") known += await this.#learn(connection, known);
    }
  }

  /** Poll for the messages after the first `known`; resolves with their number. */
  async #learn(connection, known) {
    const exchange = { learned: [] };
    const texts = JSON.parse(await this.#exchange(connection, exchange, "sent", { after: known }, {}) ?? "[]");
    const pushed = connection.browser.filter((note) => note.kind === "message");
    exchange.learned = texts.map((text, index) => {
      const message = pushed[known + index];
      return { text, lag_ms: message ? (exchange.answered_ns - message.at_ns) / 1e6 : null };
    });
    this.changed();
    return texts.length;
  }

  /** Send a request beside a connection and record it there; resolves with the answer's text, or null if it failed. */
  async #exchange(connection, exchange, name, query, options) {
    Object.assign(exchange, { n: connection.exchanges.length + 1, sent_ns: this.serverNow(), answered_ns: null,
      status: null, up_bytes: null, down_bytes: null });
    connection.exchanges.push(exchange);
    const address = this.address("http", name, { run: connection.run, n: exchange.n, ...query });
    try {
      const answer = await fetch(address, { cache: "no-store", credentials: "omit", ...options });
      const body = await answer.text();
      exchange.status = answer.status;
      exchange.answered_ns = this.serverNow();
      if (answer.ok) return body;
      this.refusal = JSON.parse(body).detail;
    } catch {
      this.refusal = "The request was not answered: the lesson's server cannot be reached.";
    }
    return null;
  }

  #take(message) {
    if (message.type === "hello") {
      this.#token = message.session;
      this.#host = `${location.hostname}:${message.port}`;
      this.samples = message.samples;
      this.programs = message.programs;
      this.maxCharacters = message.max_message_characters;
      this.maxLife_s = message.max_life_s;
      this.ready = true;
      return;
    }
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
