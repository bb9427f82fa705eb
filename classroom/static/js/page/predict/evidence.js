/** What a finished run says, as plain numbers. Pure: a run's data (run_data.js) in, numbers out. */

import { polls, TRANSPORTS } from "../../shared/transports.js";
import { laneNumbers, latenciesMs } from "../../shared/numbers.js";
import { paceRatio } from "./hiding.js";

/**
 * {lanes: {transport: numbers}, hidden: [[from_ns, to_ns]]}: the numbers of the page's table, and besides `mean_ms`, `bytes` (both ways, headers and payload)
 * and `pace_ratio` (hiding.js). `hiddenSince`: since when the tab has been hidden, null while it is shown.
 */
export function evidenceOf(data, hiddenSince = null) {
  const spans = hiddenSince === null ? data.hidden : [...data.hidden, [hiddenSince, data.over_ns]];
  const { t0_ns: from, end_ns: to } = data.run;
  const hidden = spans.map(([start, end]) => [Math.max(start, from), Math.min(end, to)]).filter(([start, end]) => start < end);
  return { hidden, lanes: Object.fromEntries(TRANSPORTS.map((transport) => [transport, laneEvidence(data, transport, hidden)])) };
}

function laneEvidence(data, transport, hidden) {
  const numbers = laneNumbers(data, transport);
  const latencies = latenciesMs(data, transport);
  const counted = numbers.header_bytes === null || numbers.payload_bytes === null;
  return {
    ...numbers,
    mean_ms: latencies.length === 0 ? null : latencies.reduce((sum, one) => sum + one, 0) / latencies.length,
    bytes: counted ? null : numbers.header_bytes + numbers.payload_bytes,
    pace_ratio: paceRatio(actedAt(data.lanes[transport], transport), hidden, data.run.t0_ns, data.run.end_ns),
  };
}

/** When a lane did something: a poll is sent, a message arrives. */
function actedAt(lane, transport) {
  const rows = polls(transport)
    ? [...lane.requests.values()].map((request) => request.sent_ns)
    : [...lane.deliveries.values()].map((delivery) => delivery.received_ns);
  return rows.filter((at) => at !== null);
}
