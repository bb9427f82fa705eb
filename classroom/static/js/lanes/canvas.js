/** Draws the server's events and the four lanes below them on one time axis. Knows pixels, and nothing of the network.
 *
 * How something is drawn depends only on what is near it and on the run's settings, never on what else is in the picture.
 * So the picture can be drawn in parts, and a part that was drawn earlier stays right while the picture moves (picture.js).
 */

import { axisStepS, excludedSpans, laneShapes, messagesPerS, truthTicks } from "./geometry.js";
import { TRANSPORTS } from "../shared/transports.js";
import { addMark } from "../shared/marks.js";
import { ageText } from "../shared/numbers.js";
import { token } from "../shared/theme.js";

const LINE_PX = 3;
const BAR_PX = 8;
/** A poll that the server holds for less than this was answered at once, and gets no bar. */
const SHORTEST_BAR_NS = 3e6;
const MARK_PX = 7;
const HATCH_PX = 8;
const HATCH_LINE_PX = 1.5;
const LABEL_GAP_PX = 6;
/** Ticks and lines that begin in the same step of this many pixels, and end in the same step, look like one: only the first is drawn. Marks are wider than lines. */
const NEAREST_PX = 3;
const NEAREST_MARK_PX = 6;
/** Messages that are closer than this on average are a crowd: drawn thin and small, they can be told apart and take little time to draw. */
const CROWD_PX = 10;
const THIN_PX = 1;
const SMALL_MARK_PX = 3.5;
/** Lines get rounded ends only if they are further apart than this on average: closer ones hide the ends, which take as long to draw as the lines. */
const ROUND_PX = 40;
/** How far a mark and its label extend to the right (REACH_PX) and to the left (REACH_BACK_PX) of their moment, at most. */
const REACH_PX = 96;
export const REACH_BACK_PX = 48;
/** Distance between the labels of a long span, which is labelled again and again. */
const REPEAT_PX = 480;
const LINE_DASHES = { request: [], answer: [], frame: [], empty: [5, 6] };
const WAITS_LABELS = ["waiting for a free connection: this browser opens six per server", "waiting for a free connection", "waiting"];
const BOUND_LABEL_PX = 17;
const EXCLUDED_LABEL = "not timed";
const AXIS_LABEL_DISTANCE_PX = 90;
const FADED = 0.22;
const GAP_ALPHA = 0.75;
const AGE_PAD_PX = 6;
const AGE_HEIGHT_PX = 24;

/** The colours of the present theme and the hatching of each lane; `density`: device pixels per CSS pixel. */
export function readPalette(density = 1) {
  const names = ["panel", "panel-sunk", "ink", "ink-soft", "rule", "rule-strong", "bad", "warn-soft", ...TRANSPORTS];
  const palette = Object.fromEntries(names.map((name) => [name, token(name)]));
  const hatches = Object.fromEntries(TRANSPORTS.map((transport) => [transport, hatchOf(palette[transport], density)]));
  return { ...palette, hatches, density };
}

/** A pattern of lines that rise by 45°. */
function hatchOf(colour, density) {
  const side_px = Math.round(HATCH_PX * density);
  const tile = new OffscreenCanvas(side_px, side_px);
  const context = tile.getContext("2d");
  context.strokeStyle = colour;
  context.globalAlpha = GAP_ALPHA;
  context.lineWidth = HATCH_LINE_PX * density;
  for (const shift of [-side_px, 0, side_px]) strokeLine(context, shift - density, side_px + density, shift + side_px + density, -density);
  return context.createPattern(tile, "repeat");
}

