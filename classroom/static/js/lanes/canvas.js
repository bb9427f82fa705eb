/** Draws the truth and the lanes on one canvas with one time axis. Knows pixels, and nothing of the network. */

import { axisStepS, excludedSpans, laneShapes, truthTicks } from "./geometry.js";
import { TRANSPORTS } from "../shared/transports.js";
import { addMark } from "../shared/marks.js";
import { ageText } from "../shared/numbers.js";
import { token } from "../shared/theme.js";

const LINE_PX = 3;
const BAR_PX = 8;
/** Held for less than this, a poll was answered at once: no bar. */
const SHORTEST_BAR_NS = 3e6;
const MARK_PX = 7;
const HATCH_PX = 8;
const LABEL_GAP_PX = 6;
/** Ticks and lines that are closer than this to the previous one cannot be told apart and are not drawn; marks are wider. */
const NEAREST_PX = 3;
const NEAREST_MARK_PX = 6;
/** More than this many of a kind are a crowd, drawn thin and small so that they can be told apart and a frame takes little time. */
const CROWD = 150;
const THIN_PX = 1;
const SMALL_MARK_PX = 3.5;
/** With more lines than this, rounded ends cannot be seen and take as long to draw as the lines. */
const FEW = 40;
const LINE_DASHES = { request: [], answer: [], frame: [], empty: [5, 6] };
const WAITS_LABELS = ["waiting for a free connection: this browser opens six per server", "waiting for a free connection", "waiting"];
const BOUND_LABEL_PX = 17;
const BOUND_LABEL_GAP_PX = 6;
const EXCLUDED_LABEL = "not timed";
const AXIS_LABEL_DISTANCE_PX = 90;
const FADED = 0.22;
const GAP_ALPHA = 0.75;
const AGE_PAD_PX = 6;
const AGE_HEIGHT_PX = 24;

/** Colours of the present theme, read once per theme. */
export function readPalette() {
  const names = ["panel", "panel-sunk", "ink", "ink-soft", "rule", "rule-strong", "bad", "warn-soft", ...TRANSPORTS];
  return Object.fromEntries(names.map((name) => [name, token(name)]));
}

/** Where everything is, in CSS pixels; `label_px` is kept free above each lane.
 *
 * @returns {{width, height, truth: {top, bottom}, lanes: {transport, row_top, top, bottom}[], lane_px, axis_y}}
 */
export function layout(width, height, transports = TRANSPORTS, label_px = 0) {
  const axis_px = 30;
  const truth_px = Math.max(44, Math.round(height * 0.1)) + label_px;
  const lane_px = (height - truth_px - axis_px) / transports.length;
  const pad_px = Math.max(9, Math.round((lane_px - label_px) * 0.13));
  return {
    width,
    height,
    // On a phone the word stands over the ticks.
    truth: { row_top: 0, top: label_px === 0 ? 0 : label_px - 4, bottom: truth_px },
    lanes: transports.map((transport, index) => {
      const top = truth_px + index * lane_px;
      return { transport, row_top: top, top: top + label_px + pad_px, bottom: top + lane_px - pad_px };
    }),
    lane_px,
    axis_y: height - axis_px,
  };
}

/** Draw the runs between two moments.
 *
 * @param {CanvasRenderingContext2D} context scaled to CSS pixels
 * @param {ReturnType<typeof layout>} place
 * @param {{datas: import("../shared/run_data.js").RunData[], from_ns: number, to_ns: number, hiddenSince: number|null,
 *   focus?: {data: import("../shared/run_data.js").RunData, seq: number}|null}} view `focus`: an event that stands out, the rest fades
 * @param {ReturnType<typeof readPalette>} palette
 * @param {string} font family
 */
export function drawLanes(context, place, view, palette, font) {
  const scale = place.width / (view.to_ns - view.from_ns);
  const focus = view.focus ?? null;
  const pen = { context, palette, font, x: (at_ns) => (at_ns - view.from_ns) * scale, focus };
  context.clearRect(0, 0, place.width, place.height);
  drawGround(pen, place);
  for (const data of view.datas) drawExcluded(pen, place, data, view);
  drawEdges(pen, place);
  drawAxis(pen, place, view);
  for (const data of view.datas) {
    drawTruth(pen, place, data, view);
    for (const lane of place.lanes) {
      drawLane(pen, place, lane, laneShapes(data, lane.transport, view.from_ns, view.to_ns), data);
    }
  }
  if (focus !== null) drawAges(pen, place, focus);
  drawBounds(pen, place, view.datas, view);
}

