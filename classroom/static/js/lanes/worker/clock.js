/** The server's clock in the browser, read over a connection without the simulated delay.
 *
 * In each sample one reading of the server's clock lies between two of the browser's. The offset comes from the sample of the
 * last minute with the shortest round trip, and is wrong by half of that at most.
 */

const FIRST_SAMPLES = 20;
const SAMPLES_TO_BE_READY = 8;
const FIRST_PERIOD_MS = 15;
const PERIOD_MS = 1000;
const MEMORY_MS = 60_000;
const RETRY_MS = 1000;
/** More than two clocks can drift apart in a minute. */
const DRIFT_MS = 5;

/** Compute the offset and its uncertainty from the sample with the shortest round trip.
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

/** Keep the samples that agree with the newest: after a machine has slept one of the clocks may have stopped meanwhile. */
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
