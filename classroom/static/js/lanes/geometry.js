/** Turns the rows of a run into the shapes to draw in a lane between two moments. Pure: a shape has times and names of edges, no pixels.
 *
 * In a lane the server is the top edge and this browser the bottom edge. Whatever travels is a line from the moment and
 * edge where it was sent to the moment and edge where it arrived.
 */

import { polls } from "../shared/transports.js";
import { hasArrived, missedSeqs, NO_CONTENT } from "../shared/numbers.js";

/** `up` goes from the browser to the server, `down` comes from it; `seqs` are the events that it brought.
 * @typedef {{kind: "request"|"answer"|"empty"|"frame", up: boolean, from_ns: number, to_ns: number, seqs: number[]}} Line
 * @typedef {{kind: "delivery"|"empty", at_ns: number, seqs: number[]}} Mark an arrival at the browser
 * @typedef {{from_ns: number, to_ns: number, seqs: number[]}} Bar a poll that the server holds
 * @typedef {{from_ns: number, to_ns: number}} Wait a request that waits in the browser for a free connection
 * @typedef {{answered_ns: number, received_ns: number, sent_ns: number, arrived_ns: number}} Gap nobody is listening
 * @typedef {{lines: Line[], marks: Mark[], bars: Bar[], waits: Wait[], gaps: Gap[], missed: {seq: number, due_ns: number}[],
 *   open_ns: number}} LaneShapes `open_ns`: where the first shape begins whose end is not known, and which therefore changes as time
 *   goes on; Infinity if there is none
 */

const NOTHING = Object.freeze([]);
/** Rows are in the order of time, but for this much: the server's messages come in batches. */
const DISORDER_NS = 2e9;

/** The shapes between two moments of a picture whose latest moment is `now_ns`.
 *
 * @param {import("../shared/run_data.js").RunData} data @returns {LaneShapes}
 */
export function laneShapes(data, transport, from_ns, to_ns, now_ns = to_ns) {
  const lane = data.lanes[transport];
  const shapes = { lines: [], marks: [], bars: [], waits: [], gaps: [], missed: [], open_ns: Infinity };
  const since_ns = from_ns - 2e6 * data.settings.one_way_delay_ms;
  const deliveries = newest(lane.deliveryRows, ({ received_ns, written_ns }) => received_ns ?? written_ns, since_ns);
  const carried = seqsByRequest(deliveries);
  const requests = newest(lane.requestRows, ({ received_ns, answered_ns }) => received_ns ?? answered_ns, since_ns);
  const last_ns = data.ended ? Math.min(now_ns, data.over_ns) : now_ns;
  for (const request of requests) {
    if ((request.sent_ns ?? request.arrived_ns) > to_ns) continue;
    const wait = data.waitOf(transport, request);
    if (wait !== null) shapes.waits.push({ from_ns: wait.from_ns, to_ns: wait.to_ns ?? last_ns });
    if (wait?.to_ns === null) {
      leaveOpen(shapes, wait.from_ns);
      continue;
    }
    const next = lane.requests.get(String(request.n + 1));
    const until_ns = { now: last_ns, givenUp: next?.sent_ns ?? null };
    addRequest(shapes, request, wait?.to_ns ?? request.sent_ns, carried.get(request.n) ?? NOTHING, data.settings.one_way_delay_ms * 1e6, until_ns, polls(transport));
    if (transport === "long_poll") addGap(shapes, data, request, next, Math.min(last_ns, data.run.end_ns));
  }
  shapes.waits.push(...lane.waits);
  for (const delivery of deliveries) {
    if (delivery.n === null && touches(delivery.written_ns, delivery.received_ns, from_ns, to_ns)) addFrame(shapes, delivery);
  }
  const due = newest(data.publishedRows, ({ published_ns }) => published_ns, from_ns).filter(({ due_ns }) => due_ns >= from_ns && due_ns <= to_ns);
  shapes.missed = missedSeqs(data, transport, now_ns, due, deliveries).map((seq) => data.published.get(seq));
  return shapes;
}

/** Events that were published between the two moments. */
export function truthTicks(data, from_ns, to_ns) {
  return newest(data.publishedRows, ({ published_ns }) => published_ns, from_ns).filter(({ published_ns }) => published_ns >= from_ns && published_ns <= to_ns);
}

/** The rows from a little before a moment on, in their order, found from the end without looking at all rows; `timeOf` returns null for a row without an end. */
function newest(rows, timeOf, since_ns) {
  let first = rows.length;
  while (first > 0 && (timeOf(rows[first - 1]) ?? Infinity) >= since_ns - DISORDER_NS) first -= 1;
  return rows.slice(first);
}

/** Spans to shade: those in which the page was hidden or not open yet. */
export function excludedSpans(data, hiddenSince, now_ns) {
  const spans = [...data.hidden];
  if (hiddenSince !== null) spans.push([hiddenSince, now_ns]);
  if (data.counts_from_ns > data.run.t0_ns) spans.push([data.run.t0_ns, data.counts_from_ns]);
  return spans;
}

/** When the first event was due that is missed at only one of two moments; Infinity if the same events are missed at both. */
export function otherMissedNs(data, transport, before_ns, now_ns) {
  if (data.ended && before_ns < data.over_ns && now_ns >= data.over_ns) return -Infinity;
  let [from_ns, overtaking] = [Infinity, 0];
  const rows = newest(data.lanes[transport].deliveryRows, ({ received_ns }) => received_ns, before_ns);
  for (const delivery of rows) if (hasArrived(delivery, before_ns)) overtaking = Math.max(overtaking, delivery.seq);
  for (const delivery of rows) {
    if (hasArrived(delivery, before_ns) || !hasArrived(delivery, now_ns)) continue;
    from_ns = Math.min(from_ns, data.overtakenNs(transport, delivery.seq, now_ns), delivery.seq < overtaking ? delivery.due_ns : Infinity);
  }
  return from_ns;
}

