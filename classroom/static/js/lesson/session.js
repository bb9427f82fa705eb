// A page's lesson: connections opened here and recorded on both sides, and the same by polling. The server's records come
// over /api/lesson.

import { BrowserSocket } from "./browser_socket.js";
import { pause } from "./patience.js";

const RECONNECT_MS = 1000;
const POLL_MS = 1000;

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
    this.programs = {};
    this.connections = [];
    this.refusal = null;
    this.ready = false;
    this.#nextRun = 1;
  }

  /** Follow the server's records; connect again until they come. */
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

  /** A number of its own for a connection or request. */
  newRun() {
    return this.#nextRun++;
  }

  /** The address of a program on the lesson's port, with this page's session. */
  address(scheme, name, query) {
    return `${scheme}://${this.#host}/lesson/${name}?${new URLSearchParams({ session: this.#token, ...query })}`;
  }

  /** The same message as polling would send it: a request of its own. Resolves when it is answered, or has failed. */
  async post(connection, text) {
    await this.#exchange(connection, {}, "echo", {}, { method: "POST", body: text, headers: { "Content-Type": "text/plain" } });
    this.changed();
  }

  /** Ask once a second, as polling would, for what the server sends over a connection, as long as that is open. */
  async poll(connection) {
    const first_ms = performance.now() + Math.random() * POLL_MS; // polls are not in step with the server's clock
    let known = 0;
    for (let polls = 0; ["CONNECTING", "OPEN"].includes(connection.socket.state); polls += 1) {
      await pause(first_ms + polls * POLL_MS - performance.now());
      if (connection.socket.state === "OPEN") known += await this.#learn(connection, known);
    }
  }

  /** Ask for the messages after the first `known`; resolves with how many there were. */
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

  /** One request beside a connection, noted there; resolves with the answer's text, null where it was refused. */
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