/** Shapes by how strongly they are drawn, the weaker first: all of them fully, unless one event stands out.
 *
 * `seqsOf(shape)`: the events that it belongs to.
 */
function inLayers(focus, data, shapes, seqsOf) {
  if (focus === null) return [[1, shapes]];
  const isFocus = (shape) => focus.data === data && seqsOf(shape).includes(focus.seq);
  return [[FADED, shapes.filter((shape) => !isFocus(shape))], [1, shapes.filter(isFocus)]];
}

/** Those that are not too close to the last one that is drawn; `placesOf` returns their places in pixels. */
function apart(shapes, least_px, ...placesOf) {
  const last = placesOf.map(() => -Infinity);
  return shapes.filter((shape) => {
    const places = placesOf.map((placeOf) => placeOf(shape));
    if (places.every((place, index) => Math.abs(place - last[index]) < least_px)) return false;
    places.forEach((place, index) => (last[index] = place));
    return true;
  });
}

/** How old the event in focus was in each lane when it arrived: the way from its due time, and the age at its mark. */
function drawAges({ context, palette, font, x }, place, { data, seq }) {
  const { due_ns } = data.published.get(seq);
  context.font = `700 17px ${font}`;
  context.textBaseline = "middle";
  context.strokeStyle = palette.ink;
  context.lineWidth = 2;
  strokeLine(context, x(due_ns), place.truth.bottom, x(due_ns), place.axis_y);
  for (const { transport, top, bottom } of place.lanes) {
    const received_ns = data.lanes[transport].deliveries.get(seq)?.received_ns ?? null;
    if (received_ns === null) continue;
    const at = x(received_ns);
    const middle = top + AGE_HEIGHT_PX / 2 + 3; // above the label of a mark that stands for several events
    const text = ageText(received_ns - due_ns);
    const width = context.measureText(text).width + 2 * AGE_PAD_PX;
    const fits = at + MARK_PX + AGE_PAD_PX + width <= place.width;
    const left = fits ? at + MARK_PX + AGE_PAD_PX : Math.min(at - MARK_PX - AGE_PAD_PX, place.width) - width;
    strokeLine(context, x(due_ns), bottom, at, bottom);
    context.fillStyle = palette.panel;
    context.fillRect(left, middle - AGE_HEIGHT_PX / 2, width, AGE_HEIGHT_PX);
    context.strokeRect(left, middle - AGE_HEIGHT_PX / 2, width, AGE_HEIGHT_PX);
    context.fillStyle = palette.ink;
    context.textAlign = "left";
    context.fillText(text, left + AGE_PAD_PX, middle + 1);
  }
}

function drawGround({ context, palette }, place) {
  context.fillStyle = palette["panel-sunk"];
  context.fillRect(0, 0, place.width, place.truth.bottom);
}

/** The server's edge above, the browser's below, in each lane. */
function drawEdges({ context, palette }, place) {
  context.strokeStyle = palette.rule;
  context.lineWidth = 1;
  for (const { row_top } of place.lanes) strokeLine(context, 0, Math.round(row_top) + 0.5, place.width, Math.round(row_top) + 0.5);
  context.strokeStyle = palette["rule-strong"];
  for (const { top, bottom } of place.lanes) {
    strokeLine(context, 0, Math.round(top) + 0.5, place.width, Math.round(top) + 0.5);
    strokeLine(context, 0, Math.round(bottom) + 0.5, place.width, Math.round(bottom) + 0.5);
  }
}

function drawAxis({ context, palette, font, x }, place, { datas, from_ns, to_ns }) {
  const zero_ns = datas.at(-1)?.run.t0_ns;
  if (zero_ns === undefined) return;
  const span_s = (to_ns - from_ns) / 1e9;
  const step_s = axisStepS(span_s, Math.max(2, place.width / AXIS_LABEL_DISTANCE_PX));
  const digits = Math.max(0, -Math.floor(Math.log10(step_s)));
  context.font = `16px ${font}`;
  context.textBaseline = "middle";
  context.textAlign = "center";
  for (let step = Math.ceil((from_ns - zero_ns) / 1e9 / step_s); zero_ns + step * step_s * 1e9 <= to_ns; step += 1) {
    const at = x(zero_ns + step * step_s * 1e9);
    context.strokeStyle = palette["rule-strong"];
    context.lineWidth = 2;
    strokeLine(context, at, place.axis_y, at, place.axis_y + 6);
    const text = `${(step * step_s).toFixed(digits)} s`;
    const half = context.measureText(text).width / 2;
    if (at - half < 2 || at + half > place.width - 2) continue;
    context.fillStyle = palette["ink-soft"];
    context.fillText(text, at, place.axis_y + 18);
  }
}

