/** The figures of a finished run by which predictions are scored. Pure. */

import { polls, TRANSPORTS } from "../../shared/transports.js";
import { laneNumbers, latenciesMs } from "../../shared/numbers.js";
import { paceRatio } from "./hiding.js";

/**
 * Return the figures of each lane: those of shared/numbers.js, `mean_ms`, `bytes` (both directions, headers and payload) and `pace_ratio` (hiding.js).
 *
 * @param {import("../../shared/run_data.js").RunData} data
 * @param {number|null} hiddenSince when the tab was hidden, in ns; null if it is visible
 * @returns {{lanes: Object<string, object>, hidden: [number, number][]}} `hidden`: the spans in which the tab was hidden, [from_ns, to_ns]
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
  const { header_bytes: headers, payload_bytes: payload } = numbers;
  return {
    ...numbers,
    mean_ms: latencies.length === 0 ? null : latencies.reduce((sum, one) => sum + one, 0) / latencies.length,
    bytes: headers === null || payload === null ? null : headers + payload,
    pace_ratio: paceRatio(activityTimes(data.lanes[transport], transport), hidden, data.run.t0_ns, data.run.end_ns),
  };
}

/** Return the times at which a lane was active: it sent a poll, or received a pushed event. */
function activityTimes(lane, transport) {
  const rows = polls(transport)
    ? [...lane.requests.values()].map((request) => request.sent_ns)
    : [...lane.deliveries.values()].map((delivery) => delivery.received_ns);
  return rows.filter((at) => at !== null);
}
