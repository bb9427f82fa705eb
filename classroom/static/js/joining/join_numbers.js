/** The figures of one transport on one device in one run. Pure; times are in ns of the server's clock. */

const RECENT = 200;
const NS_PER_MS = 1e6;

export class LaneNumbers {
  #opened = false;
  #paused = false;
  #seen = new Set();
  #unreported = [];

  /** @param {number} sinceNs events that were due earlier are ignored, since the page was closed or hidden */
  constructor(sinceNs = -Infinity) {
    this.sinceNs = sinceNs;
    this.requests = 0;
    this.empty = 0;
    this.latenciesMs = [];
    this.lastMs = null;
    /** The newest deliveries, {seq, at_ns, ms}, oldest first. */
    this.recent = [];
  }

  asked() {
    this.requests += 1;
  }

  /** Ignore events due before a channel opened: a page that joins during a run gets all earlier events at once. */
  opened(atNs) {
    if (!this.#opened) this.sinceNs = Math.max(this.sinceNs, atNs);
    this.#opened = true;
  }

  /** Ignore all events until countFrom() is called. */
  pause() {
    this.#paused = true;
  }

  get isPaused() {
    return this.#paused;
  }

  /** Count the events that are due from a time on. */
  countFrom(atNs) {
    this.#paused = false;
    this.sinceNs = Math.max(this.sinceNs, atNs);
  }

  /** Count an empty answer. */
  wasEmpty() {
    this.empty += 1;
  }

  /** Add a delivery; return whether it is new and counts. */
  received(seq, dueNs, atNs) {
    if (this.#paused || dueNs < this.sinceNs || this.#seen.has(seq)) return false;
    this.#seen.add(seq);
    const ms = (atNs - dueNs) / NS_PER_MS;
    this.lastMs = ms;
    this.latenciesMs.push(ms);
    this.recent.push({ seq, at_ns: atNs, ms });
    if (this.recent.length > RECENT) this.recent.shift();
    this.#unreported.push([seq, Math.round(ms * 1000) / 1000]);
    return true;
  }

  /** Remove and return up to `limit` rows [seq, ms] for the next report. */
  takeUnreported(limit) {
    return this.#unreported.splice(0, limit);
  }

  get delivered() {
    return this.latenciesMs.length;
  }

  get requestsPerEvent() {
    return this.delivered === 0 ? null : this.requests / this.delivered;
  }

  /** Return a quantile of the latencies, linear between order statistics (Hyndman and Fan's type 7) like the server's; null without deliveries. */
  quantileMs(share) {
    if (this.delivered === 0) return null;
    const sorted = [...this.latenciesMs].sort((one, other) => one - other);
    const place = share * (sorted.length - 1);
    const below = Math.floor(place);
    const above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (sorted[above] - sorted[below]) * (place - below);
  }
}

/** Describe a transport in a sentence or two for the person who holds the device. */
export function behaviour(transport, settings) {
  const every = settings ? Number(settings.poll_interval_s) : 1;
  const hold = settings ? Number(settings.hold_s) : 30;
  return {
    websocket: "One connection stays open. The server sends each event the moment it happens.",
    sse: "One request whose answer never ends. The server adds each event to it the moment it happens.",
    long_poll: `Your device asks, the server keeps it waiting until something happens (at most ${hold} s), and then it asks again.`,
    short_poll: `Your device asks every ${every === 1 ? "second" : `${every} s`} whether anything is new. Until it asks, it knows nothing.`,
  }[transport];
}