/** Spans whose times do not count: shaded, with a label where there is room. */
function drawExcluded({ context, palette, font, x }, place, data, { hiddenSince, to_ns }) {
  const { top } = place.truth;
  for (const [from_ns, until_ns] of excludedSpans(data, hiddenSince, to_ns)) {
    const left = Math.max(0, x(from_ns));
    const right = Math.min(place.width, x(until_ns));
    if (right <= left) continue;
    context.fillStyle = palette["warn-soft"];
    context.fillRect(left, top, right - left, place.axis_y - top);
    context.font = `15px ${font}`;
    if (context.measureText(EXCLUDED_LABEL).width + 2 * BOUND_LABEL_GAP_PX > right - left) continue;
    context.textAlign = "center";
    context.textBaseline = "top";
    context.fillStyle = palette["ink-soft"];
    context.fillText(EXCLUDED_LABEL, (left + right) / 2, top + 1);
  }
}

/** One tick per event, and a hairline from it through all lanes, so that waiting can be read off. */
function drawTruth(pen, place, data, { from_ns, to_ns }) {
  const { context, palette, x, focus } = pen;
  const { top, bottom } = place.truth;
  const ticks = truthTicks(data, from_ns, to_ns).map(({ seq, published_ns }) => ({ seq, at: x(published_ns) }));
  const labels = tickLabels(pen, place, data, ticks);
  const isUnderLabel = ({ at }) => labels.some(({ left, right }) => left - LABEL_GAP_PX / 2 < at && at < right);
  for (const [alpha, shown] of inLayers(focus, data, ticks, ({ seq }) => [seq])) {
    context.globalAlpha = alpha;
    if (shown.length <= CROWD) {
      context.strokeStyle = palette.rule;
      context.setLineDash([2, 4]);
      strokeLines(context, THIN_PX, shown, ({ at }) => [at, bottom, at, place.axis_y]);
      context.setLineDash([]);
    }
    context.fillStyle = palette.ink;
    const width = shown.length <= CROWD ? LINE_PX + 1 : 2 * THIN_PX;
    for (const tick of apart(shown, NEAREST_PX, ({ at }) => at)) {
      const above = isUnderLabel(tick) ? (top + BOUND_LABEL_PX + 2 * bottom) / 3 : top + BOUND_LABEL_PX;
      context.fillRect(tick.at - width / 2, above, width, bottom - above);
    }
  }
  context.fillStyle = palette.ink;
  for (const { text, left, alpha } of labels) {
    context.globalAlpha = alpha;
    context.fillText(text, left, (top + BOUND_LABEL_PX + bottom) / 2);
  }
  context.globalAlpha = 1;
}

/** The numbers beside the ticks, with their font set: all of them, or every second, fifth, tenth … where they would collide. */
function tickLabels({ context, font, focus }, place, data, ticks) {
  context.font = `600 16px ${font}`;
  context.textBaseline = "middle";
  context.textAlign = "left";
  if (ticks.length === 0) return [];
  const widest_px = context.measureText(String(ticks.at(-1).seq)).width + 2 * LABEL_GAP_PX;
  const step = Math.max(1, axisStepS(ticks.length, place.width / widest_px));
  const labels = [];
  for (const { seq, at } of ticks) {
    const isFocus = focus !== null && focus.data === data && focus.seq === seq;
    const left = at + LABEL_GAP_PX;
    if (isFocus) while (labels.length > 0 && labels.at(-1).right > at) labels.pop();
    else if (seq % step !== 0 || at < (labels.at(-1)?.right ?? -Infinity)) continue;
    labels.push({ text: String(seq), left, right: left + context.measureText(String(seq)).width, alpha: focus === null || isFocus ? 1 : FADED });
  }
  return labels;
}

