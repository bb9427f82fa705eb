/** A run's data (run_data.js) as the rows that the figure draws, and the numbers beside them. Pure. */

import { evidenceOf } from "../predict/evidence.js";

const NO_CONTENT = 204;

/** `data` and [{transport, label}] → {lanes: [{transport, label, requests, frames, deliveries, numbers}], events}; figure.js tells the fields. */
export function rowsOf(data, lanes) {
  const { lanes: numbers } = evidenceOf(data);
  return {
    events: [...data.published.values()].sort((one, other) => one.seq - other.seq),
    lanes: lanes.map(({ transport, label }) => ({ transport, label, numbers: numbers[transport], ...laneRows(data.lanes[transport]) })),
  };
}

function laneRows(lane) {
  const arrived = [...lane.deliveries.values()].filter((delivery) => delivery.received_ns !== null);
  return {
    requests: [...lane.requests.values()].map(({ status, ...times }) => ({ ...times, empty: status === NO_CONTENT }))
      .sort((one, other) => (one.arrived_ns ?? one.sent_ns) - (other.arrived_ns ?? other.sent_ns)),
    // What a poll brought is drawn as its answer; a frame came by itself.
    frames: arrived.filter((delivery) => delivery.n === null).map(({ written_ns, received_ns }) => ({ written_ns, received_ns })),
    deliveries: arrived.map(({ seq, due_ns, received_ns }) => ({ seq, due_ns, at_ns: received_ns })),
  };
}