/** Compute where everything is, in CSS pixels; `label_px` is kept free above each lane.
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
    // On a phone the word "Events" stands above the ticks, elsewhere beside them.
    truth: { row_top: 0, top: label_px === 0 ? 0 : label_px - 4, bottom: truth_px },
    lanes: transports.map((transport, index) => {
      const top = truth_px + index * lane_px;
      return { transport, row_top: top, top: top + label_px + pad_px, bottom: top + lane_px - pad_px };
    }),
    lane_px,
    axis_y: height - axis_px,
  };
}

/** Draw the runs between two moments, or one tile of that picture: a part that fills a canvas from its left edge on.
 *
 * @param {CanvasRenderingContext2D} context scaled to CSS pixels
 * @param {ReturnType<typeof layout>} place
 * @param {{datas: import("../shared/run_data.js").RunData[], from_ns: number, to_ns: number, hiddenSince: number|null,
 *   focus?: {data: import("../shared/run_data.js").RunData, seq: number}|null}} view `focus`: the event that stands out while the rest fades
 * @param {ReturnType<typeof readPalette>} palette
 * @param {string} font family
 * @param {{from_ns: number, width: number}} tile the moment at the canvas' left edge, and its width
 * @returns {number} the earliest moment in the picture that will look different later although nothing new becomes known (a
 *   request on its way, for instance); Infinity if there is none
 */
export function drawLanes(context, place, view, palette, font, tile = { from_ns: view.from_ns, width: place.width }) {
  const scale = place.width / (view.to_ns - view.from_ns);
  const focus = view.focus ?? null;
  const at = (px) => tile.from_ns + px / scale;
  const part = { width: tile.width, from_ns: at(-REACH_PX), to_ns: Math.min(at(tile.width + REACH_BACK_PX), view.to_ns) };
  const pen = { context, palette, font, x: (at_ns) => (at_ns - tile.from_ns) * scale, scale, focus, part };
  let open_ns = Infinity;
  const bounds = boundsOf(pen, view.datas);
  drawGround(pen, place);
  for (const data of view.datas) drawExcluded(pen, place, data, view, bounds);
  drawEdges(pen, place);
  drawAxis(pen, place, view);
  for (const data of view.datas) {
    drawTruth(pen, place, data);
    for (const lane of place.lanes) {
      const shapes = laneShapes(data, lane.transport, part.from_ns, part.to_ns, view.to_ns);
      drawLane(pen, place, lane, shapes, data);
      open_ns = Math.min(open_ns, shapes.open_ns);
    }
  }
  if (focus !== null) drawAges(pen, place, focus, view);
  drawBounds(pen, place, bounds);
  return open_ns;
}

/** The average distance between messages that come this many times a second. */
function spacingPx({ scale }, per_s) {
  return (1e9 / per_s) * scale;
}

/** Group shapes by opacity, faded ones first: if an event stands out, all shapes that do not belong to it fade.
 *
 * `seqsOf(shape)`: the numbers of the events that a shape belongs to.
 */
function inLayers(focus, data, shapes, seqsOf) {
  if (focus === null) return [[1, shapes]];
  const isFocus = (shape) => focus.data === data && seqsOf(shape).includes(focus.seq);
  return [[FADED, shapes.filter((shape) => !isFocus(shape))], [1, shapes.filter(isFocus)]];
}

/** Keep the first of consecutive shapes that look like one: those whose moments (each of `momentsOf` reads one) lie in the same steps of `least_px`. */
function apart({ scale }, shapes, least_px, ...momentsOf) {
  const step_ns = least_px / scale;
  let before = null;
  return shapes.filter((shape) => {
    const steps = momentsOf.map((momentOf) => Math.floor(momentOf(shape) / step_ns));
    const isApart = before === null || steps.some((step, index) => step !== before[index]);
    before = steps;
    return isApart;
  });
}

