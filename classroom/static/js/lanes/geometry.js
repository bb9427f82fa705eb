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
 * @typedef {{answered_ns: number, received_ns: number, sent_ns: number, arrived_ns: number}} Gap nobody is listening
 * @typedef {{lines: Line[], marks: Mark[], bars: Bar[], gaps: Gap[], missed: {seq: number, due_ns: number}[]}} LaneShapes
 */

const NOTHING = Object.freeze([]);

/** @param {import("../shared/run_data.js").RunData} data @returns {LaneShapes} */
export function laneShapes(data, transport, from_ns, to_ns) {
  const lane = data.lanes[transport];
  const shapes = { lines: [], marks: [], bars: [], gaps: [], missed: [] };
  const carried = seqsByRequest(lane);
  const requests = [...lane.requests.values()];
  const last_ns = data.ended ? Math.min(to_ns, data.over_ns) : to_ns;
  requests.forEach((request, index) => {
    const end_ns = request.received_ns ?? request.answered_ns ?? last_ns;
    if (end_ns < from_ns - (to_ns - from_ns) || (request.sent_ns ?? request.arrived_ns) > to_ns) return;
    addRequest(shapes, request, carried.get(request.n) ?? NOTHING, data.settings.one_way_delay_ms * 1e6, last_ns, polls(transport));
    if (transport === "long_poll") addGap(shapes, request, requests[index + 1], Math.min(last_ns, data.run.end_ns));
  });
  for (const delivery of lane.deliveries.values()) {
    if (delivery.n === null && touches(delivery.written_ns, delivery.received_ns, from_ns, to_ns)) addFrame(shapes, delivery);
  }
  shapes.missed = missedIn(data, transport, from_ns, to_ns);
  return shapes;
}

/** Events that were due between the two moments, with whether they begin a new run. */
export function truthTicks(data, from_ns, to_ns) {
  return [...data.published.values()].filter(({ published_ns }) => published_ns >= from_ns && published_ns <= to_ns);
}

/** Spans to shade: hidden ones, and where this page was not there yet. */
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

/** What has not arrived yet is drawn as on its way, beyond the picture's end at `last_ns`. */
function addRequest(shapes, request, seqs, transit_ns, last_ns, isPoll) {
  const { sent_ns, arrived_ns, received_ns } = request;
  const arrives_ns = (left_ns) => Math.max(left_ns + transit_ns, last_ns);
  if (sent_ns !== null) shapes.lines.push({ kind: "request", up: true, from_ns: sent_ns, to_ns: arrived_ns ?? received_ns ?? arrives_ns(sent_ns), seqs });
  // The browser may tell of an answer before the server does.
  const answered_ns = request.answered_ns ?? (arrived_ns !== null && received_ns !== null ? Math.max(arrived_ns, received_ns - transit_ns) : null);
  if (isPoll && arrived_ns !== null) shapes.bars.push({ from_ns: arrived_ns, to_ns: answered_ns ?? last_ns, seqs });
  if (answered_ns === null) return;
  const isEmpty = request.status === NO_CONTENT || (received_ns !== null && seqs.length === 0);
  const kind = isPoll && isEmpty ? "empty" : "answer";
  shapes.lines.push({ kind, up: false, from_ns: answered_ns, to_ns: received_ns ?? arrives_ns(answered_ns), seqs });
  if (isPoll && received_ns !== null) shapes.marks.push({ kind: seqs.length === 0 ? "empty" : "delivery", at_ns: received_ns, seqs });
}

/** From an answer leaving the server to the next request reaching it, nothing can be told to this browser. */
function addGap(shapes, request, next, last_ns) {
  const { answered_ns, received_ns } = request;
  if (answered_ns === null || received_ns === null || (!next && received_ns > last_ns)) return;
  const sent_ns = next?.sent_ns ?? Math.max(received_ns, last_ns);
  shapes.gaps.push({ answered_ns, received_ns, sent_ns, arrived_ns: next?.arrived_ns ?? Math.max(sent_ns, last_ns) });
}

function addFrame(shapes, { seq, written_ns, received_ns }) {
  const seqs = [seq];
  shapes.lines.push({ kind: "frame", up: false, from_ns: written_ns, to_ns: received_ns, seqs });
  shapes.marks.push({ kind: "delivery", at_ns: received_ns, seqs });
}

function missedIn(data, transport, from_ns, to_ns) {
  return missedSeqs(data, transport, to_ns)
    .map((seq) => data.published.get(seq))
    .filter(({ due_ns }) => due_ns >= from_ns && due_ns <= to_ns);
}

function touches(start_ns, end_ns, from_ns, to_ns) {
  return start_ns !== null && end_ns !== null && end_ns >= from_ns && start_ns <= to_ns;
}

/** The new events that each poll brought. */
function seqsByRequest(lane) {
  const carried = new Map();
  for (const { seq, n } of lane.deliveries.values()) {
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
