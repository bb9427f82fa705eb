/** The page's WebSocket to the server, which no relay delays: receives runs, ticks and the state of the class, and sends reports. */

import { Signals } from "./signals.js";

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 8000;
/** A connection that is not restored within this time means that the server is gone. */
const GONE_AFTER_MS = 2000;
/** The server does not know this page's number, or admits no page without one. */
const UNKNOWN_CLIENT_CLOSE_CODE = 4403;
/** The page broke a rule, or another tab has taken over its number; the close reason says which. */
const REFUSED_CLOSE_CODE = 1008;

export class Live {
  #key;
  #socket = null;
  #client = null;
  /** Whether this is a device of the class, which has its number from joining and cannot get a new one here. */
  #isDevice;
  #retryMs = FIRST_RETRY_MS;
  #closed = false;
  #gone = null;
  #signals = new Signals();

  /**
   * @param {string|null} key the teacher's key; null for devices and in solo mode
   * @param {number|null} client the number of a device that has joined the class
   */
  constructor(key, client = null) {
    this.#key = key;
    this.#client = client;
    this.#isDevice = client !== null;
  }

  get hasKey() {
    return Boolean(this.#key);
  }

  /** Listen to messages of a type, or to "connection" ({state: "connecting"|"live"|"lost"}), "gone" (no connection for GONE_AFTER_MS) or "refused" ({detail}). */
  on(type, fn) {
    return this.#signals.on(type, fn);
  }

  connect() {
    const address = new URL("/api/live", window.location.href);
    address.protocol = address.protocol.replace("http", "ws");
    if (this.#client !== null) address.searchParams.set("client", this.#client);
    if (this.#key) address.searchParams.set("key", this.#key);
    this.#signals.emit("connection", { state: "connecting" });
    this.#socket = new WebSocket(address);
    this.#socket.onmessage = ({ data }) => this.#take(JSON.parse(data));
    this.#socket.onclose = ({ code, reason }) => this.#lost(code, reason);
  }

  /** Close the connection and do not reconnect. */
  close() {
    this.#closed = true;
    clearTimeout(this.#gone);
    this.#socket?.close();
  }

  send(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  /** Send an HTTP request; resolves with the JSON answer, and rejects with an Error whose message is the server's sentence. */
  async request(path, { method = "GET", body } = {}) {
    const headers = {};
    if (body !== undefined) headers["Content-Type"] = "application/json";
    if (this.#key) headers["X-Teacher-Key"] = this.#key;
    let response;
    try {
      response = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
    } catch {
      throw new Error("The server did not answer.");
    }
    const answer = await response.json().catch(() => null);
    if (!response.ok) throw new Error(sentenceOf(answer) ?? `The server refused (status ${response.status}).`);
    return answer;
  }

  #take(message) {
    if (message.type === "hello") {
      this.#client = message.client;
      this.#retryMs = FIRST_RETRY_MS;
      clearTimeout(this.#gone);
      this.#gone = null;
      this.#signals.emit("connection", { state: "live" });
    }
    this.#signals.emit(message.type, message);
  }

  #lost(code, reason) {
    if (this.#closed) return;
    this.#signals.emit("connection", { state: "lost" });
    this.#gone ??= setTimeout(() => this.#signals.emit("gone"), GONE_AFTER_MS);
    if (code === UNKNOWN_CLIENT_CLOSE_CODE && this.#client !== null && !this.#isDevice) {
      this.#client = null; // the server was restarted: connect as a new page
    } else if (code === UNKNOWN_CLIENT_CLOSE_CODE || code === REFUSED_CLOSE_CODE) {
      this.#signals.emit("refused", { detail: reason || "The server refused this page." });
    }
    // Reconnecting would take the number from the other tab, which would take it back, and so on.
    if (code === REFUSED_CLOSE_CODE || this.#closed) return;
    setTimeout(() => this.connect(), this.#retryMs);
    this.#retryMs = Math.min(2 * this.#retryMs, LONGEST_RETRY_MS);
  }
}

function sentenceOf(answer) {
  const detail = answer?.detail;
  if (typeof detail === "string") return detail;
  if (Array.isArray(detail)) return detail.map(({ loc, msg }) => `${loc?.at(-1)}: ${msg}`).join("; ");
  return null;
}