/** The age of the event in focus in each lane when it arrived: a line from when it was due, and the age as text beside the mark. */
function drawAges({ context, palette, font, x }, place, { data, seq }, { to_ns }) {
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
    const fits = at + MARK_PX + AGE_PAD_PX + width <= x(to_ns);
    const left = fits ? at + MARK_PX + AGE_PAD_PX : Math.min(at - MARK_PX - AGE_PAD_PX, x(to_ns)) - width;
    strokeLine(context, x(due_ns), bottom, at, bottom);
    context.fillStyle = palette.panel;
    context.fillRect(left, middle - AGE_HEIGHT_PX / 2, width, AGE_HEIGHT_PX);
    context.strokeRect(left, middle - AGE_HEIGHT_PX / 2, width, AGE_HEIGHT_PX);
    context.fillStyle = palette.ink;
    context.textAlign = "left";
    context.fillText(text, left + AGE_PAD_PX, middle + 1);
  }
}

function drawGround({ context, palette, part: { width } }, place) {
  context.fillStyle = palette.panel;
  context.fillRect(0, 0, width, place.height + 1); // the whole canvas, so that the browser need not keep a copy of what it showed before
  context.fillStyle = palette["panel-sunk"];
  context.fillRect(0, 0, width, place.truth.bottom);
}

/** The lines at the top (server) and at the bottom (browser) of each lane. */
function drawEdges({ context, palette, part: { width } }, place) {
  const rule = (y) => context.fillRect(0, Math.round(y), width, THIN_PX);
  context.fillStyle = palette.rule;
  for (const { row_top } of place.lanes) rule(row_top);
  context.fillStyle = palette["rule-strong"];
  for (const { top, bottom } of place.lanes) [top, bottom].forEach(rule);
}

function drawAxis({ context, palette, font, x, part }, place, { datas, from_ns, to_ns }) {
  const zero_ns = datas.at(-1)?.run.t0_ns;
  if (zero_ns === undefined) return;
  const span_s = (to_ns - from_ns) / 1e9;
  const step_s = axisStepS(span_s, Math.max(2, place.width / AXIS_LABEL_DISTANCE_PX));
  const digits = Math.max(0, -Math.floor(Math.log10(step_s)));
  context.font = `16px ${font}`;
  context.textBaseline = "middle";
  context.textAlign = "center";
  for (let step = Math.ceil((part.from_ns - zero_ns) / 1e9 / step_s); zero_ns + step * step_s * 1e9 <= part.to_ns; step += 1) {
    const at = x(zero_ns + step * step_s * 1e9);
    context.strokeStyle = palette["rule-strong"];
    context.lineWidth = 2;
    strokeLine(context, at, place.axis_y, at, place.axis_y + 6);
    context.fillStyle = palette["ink-soft"];
    context.fillText(`${(step * step_s).toFixed(digits)} s`, at, place.axis_y + 18);
  }
}

/** Shade the spans whose times do not count, and label them where the labels of the bounds leave room. */
function drawExcluded({ context, palette, font, x, part }, place, data, { hiddenSince, to_ns }, bounds) {
  const { top } = place.truth;
  for (const [from_ns, until_ns] of excludedSpans(data, hiddenSince, to_ns)) {
    const [left, right] = [x(from_ns), x(until_ns)];
    if (right < 0 || left > part.width) continue;
    context.fillStyle = palette["warn-soft"];
    context.fillRect(left, top, right - left, place.axis_y - top);
    context.font = `15px ${font}`;
    context.textAlign = "left";
    context.textBaseline = "top";
    context.fillStyle = palette["ink-soft"];
    labelAlong(context, part, left, right, [EXCLUDED_LABEL], top + 1, bounds);
  }
}

/** Label a span at its beginning and then at regular distances, so that a label is always in sight, with the first of the texts that fits.
 *
 * `taken`: the places {left, right} of other labels at the same height, from left to right; a label that would overlap one is moved to its right.
 */
function labelAlong(context, part, left, right, texts, y, taken = []) {
  for (let start = left + LABEL_GAP_PX; start < Math.min(right, part.width); start += REPEAT_PX) {
    if (start + REPEAT_PX <= 0) continue;
    const end = Math.min(right, start + REPEAT_PX - LABEL_GAP_PX);
    for (const text of texts) {
      const { width } = context.measureText(text);
      const at = taken.reduce((free, other) => (other.left < free + width && free < other.right ? other.right : free), start);
      if (at + width > end) continue;
      context.fillText(text, at, y);
      break;
    }
  }
}