/** How many messages a second go through a lane in one direction, by the settings of its run. */
export function messagesPerS({ rate_per_s, poll_interval_s, one_way_delay_ms }, transport) {
  if (transport === "short_poll") return 1 / poll_interval_s;
  return transport === "long_poll" ? Math.min(rate_per_s, 1000 / (2 * one_way_delay_ms)) : rate_per_s;
}

/** Round steps for a time axis: the smallest of 1, 2, 5 × 10^k seconds of which at most `most` fit into the span. */
export function axisStepS(span_s, most) {
  const smallest = span_s / most;
  const power = 10 ** Math.floor(Math.log10(smallest));
  return power * [1, 2, 5, 10].find((factor) => factor * power >= smallest * (1 - 1e-9));
}

/** Add a request and its answer.
 *
 * `left_ns`: when the request left the browser. What has not arrived is drawn as on its way: beyond the end of the picture
 * (`until_ns.now`), or until the browser gave up and sent the lane's next request (`until_ns.givenUp`).
 */
function addRequest(shapes, request, left_ns, seqs, transit_ns, until_ns, isPoll) {
  const { arrived_ns, received_ns } = request;
  const last_ns = until_ns.givenUp === null ? until_ns.now : Math.min(until_ns.givenUp, until_ns.now);
  const arrives_ns = (from_ns) => {
    if (until_ns.givenUp === null) leaveOpen(shapes, from_ns);
    return Math.max(from_ns + transit_ns, last_ns);
  };
  if (left_ns !== null) shapes.lines.push({ kind: "request", up: true, from_ns: left_ns, to_ns: arrived_ns ?? received_ns ?? arrives_ns(left_ns), seqs });
  // The browser may tell of an answer before the server does.
  const answered_ns = request.answered_ns ?? (arrived_ns !== null && received_ns !== null ? Math.max(arrived_ns, received_ns - transit_ns) : null);
  if (isPoll && arrived_ns !== null) shapes.bars.push({ from_ns: arrived_ns, to_ns: answered_ns ?? last_ns, seqs });
  if (answered_ns === null) return;
  const isEmpty = request.status === NO_CONTENT || (received_ns !== null && seqs.length === 0);
  const kind = isPoll && isEmpty ? "empty" : "answer";
  shapes.lines.push({ kind, up: false, from_ns: answered_ns, to_ns: received_ns ?? arrives_ns(answered_ns), seqs });
  if (isPoll && received_ns !== null) shapes.marks.push({ kind: seqs.length === 0 ? "empty" : "delivery", at_ns: received_ns, seqs });
}

/** Add the gap from an answer leaving the server to the next request reaching it, in which nothing can be delivered to this browser.
 * It ends where that request begins to wait for a free connection: waiting has a shape of its own. */
function addGap(shapes, data, request, next, last_ns) {
  const { answered_ns, received_ns } = request;
  if (answered_ns === null || received_ns === null) return;
  if (!next && received_ns > last_ns) {
    leaveOpen(shapes, answered_ns);
    return;
  }
  const wait = next ? data.waitOf("long_poll", next) : data.lanes.long_poll.waits.find(({ from_ns }) => from_ns >= received_ns);
  const sent_ns = wait?.from_ns ?? next?.sent_ns ?? Math.max(received_ns, next?.arrived_ns ?? last_ns);
  const arrived_ns = wait ? sent_ns : (next?.arrived_ns ?? next?.received_ns ?? Math.max(sent_ns, last_ns));
  shapes.gaps.push({ answered_ns, received_ns, sent_ns, arrived_ns });
}

function addFrame(shapes, { seq, written_ns, received_ns }) {
  const seqs = [seq];
  shapes.lines.push({ kind: "frame", up: false, from_ns: written_ns, to_ns: received_ns, seqs });
  shapes.marks.push({ kind: "delivery", at_ns: received_ns, seqs });
}

function leaveOpen(shapes, from_ns) {
  shapes.open_ns = Math.min(shapes.open_ns, from_ns);
}

function touches(start_ns, end_ns, from_ns, to_ns) {
  return start_ns !== null && end_ns !== null && end_ns >= from_ns && start_ns <= to_ns;
}

/** The numbers of the new events that each poll brought, by the number of the poll. */
function seqsByRequest(deliveries) {
  const carried = new Map();
  for (const { seq, n } of deliveries) {
    if (n === null) continue;
    if (carried.has(n)) carried.get(n).push(seq);
    else carried.set(n, [seq]);
  }
  return carried;
}

/** The event whose arrival in a lane is nearest to a moment, within `most_ns`, or null; `transport` null: whose tick is nearest. */
export function eventNear(data, transport, at_ns, most_ns) {
  let nearest = null;
  let best_ns = most_ns;
  for (const { seq, published_ns } of data.published.values()) {
    const place_ns = transport === null ? published_ns : (data.lanes[transport].deliveries.get(seq)?.received_ns ?? published_ns);
    const distance_ns = Math.abs(place_ns - at_ns);
    if (distance_ns < best_ns) [nearest, best_ns] = [seq, distance_ns];
  }
  return nearest;
}
