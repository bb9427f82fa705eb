/**
 * A recorded run as the messages that a page receives during a live run. Pure.
 *
 * The rest of the page then draws and counts a recorded run by the same code as a live one.
 */

const TICK_NS = 100e6;
/** A run is announced this long before it begins. */
const AHEAD_NS = 500e6;

/**
 * Return the messages of a recorded run, ascending in time.
 *
 * @param {object} snapshot RunData.snapshot() of a finished run
 * @param {number} id the number that the run gets
 * @param {number} shiftNs added to all times
 * @returns {{at_ns: number, from: "server"|"worker", message: object}[]} the server's have the `type` run, tick or ended, the worker's the
 *   `kind` sent, answered, frame, opened or closed
 */
export function messagesOf(snapshot, id, shiftNs) {
  const moved = (ns) => (ns === null ? null : ns + shiftNs);
  const run = { ...snapshot.run, id, t0_ns: moved(snapshot.run.t0_ns), end_ns: moved(snapshot.run.end_ns), auto: true };
  const over = run.end_ns + run.drain_ns;
  const lanes = Object.entries(snapshot.lanes);
  const messages = [
    { at_ns: run.t0_ns - AHEAD_NS, from: "server", message: { type: "run", run } },
    ...lanes.flatMap(([transport, lane]) => workerMessages(transport, lane, id, moved)),
    ...ticks(snapshot, id, moved, run.t0_ns, over),
    { at_ns: over + TICK_NS, from: "server", message: { type: "ended", run: id } },
  ];
  return messages.sort((one, other) => one.at_ns - other.at_ns);
}

function workerMessages(transport, lane, run, moved) {
  const dues = new Map(lane.deliveries.map((delivery) => [delivery.seq, moved(delivery.due_ns)]));
  const messageOf = (kind, ns, fields) => ({ at_ns: moved(ns), from: "worker", message: { kind, transport, run, at_ns: moved(ns), ...fields } });
  const broughtBy = (n) => lane.deliveries.filter((delivery) => delivery.n === n).map(({ seq }) => ({ seq, due_ns: dues.get(seq) }));
  const requests = lane.requests.flatMap(({ n, sent_ns: sent, received_ns: received, status }) => [
    ...(sent === null ? [] : [messageOf("sent", sent, { n })]),
    ...(received === null ? [] : [messageOf("answered", received, { n, status, events: broughtBy(n) })]),
  ]);
  const frames = lane.deliveries.filter((delivery) => delivery.n === null && delivery.received_ns !== null)
    .map(({ seq, received_ns: received }) => messageOf("frame", received, { seq, due_ns: dues.get(seq) }));
  const changes = lane.changes.map(({ at_ns: at, open }) => messageOf(open ? "opened" : "closed", at, open ? {} : { code: null }));
  return [...requests, ...frames, ...changes];
}

/** Return the server's ticks, one every tenth of a second: the rows that were new then, and the bytes so far. */
function ticks(snapshot, run, moved, fromNs, toNs) {
  const messages = [];
  let before = -Infinity;
  for (let now = fromNs; now <= toNs + TICK_NS; now += TICK_NS) {
    const isNew = (ns) => ns !== null && before < moved(ns) && moved(ns) <= now;
    const published = snapshot.published.filter((event) => isNew(event.published_ns))
      .map(({ seq, due_ns: due, published_ns: at, event_bytes: bytes }) => [seq, moved(due), moved(at), bytes]);
    const lanes = Object.fromEntries(Object.entries(snapshot.lanes).map(([transport, lane]) => [transport, laneTick(lane, moved, isNew, now)]));
    messages.push({ at_ns: now, from: "server", message: { type: "tick", run, now_ns: now, published, lanes } });
    before = now;
  }
  return messages;
}

function laneTick(lane, moved, isNew, now) {
  const bytes = lane.bytes.findLast((row) => moved(row.now_ns) <= now) ?? { up: 0, down: 0, payload: 0 };
  return {
    // The server reports a request when it arrives, and again when it is answered.
    requests: lane.requests.filter((request) => isNew(request.arrived_ns) || isNew(request.answered_ns)).map((request) => {
      const answered = request.answered_ns !== null && moved(request.answered_ns) <= now;
      return [request.n, moved(request.arrived_ns), answered ? moved(request.answered_ns) : null, answered ? request.status : null, answered ? request.seqs : []];
    }),
    written: lane.deliveries.filter((delivery) => isNew(delivery.written_ns)).map(({ seq, written_ns: written }) => [seq, moved(written)]),
    up_bytes: bytes.up,
    down_bytes: bytes.down,
    payload_bytes: bytes.payload,
  };
}
