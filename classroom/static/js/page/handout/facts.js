/** What the figure of the hand-out shows, counted, for its answers. Pure; of the same shapes as figure.js draws. */

import { laneShapes } from "../../lanes/geometry.js";

/**
 * `data`: a run (shared/run_data.js), `lanes`: [{transport, label}], `window`: {startNs, lengthNs}. Gives
 * {empty: number of empty answers, slowest: {seq, label, latency_ms} | null, longest_held: {label, held_ms} | null}
 * of what arrived within the window.
 */
export function figureFacts(data, lanes, { startNs, lengthNs }) {
  const endNs = startNs + lengthNs;
  const within = (ns) => ns !== null && startNs <= ns && ns < endNs;
  const shapes = lanes.map(({ transport, label }) => ({ label, ...laneShapes(data, transport, startNs, endNs) }));
  const deliveries = lanes.flatMap(({ transport, label }) => data.lanes[transport].deliveryRows
    .filter(({ due_ns: due, received_ns: at }) => within(due) && within(at))
    .map(({ seq, due_ns: due, received_ns: at }) => ({ seq, label, latency_ms: (at - due) / 1e6 })));
  // What the figure shows of a request's stay with the server: from the window's beginning to its end at most.
  const held = shapes.flatMap(({ label, bars }) => bars
    .map(({ from_ns, to_ns }) => ({ label, held_ms: (Math.min(to_ns, endNs) - Math.max(from_ns, startNs)) / 1e6 }))
    .filter(({ held_ms: ms }) => ms > 0));
  return {
    empty: shapes.flatMap(({ marks }) => marks).filter(({ kind, at_ns }) => kind === "empty" && within(at_ns)).length,
    slowest: most(deliveries, (delivery) => delivery.latency_ms),
    longest_held: most(held, (request) => request.held_ms),
  };
}

function most(rows, measure) {
  return rows.reduce((best, row) => (best === null || measure(row) > measure(best) ? row : best), null);
}
