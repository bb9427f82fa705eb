/** What the figure of the hand-out shows, counted, for its answers. Pure; the same rows as figure.js draws. */

/**
 * `run`: {lanes: [{transport, label, requests, frames, deliveries}], events}, `window`: {startNs, lengthNs}. Gives
 * {events: [seq], empty: number of empty answers, slowest: {seq, label, latency_ms} | null, longest_held: {label, held_ms} | null}
 * of what arrived within the window.
 */
export function figureFacts(run, { startNs, lengthNs }) {
  const within = (ns) => ns !== null && startNs <= ns && ns < startNs + lengthNs;
  const deliveries = run.lanes.flatMap((lane) => lane.deliveries.map((delivery) => ({ ...delivery, label: lane.label })))
    .filter((delivery) => within(delivery.at_ns) && within(delivery.due_ns))
    .map(({ seq, label, due_ns: due, at_ns: at }) => ({ seq, label, latency_ms: (at - due) / 1e6 }));
  const requests = run.lanes.flatMap((lane) => lane.requests.map((request) => ({ ...request, label: lane.label })));
  const endNs = startNs + lengthNs;
  // What the figure shows of a request's stay with the server: from the window's beginning to its end at most.
  const held = requests.filter(({ arrived_ns: arrived, answered_ns: answered }) => arrived !== null && arrived < endNs && (answered ?? endNs) > startNs)
    .map(({ label, arrived_ns: arrived, answered_ns: answered }) => (
      { label, held_ms: (Math.min(answered ?? endNs, endNs) - Math.max(arrived, startNs)) / 1e6 }));
  return {
    events: run.events.filter((event) => within(event.due_ns)).map((event) => event.seq),
    empty: requests.filter((request) => request.empty && within(request.received_ns)).length,
    slowest: most(deliveries, (delivery) => delivery.latency_ms),
    longest_held: most(held, (request) => request.held_ms),
  };
}

function most(rows, measure) {
  return rows.reduce((best, row) => (best === null || measure(row) > measure(best) ? row : best), null);
}
