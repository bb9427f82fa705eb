/** The server's clock in the browser: lowest-RTT samples over an undelayed channel.
 *
 * Each sample brackets one reading of the server's clock between two of ours. The narrower the bracket, the less there is
 * to guess: the offset comes from the narrowest of the last minute, and half its round trip is all it can be wrong by.
 */

const FIRST_SAMPLES = 20;
const SAMPLES_TO_BE_READY = 8;
const FIRST_PERIOD_MS = 15;
const PERIOD_MS = 1000;
const MEMORY_MS = 60_000;
const RETRY_MS = 1000;
/** Clocks drift by less in a minute. */
const DRIFT_MS = 5;

/** The narrowest of the samples, as offset and uncertainty.
 *
 * @param {{sent_ms: number, received_ms: number, server_ns: number}[]} samples
 * @returns {{offset_ns: number, uncertainty_ms: number}} server clock minus ours
 */
export function bestOffset(samples) {
  const width = (sample) => sample.received_ms - sample.sent_ms;
  const best = samples.reduce((narrowest, sample) => (width(sample) < width(narrowest) ? sample : narrowest));
  const middle_ms = (best.sent_ms + best.received_ms) / 2;
  return { offset_ns: best.server_ns - middle_ms * 1e6, uncertainty_ms: width(best) / 2 };
}

/** The samples that can be of the same two clocks as the newest: a machine that has slept may have stopped one of them. */
export function sinceLastStep(samples) {
  const between = ({ sent_ms, received_ms, server_ns }) => [server_ns / 1e6 - received_ms - DRIFT_MS, server_ns / 1e6 - sent_ms + DRIFT_MS];
  const [least_ms, most_ms] = between(samples.at(-1));
  return samples.filter((sample) => {
    const [from_ms, to_ms] = between(sample);
    return from_ms <= most_ms && least_ms <= to_ms;
  });
}

export class Clock {
  #address;
  #report;
  #samples = [];
  #taken = 0;
  #best = null;
  #ready = null;

  /** @param {(estimate: {offset_ns: number, uncertainty_ms: number}) => void} report called with each new estimate */
  constructor(address, report) {
    this.#address = address;
    this.#report = report;
    this.ready = new Promise((resolve) => (this.#ready = resolve));
    this.#connect();
  }

  /** The server's clock now, in nanoseconds; only after `ready`. */
  nowNs() {
    return performance.now() * 1e6 + this.#best.offset_ns;
  }

  #connect() {
    const socket = new WebSocket(this.#address);
    let sent_ms = null;
    let next = null;
    const ask = () => {
      if (socket.readyState !== WebSocket.OPEN) return;
      sent_ms = performance.now();
      socket.send("x");
    };
    socket.onopen = ask;
    socket.onmessage = ({ data }) => {
      const received_ms = performance.now();
      this.#take({ sent_ms, received_ms, server_ns: JSON.parse(data).now_ns });
      next = setTimeout(ask, this.#taken < FIRST_SAMPLES ? FIRST_PERIOD_MS : PERIOD_MS);
    };
    socket.onclose = () => {
      clearTimeout(next);
      setTimeout(() => this.#connect(), RETRY_MS);
    };
  }

  #take(sample) {
    this.#taken += 1;
    this.#samples.push(sample);
    this.#samples = sinceLastStep(this.#samples.filter((each) => sample.received_ms - each.received_ms <= MEMORY_MS));
    this.#best = bestOffset(this.#samples);
    this.#report(this.#best);
    if (this.#taken === SAMPLES_TO_BE_READY) this.#ready();
  }
}