/** A tick for each event, and a thin dotted line from it down through all lanes: how long each lane waits can be read off. */
function drawTruth(pen, place, data) {
  const { context, palette, x, focus, part } = pen;
  const { top, bottom } = place.truth;
  const isCrowd = spacingPx(pen, data.settings.rate_per_s) < CROWD_PX;
  const ticks = truthTicks(data, part.from_ns, part.to_ns);
  const labels = tickLabels(pen, place, data, ticks);
  const isUnderLabel = (at) => labels.some(({ left, right }) => left - LABEL_GAP_PX / 2 < at && at < right);
  for (const [alpha, shown] of inLayers(focus, data, ticks, ({ seq }) => [seq])) {
    context.globalAlpha = alpha;
    if (!isCrowd) {
      context.strokeStyle = palette.rule;
      context.setLineDash([2, 4]);
      strokeLines(context, shown.map(({ published_ns }) => [x(published_ns), bottom, x(published_ns), place.axis_y]), THIN_PX);
      context.setLineDash([]);
    }
    context.fillStyle = palette.ink;
    const width = isCrowd ? 2 * THIN_PX : LINE_PX + 1;
    for (const { published_ns } of apart(pen, shown, NEAREST_PX, (tick) => tick.published_ns)) {
      const at = x(published_ns);
      const above = isUnderLabel(at) ? (top + BOUND_LABEL_PX + 2 * bottom) / 3 : top + BOUND_LABEL_PX;
      context.fillRect(at - width / 2, above, width, bottom - above);
    }
  }
  context.fillStyle = palette.ink;
  for (const { text, left, alpha } of labels) {
    context.globalAlpha = alpha;
    context.fillText(text, left, (top + BOUND_LABEL_PX + bottom) / 2);
  }
  context.globalAlpha = 1;
}

/** Compute the numbers beside the ticks and set their font: every number, or every second, fifth, tenth … where they would overlap. */
function tickLabels(pen, place, data, ticks) {
  const { context, font, focus, x } = pen;
  const { rate_per_s, duration_s } = data.settings;
  context.font = `600 16px ${font}`;
  context.textBaseline = "middle";
  context.textAlign = "left";
  const widthOf = (seq) => context.measureText(String(seq)).width;
  const widest_px = widthOf(Math.ceil(rate_per_s * duration_s)) + 2 * LABEL_GAP_PX;
  const step = Math.max(1, axisStepS(1, spacingPx(pen, rate_per_s) / widest_px));
  const labelOf = ({ seq, published_ns }) => {
    const left = x(published_ns) + LABEL_GAP_PX;
    return { text: String(seq), left, right: left + widthOf(seq) };
  };
  const focused = focus?.data === data ? labelOf(data.published.get(focus.seq)) : null;
  const labels = ticks
    .filter(({ seq }) => seq % step === 0 && seq !== focus?.seq)
    .filter(({ seq, published_ns }) => {
      const before = data.published.get(seq - step);
      return before === undefined || x(published_ns) >= labelOf(before).right;
    })
    .map((tick) => ({ ...labelOf(tick), alpha: focus === null ? 1 : FADED }))
    .filter(({ left, right }) => focused === null || right <= focused.left - LABEL_GAP_PX || left >= focused.right + LABEL_GAP_PX);
  return focused === null ? labels : [...labels, { ...focused, alpha: 1 }];
}

