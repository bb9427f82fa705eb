/** The figures of each lane at any moment of a run. Pure.
 *
 * An event's age is its latency: the time at which the browser received it minus the time at which it was due. A quantile is the smallest value
 * that at least this share of the sample does not exceed (inverted distribution function), as in the reports.
 */

import { polls } from "./transports.js";

export const NO_CONTENT = 204;

/** The names of the figures in the order of the page's table. */
export const FIELDS = Object.freeze([
  "requests", "requests_per_event", "empty_ratio", "delivered", "missed",
  "header_bytes", "payload_bytes", "p50_ms", "p95_ms", "max_ms",
]);

/** Return a quantile of values. @param {number[]} sorted ascending, not empty */
export function quantile(sorted, share) {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
}

/** Whether a delivery (or undefined) had arrived by a time. */
export function hasArrived(delivery, until_ns) {
  return delivery !== undefined && delivery.received_ns !== null && delivery.received_ns <= until_ns;
}

/** Format an age, such as "52 ms" or "1.20 s". */
export function ageText(age_ns) {
  const ms = age_ns / 1e6;
  return ms < 1000 ? `${Math.round(ms)}\u00a0ms` : `${(ms / 1000).toFixed(2)}\u00a0s`;
}

/** Return the latencies in ms, ascending, of the events that had arrived by a time, without those excluded because the tab was hidden. */
export function latenciesMs(data, transport, until_ns = Infinity) {
  const found = [];
  for (const delivery of data.lanes[transport].deliveries.values()) {
    const { due_ns, received_ns } = delivery;
    if (hasArrived(delivery, until_ns) && !data.isExcluded(due_ns, received_ns)) found.push((received_ns - due_ns) / 1e6);
  }
  return [...Float64Array.from(found).sort()]; // as numbers, without a call for each comparison
}

/** Return the missed events, ascending: those that have not arrived although a later one has, or although the run is over and was not cut short.
 *
 * `among`: the events to look at; `rows`: at least the deliveries that arrived since the first of these events was due.
 */
export function missedSeqs(data, transport, until_ns = Infinity, among = data.publishedRows, rows = data.lanes[transport].deliveryRows) {
  const { deliveries } = data.lanes[transport];
  const isDelivered = (seq) => hasArrived(deliveries.get(seq), until_ns);
  let newest = 0;
  for (const delivery of rows) if (hasArrived(delivery, until_ns)) newest = Math.max(newest, delivery.seq);
  const over = data.ended && data.cut_ns === null && until_ns >= data.over_ns;
  const missed = [];
  for (const { seq, due_ns } of among) {
    if (due_ns >= data.figures_from_ns && (over || seq < newest) && !isDelivered(seq)) missed.push(seq);
  }
  return missed.sort((one, other) => one - other);
}

/** Return one lane's figures by the names in FIELDS, since the settings were last changed; null for a figure without data. */
export function laneNumbers(data, transport, until_ns = Infinity) {
  const lane = data.lanes[transport];
  const from_ns = data.figures_from_ns;
  const requests = [...lane.requests.values()].filter((request) => sentNs(request) <= until_ns && sentNs(request) >= from_ns);
  const answered = requests.filter((request) => request.status !== null && (request.received_ns ?? request.answered_ns) <= until_ns);
  const latencies = latenciesMs(data, transport, until_ns);
  const delivered = countDelivered(lane, until_ns, from_ns);
  const bytes = bytesBetween(lane, from_ns, until_ns);
  const at = (share) => (latencies.length === 0 ? null : quantile(latencies, share));
  return {
    requests: requests.length,
    requests_per_event: requestsPerEvent(data, requests, lane, until_ns),
    empty_ratio: polls(transport) && answered.length > 0 ? answered.filter(({ status }) => status === NO_CONTENT).length / answered.length : null,
    delivered,
    missed: missedSeqs(data, transport, until_ns).length,
    header_bytes: bytes === null ? null : bytes.up + bytes.down - bytes.payload,
    payload_bytes: bytes === null ? null : bytes.payload,
    p50_ms: at(0.5),
    p95_ms: at(0.95),
    max_ms: at(1),
  };
}

/** Return the edges of a histogram's bins: equal steps in log10 from `from_ms` to `to_ms`. */
export function logEdges(from_ms, to_ms, count) {
  const step = Math.log10(to_ms / from_ms) / count;
  return Array.from({ length: count + 1 }, (_, index) => from_ms * 10 ** (index * step));
}

/** Count the values in each bin [edge, next edge); values outside all bins count in the first or last one. */
export function histogram(values, edges) {
  const counts = new Array(edges.length - 1).fill(0);
  const first = Math.log10(edges[0]);
  const step = (Math.log10(edges.at(-1)) - first) / counts.length;
  for (const value of values) {
    const bin = Math.floor((Math.log10(Math.max(value, edges[0])) - first) / step);
    counts[Math.min(bin, counts.length - 1)] += 1;
  }
  return counts;
}

/** Return the bytes that passed the relay between two times; null if none are known yet. */
function bytesBetween(lane, from_ns, until_ns) {
  const bytesAt = (at_ns) => lane.bytes.findLast(({ now_ns }) => now_ns <= at_ns) ?? null;
  const [before, now] = [bytesAt(from_ns), bytesAt(until_ns)];
  if (now === null || before === null) return now;
  return { up: now.up - before.up, down: now.down - before.down, payload: now.payload - before.payload };
}

function countDelivered(lane, until_ns, from_ns = -Infinity) {
  let count = 0;
  for (const delivery of lane.deliveries.values()) if (delivery.due_ns >= from_ns && hasArrived(delivery, until_ns)) count += 1;
  return count;
}

/** Return requests per event since this page opened: a page that opens during a run gets the earlier events without asking for each. */
function requestsPerEvent(data, requests, lane, until_ns) {
  const from_ns = Math.max(data.counts_from_ns, data.figures_from_ns);
  const delivered = countDelivered(lane, until_ns, from_ns);
  return delivered === 0 ? null : requests.filter((request) => sentNs(request) >= from_ns).length / delivered;
}

const sentNs = ({ sent_ns, arrived_ns }) => sent_ns ?? arrived_ns;