function drawLane(pen, place, lane, shapes, data) {
  const { context, palette, x, focus } = pen;
  const colour = palette[lane.transport];
  context.globalAlpha = focus === null ? 1 : FADED;
  drawGaps(pen, lane, shapes.gaps, colour, x(data.run.t0_ns));
  drawWaits(pen, place, lane, shapes.waits, colour);
  const bars = shapes.bars.filter(({ from_ns, to_ns }) => to_ns - from_ns > SHORTEST_BAR_NS);
  const ends = ({ up, from_ns, to_ns }) => [x(from_ns), up ? lane.bottom : lane.top, x(to_ns), up ? lane.top : lane.bottom];
  for (const [alpha, shown] of inLayers(focus, data, bars, ({ seqs }) => seqs)) {
    context.globalAlpha = alpha;
    context.fillStyle = colour;
    for (const { from_ns, to_ns } of shown) context.fillRect(x(from_ns), lane.top - BAR_PX / 2, Math.max(LINE_PX, x(to_ns) - x(from_ns)), BAR_PX);
  }
  context.strokeStyle = colour;
  for (const [alpha, shown] of inLayers(focus, data, shapes.lines, ({ seqs }) => seqs)) {
    context.globalAlpha = alpha;
    for (const [kind, dash] of Object.entries(LINE_DASHES)) {
      context.setLineDash(dash);
      strokeLines(context, LINE_PX, apart(shown.filter((line) => line.kind === kind), NEAREST_PX, ({ from_ns }) => x(from_ns), ({ to_ns }) => x(to_ns)), ends);
    }
    context.setLineDash([]);
  }
  for (const [alpha, shown] of inLayers(focus, data, shapes.marks, ({ seqs }) => seqs)) {
    context.globalAlpha = alpha;
    drawMarks(pen, place, lane, shown);
  }
  for (const [alpha, shown] of inLayers(focus, data, shapes.missed, ({ seq }) => [seq])) {
    context.globalAlpha = alpha;
    drawMissed(pen, lane, apart(shown, NEAREST_MARK_PX, ({ due_ns }) => x(due_ns)));
  }
  context.globalAlpha = 1;
}

/** Filled: it brought something. Hollow: it brought nothing. A number, where there is room: it brought several events at once. */
function drawMarks({ context, palette, font, x }, place, lane, marks) {
  const colour = palette[lane.transport];
  const drawn = apart(marks, NEAREST_MARK_PX, ({ at_ns }) => x(at_ns));
  const isCrowd = drawn.length > CROWD;
  for (const { kind, at_ns } of drawn) {
    const isEmpty = kind === "empty";
    context.beginPath();
    addMark(context, lane.transport, x(at_ns), lane.bottom, isCrowd ? SMALL_MARK_PX : MARK_PX);
    context.fillStyle = isEmpty ? palette.panel : colour;
    context.fill();
    if (isCrowd && !isEmpty) continue;
    context.lineWidth = isEmpty && !isCrowd ? LINE_PX : 1.5;
    context.strokeStyle = isEmpty ? colour : palette.panel;
    context.stroke();
  }
  context.font = `600 16px ${font}`;
  context.textBaseline = "bottom";
  context.textAlign = "left";
  context.fillStyle = palette.ink;
  let taken_px = -Infinity;
  marks.forEach(({ at_ns, seqs }, index) => {
    if (seqs.length < 2) return;
    const text = `×${seqs.length}`;
    const at = x(at_ns);
    const next_px = index + 1 < marks.length ? x(marks[index + 1].at_ns) - MARK_PX : Infinity;
    if (next_px - at < MARK_PX + LABEL_GAP_PX) return; // to measure a text takes longer than to draw a mark
    const width = context.measureText(text).width;
    const fits = at + MARK_PX + LABEL_GAP_PX / 2 + width <= place.width;
    const left = fits ? at + MARK_PX + LABEL_GAP_PX / 2 : at - MARK_PX - LABEL_GAP_PX / 2 - width;
    if (left < taken_px || (fits && left + width > next_px)) return;
    context.fillText(text, left, lane.bottom - 1);
    taken_px = left + width;
  });
}

/** A request that waits in the browser for a connection: dotted along the browser's edge, with a label where there is room. */
function drawWaits({ context, palette, font, x }, place, lane, waits, colour) {
  context.strokeStyle = colour;
  context.setLineDash([LINE_PX, 2 * LINE_PX]);
  strokeLines(context, LINE_PX, waits, ({ from_ns, to_ns }) => [x(from_ns), lane.bottom, x(to_ns), lane.bottom]);
  context.setLineDash([]);
  context.font = `15px ${font}`;
  context.textAlign = "left";
  context.textBaseline = "bottom";
  context.fillStyle = palette.ink;
  for (const { from_ns, to_ns } of waits) {
    const left = Math.max(0, x(from_ns)) + LABEL_GAP_PX;
    const room_px = Math.min(place.width, x(to_ns)) - left;
    const text = WAITS_LABELS.find((label) => context.measureText(label).width <= room_px);
    if (text !== undefined) context.fillText(text, left, lane.bottom - LINE_PX);
  }
}

