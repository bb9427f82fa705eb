/** What a run came to, lane by lane, at any moment of it. Pure.
 *
 * An event's age is how old it is when it arrives (its latency): when the browser had it minus when it was due. A quantile is the smallest value
 * that at least this share of the sample does not exceed (inverted distribution function), as in the harness.
 */

import { polls } from "./transports.js";

export const NO_CONTENT = 204;

/** Names of the numbers in the order of the table. */
export const FIELDS = Object.freeze([
  "requests", "requests_per_event", "empty_ratio", "delivered", "missed",
  "header_bytes", "payload_bytes", "p50_ms", "p95_ms", "max_ms",
]);

/** @param {number[]} sorted ascending, not empty */
export function quantile(sorted, share) {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
}

/** Whether an event was here by then. */
export function hasArrived(delivery, until_ns) {
  return delivery !== undefined && delivery.received_ns !== null && delivery.received_ns <= until_ns;
}

/** An age as people read it: "52 ms", "1.20 s". */
export function ageText(age_ns) {
  const ms = age_ns / 1e6;
  return ms < 1000 ? `${Math.round(ms)}\u00a0ms` : `${(ms / 1000).toFixed(2)}\u00a0s`;
}

/** Latencies in ms, ascending, of what had arrived by then; hidden spans left out. */
export function latenciesMs(data, transport, until_ns = Infinity) {
  const found = [];
  for (const delivery of data.lanes[transport].deliveries.values()) {
    const { due_ns, received_ns } = delivery;
    if (hasArrived(delivery, until_ns) && !data.isExcluded(due_ns, received_ns)) found.push((received_ns - due_ns) / 1e6);
  }
  return [...Float64Array.from(found).sort()]; // as numbers, without a call for each comparison
}

/** Events that cannot come any more: a later one is here already, or a run that went its length is over. Ascending.
 *
 * `among`: the events that are asked about; `rows`: deliveries with all that came since the first of them was due.
 */
export function missedSeqs(data, transport, until_ns = Infinity, among = data.publishedRows, rows = data.lanes[transport].deliveryRows) {
  const { deliveries } = data.lanes[transport];
  const isHere = (seq) => hasArrived(deliveries.get(seq), until_ns);
  let newest = 0;
  for (const delivery of rows) if (hasArrived(delivery, until_ns)) newest = Math.max(newest, delivery.seq);
  const over = data.ended && data.cut_ns === null && until_ns >= data.over_ns;
  const missed = [];
  for (const { seq, due_ns } of among) {
    if (due_ns >= data.figures_from_ns && (over || seq < newest) && !isHere(seq)) missed.push(seq);
  }
  return missed.sort((one, other) => one - other);
}

/** One lane's numbers by the names of FIELDS, of the run or since it was changed; null where there is nothing to tell. */
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

/** Edges of a histogram on a logarithmic axis: equal steps in log10 from `from_ms` to `to_ms`. */
export function logEdges(from_ms, to_ms, count) {
  const step = Math.log10(to_ms / from_ms) / count;
  return Array.from({ length: count + 1 }, (_, index) => from_ms * 10 ** (index * step));
}

/** How many values lie in each bin [edge, next edge); what lies outside is counted in the outermost bins. */
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

/** What passed the relay between two moments; null where nothing is known yet. */
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

/** Of a page that came into a run that was on, only from then on: what was due before came without being asked for. */
function requestsPerEvent(data, requests, lane, until_ns) {
  const from_ns = Math.max(data.counts_from_ns, data.figures_from_ns);
  const delivered = countDelivered(lane, until_ns, from_ns);
  return delivered === 0 ? null : requests.filter((request) => sentNs(request) >= from_ns).length / delivered;
}

const sentNs = ({ sent_ns, arrived_ns }) => sent_ns ?? arrived_ns;
