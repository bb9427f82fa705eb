/** From rows to shapes: what is to be drawn in a lane between two moments. Pure; times stay times, heights are names.
 *
 * In a lane the server is the top edge and this browser the bottom edge. Whatever travels is a line from the moment and
 * edge where it was sent to the moment and edge where it arrived.
 */

import { polls } from "../shared/transports.js";
import { missedSeqs, NO_CONTENT } from "../shared/numbers.js";

/** `up` goes from the browser to the server, `down` comes from it; `seqs` are the events that it brought.
 * @typedef {{kind: "request"|"answer"|"empty"|"frame", up: boolean, from_ns: number, to_ns: number, seqs: number[]}} Line
 * @typedef {{kind: "delivery"|"empty", at_ns: number, seqs: number[]}} Mark an arrival at the browser
 * @typedef {{from_ns: number, to_ns: number, seqs: number[]}} Bar a poll that the server holds
 * @typedef {{from_ns: number, to_ns: number}} Wait a request that waits in the browser for a free connection
 * @typedef {{answered_ns: number, received_ns: number, sent_ns: number, arrived_ns: number}} Gap nobody is listening
 * @typedef {{lines: Line[], marks: Mark[], bars: Bar[], waits: Wait[], gaps: Gap[], missed: {seq: number, due_ns: number}[]}} LaneShapes
 */

const NOTHING = Object.freeze([]);
/** Rows are in the order of time up to this: the server's messages come in ticks. */
const DISORDER_NS = 2e9;

/** @param {import("../shared/run_data.js").RunData} data @returns {LaneShapes} */
export function laneShapes(data, transport, from_ns, to_ns) {
  const lane = data.lanes[transport];
  const shapes = { lines: [], marks: [], bars: [], waits: [], gaps: [], missed: [] };
  const since_ns = 2 * from_ns - to_ns;
  const deliveries = newest(lane.deliveryRows, ({ received_ns, written_ns }) => received_ns ?? written_ns, since_ns);
  const carried = seqsByRequest(deliveries);
  const requests = newest(lane.requestRows, ({ received_ns, answered_ns }) => received_ns ?? answered_ns, since_ns);
  const last_ns = data.ended ? Math.min(to_ns, data.over_ns) : to_ns;
  requests.forEach((request, index) => {
    if ((request.sent_ns ?? request.arrived_ns) > to_ns) return;
    const wait = data.waitOf(transport, request);
    if (wait !== null) shapes.waits.push({ from_ns: wait.from_ns, to_ns: wait.to_ns ?? last_ns });
    if (wait?.to_ns === null) return;
    addRequest(shapes, request, wait?.to_ns ?? request.sent_ns, carried.get(request.n) ?? NOTHING, data.settings.one_way_delay_ms * 1e6, last_ns, polls(transport));
    if (transport === "long_poll") addGap(shapes, data, request, requests[index + 1], Math.min(last_ns, data.run.end_ns));
  });
  shapes.waits.push(...lane.waits);
  for (const delivery of deliveries) {
    if (delivery.n === null && touches(delivery.written_ns, delivery.received_ns, from_ns, to_ns)) addFrame(shapes, delivery);
  }
  const due = newest(data.publishedRows, ({ published_ns }) => published_ns, from_ns).filter(({ due_ns }) => due_ns >= from_ns && due_ns <= to_ns);
  shapes.missed = missedSeqs(data, transport, to_ns, due, deliveries).map((seq) => data.published.get(seq));
  return shapes;
}

/** Events that were published between the two moments. */
export function truthTicks(data, from_ns, to_ns) {
  return newest(data.publishedRows, ({ published_ns }) => published_ns, from_ns).filter(({ published_ns }) => published_ns >= from_ns && published_ns <= to_ns);
}

/** The rows from about a moment on, in their order, without searching all earlier ones; `timeOf` is null for a row without an end. */
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

/** Round steps for a time axis: the smallest of 1, 2, 5 × 10^k seconds of which at most `most` fit into the span. */
export function axisStepS(span_s, most) {
  const smallest = span_s / most;
  const power = 10 ** Math.floor(Math.log10(smallest));
  return power * [1, 2, 5, 10].find((factor) => factor * power >= smallest * (1 - 1e-9));
}

/** `left_ns`: when it left the browser. What has not arrived yet is drawn as on its way, beyond the picture's end at `last_ns`. */
function addRequest(shapes, request, left_ns, seqs, transit_ns, last_ns, isPoll) {
  const { arrived_ns, received_ns } = request;
  const arrives_ns = (from_ns) => Math.max(from_ns + transit_ns, last_ns);
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

/** From an answer leaving the server to the next request reaching it, nothing can be delivered to this browser. While that request waits for
 * a connection the lane is not deaf because it has not asked: the gap ends where the waiting begins. */
function addGap(shapes, data, request, next, last_ns) {
  const { answered_ns, received_ns } = request;
  if (answered_ns === null || received_ns === null || (!next && received_ns > last_ns)) return;
  const wait = next ? data.waitOf("long_poll", next) : data.lanes.long_poll.waits.find(({ from_ns }) => from_ns >= received_ns);
  const sent_ns = wait?.from_ns ?? next?.sent_ns ?? Math.max(received_ns, last_ns);
  shapes.gaps.push({ answered_ns, received_ns, sent_ns, arrived_ns: wait ? sent_ns : (next?.arrived_ns ?? Math.max(sent_ns, last_ns)) });
}

function addFrame(shapes, { seq, written_ns, received_ns }) {
  const seqs = [seq];
  shapes.lines.push({ kind: "frame", up: false, from_ns: written_ns, to_ns: received_ns, seqs });
  shapes.marks.push({ kind: "delivery", at_ns: received_ns, seqs });
}

function touches(start_ns, end_ns, from_ns, to_ns) {
  return start_ns !== null && end_ns !== null && end_ns >= from_ns && start_ns <= to_ns;
}

/** The new events that each poll brought. */
function seqsByRequest(deliveries) {
  const carried = new Map();
  for (const { seq, n } of deliveries) {
    if (n === null) continue;
    if (carried.has(n)) carried.get(n).push(seq);
    else carried.set(n, [seq]);
  }
  return carried;
}

/** The event whose tick or arrival is nearest to a place in a lane (null: among the ticks), no further than `most_ns`; or null. */
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