/** From an answer leaving to the next request arriving the server cannot deliver: hatched, in step with the run from `zero`. */
function drawGaps({ context, x }, lane, gaps, colour, zero) {
  const height = lane.bottom - lane.top;
  const strokes = [];
  for (const gap of gaps) {
    const [answered, received, sent, arrived] = [gap.answered_ns, gap.received_ns, gap.sent_ns, gap.arrived_ns].map(x);
    const last = Math.max(sent, arrived);
    for (let start = zero + Math.floor((Math.min(answered, received) - height - zero) / HATCH_PX) * HATCH_PX; start < last; start += HATCH_PX) {
      const within = hatchWithin(start, height, answered, received, sent, arrived);
      if (within !== null) strokes.push(within.flatMap((up) => [start + up, lane.bottom - up]));
    }
  }
  context.strokeStyle = colour;
  context.globalAlpha *= GAP_ALPHA;
  strokeLines(context, 1.5 * THIN_PX, strokes, (ends) => ends);
  context.globalAlpha /= GAP_ALPHA;
}

/** The heights between which a line that rises by 45° from `start` at the bottom lies within a gap; null if it does not.
 *
 * The gap's left side goes from `received` at the bottom to `answered` at the top, its right side from `sent` to `arrived`.
 */
function hatchWithin(start, height, answered, received, sent, arrived) {
  const [left, right] = [(answered - received) / height, (arrived - sent) / height];
  let [low, high] = [Math.max(0, (received - start) / (1 - left)), height];
  if (right < 1) high = Math.min(high, (sent - start) / (1 - right));
  else if (right > 1) low = Math.max(low, (sent - start) / (1 - right));
  else if (sent < start) return null;
  return low < high ? [low, high] : null;
}

/** Events that never came: a ring with a stroke, where they were due. */
function drawMissed({ context, palette, x }, lane, missed) {
  context.strokeStyle = palette.bad;
  context.lineWidth = LINE_PX;
  context.fillStyle = palette.panel;
  for (const { due_ns } of missed) {
    const at = x(due_ns);
    context.beginPath();
    context.arc(at, lane.top, MARK_PX, 0, 2 * Math.PI);
    context.fill();
    context.moveTo(at - MARK_PX, lane.top + MARK_PX);
    context.lineTo(at + MARK_PX, lane.top - MARK_PX);
    context.stroke();
  }
}

/** Where runs begin, are changed, and their last events are due, named above the ticks as far as names fit. */
function drawBounds({ context, palette, font, x }, place, datas, { from_ns, to_ns }) {
  const bounds = datas
    .flatMap(({ run, changes }, index) => {
      const replaced_ns = datas[index + 1]?.run.t0_ns ?? Infinity;
      const changed = changes.map((at_ns) => [at_ns, "changed"]);
      return [[run.t0_ns, `run ${run.id}`], ...changed, [run.end_ns, "last event"]].filter(([at_ns]) => at_ns < replaced_ns);
    })
    .filter(([at_ns]) => at_ns >= from_ns && at_ns <= to_ns)
    .sort(([one_ns], [other_ns]) => one_ns - other_ns);
  context.font = `15px ${font}`;
  context.textAlign = "left";
  context.textBaseline = "top";
  bounds.forEach(([at_ns, text], index) => {
    const at = x(at_ns);
    context.strokeStyle = palette["rule-strong"];
    context.lineWidth = 2;
    context.setLineDash([8, 6]);
    strokeLine(context, at, place.truth.top, at, place.axis_y);
    context.setLineDash([]);
    const end = index + 1 < bounds.length ? x(bounds[index + 1][0]) : place.width;
    if (at + BOUND_LABEL_GAP_PX + context.measureText(text).width > end) return;
    context.fillStyle = palette["ink-soft"];
    context.fillText(text, at + BOUND_LABEL_GAP_PX, place.truth.top + 1);
  });
}

function strokeLine(context, x1, y1, x2, y2) {
  context.beginPath();
  context.moveTo(x1, y1);
  context.lineTo(x2, y2);
  context.stroke();
}

/** Stroke lines, `endsOf` each [x1, y1, x2, y2]: one by one, but for a crowd, whose thin lines are one path.
 *
 * Thick lines in one path would cost the square of their number, and a path for each costs more than a thin line.
 */
function strokeLines(context, width_px, shapes, endsOf) {
  const isCrowd = shapes.length > CROWD;
  context.lineWidth = isCrowd ? THIN_PX : width_px;
  context.lineCap = shapes.length <= FEW && width_px === LINE_PX ? "round" : "butt";
  context.beginPath();
  for (const shape of shapes) {
    const [x1, y1, x2, y2] = endsOf(shape);
    if (!isCrowd) context.beginPath();
    context.moveTo(x1, y1);
    context.lineTo(x2, y2);
    if (!isCrowd) context.stroke();
  }
  if (isCrowd) context.stroke();
}