function drawLane(pen, place, lane, shapes, data) {
  const { context, palette, x, focus } = pen;
  const colour = palette[lane.transport];
  const spacing_px = spacingPx(pen, messagesPerS(data.settings, lane.transport));
  const isCrowd = spacing_px < CROWD_PX;
  context.globalAlpha = focus === null ? 1 : FADED;
  drawGaps(pen, lane, shapes.gaps, x(data.run.t0_ns));
  drawWaits(pen, lane, shapes.waits, colour);
  const bars = shapes.bars.filter(({ from_ns, to_ns }) => to_ns - from_ns > SHORTEST_BAR_NS);
  const endsOf = ({ up, from_ns, to_ns }) => [x(from_ns), up ? lane.bottom : lane.top, x(to_ns), up ? lane.top : lane.bottom];
  for (const [alpha, shown] of inLayers(focus, data, bars, ({ seqs }) => seqs)) {
    context.globalAlpha = alpha;
    context.fillStyle = colour;
    for (const { from_ns, to_ns } of shown) context.fillRect(x(from_ns), lane.top - BAR_PX / 2, Math.max(LINE_PX, x(to_ns) - x(from_ns)), BAR_PX);
  }
  context.strokeStyle = colour;
  context.lineCap = spacing_px < ROUND_PX ? "butt" : "round";
  for (const [alpha, shown] of inLayers(focus, data, shapes.lines, ({ seqs }) => seqs)) {
    context.globalAlpha = alpha;
    for (const [kind, dash] of Object.entries(LINE_DASHES)) {
      context.setLineDash(dash);
      const drawn = apart(pen, shown.filter((line) => line.kind === kind), NEAREST_PX, ({ from_ns }) => from_ns, ({ to_ns }) => to_ns);
      if (isCrowd) strokeThin(context, drawn.map(endsOf));
      else strokeLines(context, drawn.map(endsOf), LINE_PX);
    }
    context.setLineDash([]);
  }
  context.lineCap = "butt";
  for (const [alpha, shown] of inLayers(focus, data, shapes.marks, ({ seqs }) => seqs)) {
    context.globalAlpha = alpha;
    drawMarks(pen, lane, shown, isCrowd);
  }
  for (const [alpha, shown] of inLayers(focus, data, shapes.missed, ({ seq }) => [seq])) {
    context.globalAlpha = alpha;
    drawMissed(pen, lane, apart(pen, shown, NEAREST_MARK_PX, ({ due_ns }) => due_ns));
  }
  context.globalAlpha = 1;
}

