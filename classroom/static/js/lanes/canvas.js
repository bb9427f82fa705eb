/** Draws the truth and the lanes on one canvas with one time axis. Knows pixels, and nothing of the network. */

import { axisStepS, excludedSpans, laneShapes, truthTicks } from "./geometry.js";
import { TRANSPORTS } from "../shared/transports.js";
import { markPath } from "../shared/marks.js";
import { ageText } from "../shared/numbers.js";
import { token } from "../shared/theme.js";

const LINE_PX = 3;
const BAR_PX = 8;
/** Held for less than this, a poll was answered at once: no bar. */
const SHORTEST_BAR_NS = 3e6;
const MARK_PX = 7;
const HATCH_PX = 8;
const LABEL_DISTANCE_PX = 34;
const BOUND_LABEL_PX = 17;
const BOUND_LABEL_GAP_PX = 6;
const NOTHING = Object.freeze([]);
const EXCLUDED_LABEL = "not timed";
const AXIS_LABEL_DISTANCE_PX = 90;
const FADED = 0.22;
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
      drawLane({ ...pen, shows: alphaIn(context, focus, data) }, place, lane, laneShapes(data, lane.transport, view.from_ns, view.to_ns));
    }
  }
  if (focus !== null) drawAges(pen, place, focus);
  drawBounds(pen, place, view.datas, view);
}

/** Sets how strongly what brought these events is drawn: all of it, unless one event stands out. */
function alphaIn(context, focus, data) {
  return (seqs) => {
    context.globalAlpha = focus === null || (focus.data === data && seqs.includes(focus.seq)) ? 1 : FADED;
  };
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
    const middle = top + AGE_HEIGHT_PX / 2 + 3; // above what a mark says of several events
    const text = ageText(received_ns - due_ns);
    const width = context.measureText(text).width + 2 * AGE_PAD_PX;
    const left = at + MARK_PX + AGE_PAD_PX + width <= place.width ? at + MARK_PX + AGE_PAD_PX : at - MARK_PX - AGE_PAD_PX - width;
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

/** Times in these spans count for nothing: shaded, and said so where there is room. */
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
function drawTruth({ context, palette, font, x, focus }, place, data, { from_ns, to_ns }) {
  const { top, bottom } = place.truth;
  context.font = `600 16px ${font}`;
  context.textBaseline = "middle";
  context.textAlign = "left";
  const ticks = truthTicks(data, from_ns, to_ns);
  ticks.forEach(({ seq, published_ns }, index) => {
    const at = x(published_ns);
    const isFocus = focus !== null && focus.data === data && focus.seq === seq;
    context.globalAlpha = focus === null || isFocus ? 1 : FADED;
    context.strokeStyle = palette.rule;
    context.lineWidth = 1;
    context.setLineDash([2, 4]);
    strokeLine(context, at, bottom, at, place.axis_y);
    context.setLineDash([]);
    context.strokeStyle = palette.ink;
    context.lineWidth = LINE_PX + 1;
    strokeLine(context, at, top + BOUND_LABEL_PX, at, bottom);
    const next = index + 1 < ticks.length ? x(ticks[index + 1].published_ns) : place.width;
    if (next - at < LABEL_DISTANCE_PX && !isFocus) return;
    context.fillStyle = palette.ink;
    context.fillText(String(seq), at + 6, (top + BOUND_LABEL_PX + bottom) / 2);
  });
  context.globalAlpha = 1;
}

function drawLane(pen, place, lane, shapes) {
  const { context, palette, x, shows } = pen;
  const colour = palette[lane.transport];
  shows(NOTHING);
  for (const gap of shapes.gaps) drawGap(pen, lane, gap, colour);
  context.fillStyle = colour;
  const bars = shapes.bars.filter(({ from_ns, to_ns }) => to_ns - from_ns > SHORTEST_BAR_NS);
  for (const { from_ns, to_ns, seqs } of bars) {
    shows(seqs);
    context.fillRect(x(from_ns), lane.top - BAR_PX / 2, Math.max(LINE_PX, x(to_ns) - x(from_ns)), BAR_PX);
  }
  context.strokeStyle = colour;
  context.lineWidth = LINE_PX;
  context.lineCap = "round";
  for (const { kind, up, from_ns, to_ns, seqs } of shapes.lines) {
    shows(seqs);
    context.setLineDash(kind === "empty" ? [5, 6] : []);
    strokeLine(context, x(from_ns), up ? lane.bottom : lane.top, x(to_ns), up ? lane.top : lane.bottom);
  }
  context.setLineDash([]);
  context.lineCap = "butt";
  for (const { kind, at_ns, seqs } of shapes.marks) {
    shows(seqs);
    drawMark(pen, place, lane, x(at_ns), kind === "empty", seqs.length);
  }
  for (const { seq, due_ns } of shapes.missed) {
    shows([seq]);
    drawMissed(pen, lane, x(due_ns));
  }
  context.globalAlpha = 1;
}

/** Filled: it brought something. Hollow: it brought nothing. A number: it brought several events at once. */
function drawMark({ context, palette, font }, place, lane, at, isEmpty, events) {
  markPath(context, lane.transport, at, lane.bottom, MARK_PX);
  context.fillStyle = isEmpty ? palette.panel : palette[lane.transport];
  context.fill();
  context.lineWidth = isEmpty ? LINE_PX : 1.5;
  context.strokeStyle = isEmpty ? palette[lane.transport] : palette.panel;
  context.stroke();
  if (events < 2) return;
  context.font = `600 16px ${font}`;
  const text = `×${events}`;
  const fits = at + MARK_PX + 3 + context.measureText(text).width <= place.width;
  context.textAlign = fits ? "left" : "right";
  context.textBaseline = "bottom";
  context.fillStyle = palette.ink;
  context.fillText(text, fits ? at + MARK_PX + 3 : at - MARK_PX - 3, lane.bottom - 1);
}

/** Between an answer leaving and the next request coming, the server has nobody to tell: hatched. */
function drawGap({ context, x }, lane, gap, colour) {
  const [left, right] = [x(gap.answered_ns), x(gap.arrived_ns)];
  context.save();
  context.beginPath();
  context.moveTo(left, lane.top);
  context.lineTo(x(gap.received_ns), lane.bottom);
  context.lineTo(x(gap.sent_ns), lane.bottom);
  context.lineTo(right, lane.top);
  context.closePath();
  context.clip();
  context.strokeStyle = colour;
  context.globalAlpha *= 0.75;
  context.lineWidth = 1.5;
  const height = lane.bottom - lane.top;
  for (let start = left - height; start < right; start += HATCH_PX) strokeLine(context, start, lane.bottom, start + height, lane.top);
  context.restore();
}

/** An event that never came: a ring with a stroke, where it was due. */
function drawMissed({ context, palette }, lane, at) {
  context.strokeStyle = palette.bad;
  context.lineWidth = LINE_PX;
  context.fillStyle = palette.panel;
  context.beginPath();
  context.arc(at, lane.top, MARK_PX, 0, 2 * Math.PI);
  context.fill();
  context.stroke();
  strokeLine(context, at - MARK_PX, lane.top + MARK_PX, at + MARK_PX, lane.top - MARK_PX);
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