/** Marks where something arrived at the browser: filled if it brought events, hollow if not, with their number if it brought several and there is room. */
function drawMarks(pen, lane, marks, isCrowd) {
  const { context, palette, font, x } = pen;
  const colour = palette[lane.transport];
  for (const { kind, at_ns } of apart(pen, marks, NEAREST_MARK_PX, (mark) => mark.at_ns)) {
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
  marks.forEach(({ at_ns, seqs }, index) => {
    if (seqs.length < 2) return;
    const text = `×${seqs.length}`;
    const at = x(at_ns);
    const next_px = index + 1 < marks.length ? x(marks[index + 1].at_ns) - MARK_PX : Infinity;
    if (next_px - at < MARK_PX + LABEL_GAP_PX) return; // measuring a text takes longer than drawing a mark
    const left = at + MARK_PX + LABEL_GAP_PX / 2;
    if (left + context.measureText(text).width <= next_px) context.fillText(text, left, lane.bottom - 1);
  });
}

/** Requests that wait in the browser for a free connection: a dotted line along the lane's bottom, with a label where there is room. */
function drawWaits({ context, palette, font, x, part }, lane, waits, colour) {
  if (waits.length === 0) return;
  context.strokeStyle = colour;
  context.setLineDash([LINE_PX, 2 * LINE_PX]);
  strokeLines(context, waits.map(({ from_ns, to_ns }) => [x(from_ns), lane.bottom, x(to_ns), lane.bottom]), LINE_PX);
  context.setLineDash([]);
  context.font = `15px ${font}`;
  context.textAlign = "left";
  context.textBaseline = "bottom";
  context.fillStyle = palette.ink;
  for (const { from_ns, to_ns } of waits) labelAlong(context, part, x(from_ns), x(to_ns), WAITS_LABELS, lane.bottom - LINE_PX);
}

/** Hatch the gaps in which the server cannot deliver. `zero`: the place of the run's beginning, from which the pattern is laid out, so that it moves with the run. */
function drawGaps({ context, palette, x }, lane, gaps, zero) {
  context.fillStyle = palette.hatches[lane.transport];
  for (const { answered_ns, received_ns, sent_ns, arrived_ns } of gaps) {
    context.beginPath();
    context.moveTo(x(received_ns), lane.bottom);
    context.lineTo(x(answered_ns), lane.top);
    context.lineTo(x(arrived_ns), lane.top);
    context.lineTo(x(sent_ns), lane.bottom);
    context.save(); // a pattern takes the transform at the time of filling, a path that at the time of its points
    context.translate(zero, lane.bottom);
    context.scale(1 / palette.density, 1 / palette.density);
    context.fill();
    context.restore();
  }
}

/** Events that never came: a crossed-out ring at the moment they were due. */
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

/** Find where runs begin, where their settings change and where their last events are due, from left to right, in sight or near it.
 *
 * @returns {{left: number, right: number, text: string|null}[]} `left`: the place of the line; `right`: the end of its label
 *   and of the gap after it; `text`: the label, null if there is no room for one
 */
function boundsOf({ context, font, x, part }, datas) {
  const all = datas
    .flatMap(({ run, changes }, index) => {
      const replaced_ns = datas[index + 1]?.run.t0_ns ?? Infinity;
      const changed = changes.map((at_ns) => [at_ns, "changed"]);
      return [[run.t0_ns, `run ${run.id}`], ...changed, [run.end_ns, "last event"]].filter(([at_ns]) => at_ns < replaced_ns);
    })
    .map(([at_ns, text]) => ({ left: x(at_ns), text }))
    .sort((one, other) => one.left - other.left);
  const near = all.filter(({ left }) => left > -2 * REACH_PX && left < part.width + REACH_BACK_PX);
  if (near.length > 0) context.font = `15px ${font}`; // setting a font takes longer than drawing a line
  return near.map((bound) => {
    const { left, text } = bound;
    const right = left + LABEL_GAP_PX + context.measureText(text).width;
    const isFree = right <= (all[all.indexOf(bound) + 1]?.left ?? Infinity);
    return isFree ? { left, right: right + LABEL_GAP_PX, text } : { left, right: left + LABEL_GAP_PX, text: null };
  });
}

/** Draw the bounds as dashed lines, with their labels above the ticks. */
function drawBounds({ context, palette, font }, place, bounds) {
  if (bounds.length === 0) return;
  context.font = `15px ${font}`;
  context.textAlign = "left";
  context.textBaseline = "top";
  context.strokeStyle = palette["rule-strong"];
  context.fillStyle = palette["ink-soft"];
  context.lineWidth = 2;
  context.setLineDash([8, 6]);
  for (const { left, text } of bounds) {
    strokeLine(context, left, place.truth.top, left, place.axis_y);
    if (text !== null) context.fillText(text, left + LABEL_GAP_PX, place.truth.top + 1);
  }
  context.setLineDash([]);
}

function strokeLine(context, x1, y1, x2, y2) {
  context.beginPath();
  context.moveTo(x1, y1);
  context.lineTo(x2, y2);
  context.stroke();
}

/** Stroke lines, each [x1, y1, x2, y2], one at a time: thick lines that share a path take time in proportion to the square of their number. */
function strokeLines(context, lines, width_px) {
  context.lineWidth = width_px;
  for (const ends of lines) strokeLine(context, ...ends);
}

/** Stroke thin lines as one path: a path for each would take longer than the line itself. */
function strokeThin(context, lines) {
  context.lineWidth = THIN_PX;
  context.beginPath();
  for (const [x1, y1, x2, y2] of lines) {
    context.moveTo(x1, y1);
    context.lineTo(x2, y2);
  }
  context.stroke();
}
