/**
 * The hand-out's figure: the lanes during a few seconds of a run, as an SVG for black-and-white paper, and what can be counted in it. Pure.
 *
 * It has the shapes of the screen's picture (lanes/geometry.js). Nothing depends on colour: requests are thin and dashed, answers solid, an empty
 * answer ends in a hollow circle, a delivery in its lane's mark, a held request is a bar on the server's edge, and the deaf gap is hatched.
 */

import { laneShapes, truthTicks } from "../../lanes/geometry.js";
import { markOutline } from "../../shared/marks.js";

const WIDTH = 740;
const LEFT = 92;
const RIGHT = 8;
const TRUTH_HEIGHT = 26;
const NARROWEST_LABEL = 18;
const LANE_HEIGHT = 52;
const RAIL_INSET = 10;
const AXIS_HEIGHT = 20;
const MARK_RADIUS = 4.6;
const WINDOW_STEP_NS = 250_000_000;
const WANTED_EVENTS = 4;
/** Events due after this share of the window may arrive beyond its end. */
const SEEN_ARRIVING_RATIO = 0.9;
/** On paper, a request that the server kept for longer than this is shown as held. */
const HELD_NS = 20e6;
const LINE_STYLES = {
  request: 'stroke-width="1" stroke-dasharray="3 2"',
  answer: 'stroke-width="1.8"',
  empty: 'stroke-width="1.8"',
  frame: 'stroke-width="1.8"',
};

/**
 * Draw the lanes within a window of a run.
 *
 * @param {import("../../shared/run_data.js").RunData} data
 * @param {{transport: string, label: string}[]} lanes
 * @param {{startNs: number, lengthNs: number}} window
 * @param {string} title for screen readers
 * @returns {string} an <svg>
 */
export function laneFigure(data, lanes, window, title) {
  const scale = makeScale(window);
  const height = TRUTH_HEIGHT + lanes.length * LANE_HEIGHT + AXIS_HEIGHT;
  const bottom = height - AXIS_HEIGHT;
  const drawn = lanes.map((lane, index) => laneMarkup(lane, laneShapes(data, lane.transport, scale.startNs, scale.endNs), TRUTH_HEIGHT + index * LANE_HEIGHT, scale));
  return `<svg class="lane-figure" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${title}" xmlns="http://www.w3.org/2000/svg" font-size="12">
    <defs>
      <pattern id="deaf" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><line x1="0" y1="0" x2="0" y2="5" stroke="#777" stroke-width="1.2"/></pattern>
      <clipPath id="lane-window"><rect x="${LEFT}" y="0" width="${WIDTH - LEFT - RIGHT}" height="${height}"/></clipPath>
    </defs>
    ${truthMarkup(truthTicks(data, scale.startNs, scale.endNs), scale, bottom)}
    ${drawn.join("")}
    ${axisMarkup(window, scale, bottom)}
  </svg>`;
}

function makeScale({ startNs, lengthNs }) {
  const perNs = (WIDTH - LEFT - RIGHT) / lengthNs;
  return { startNs, endNs: startNs + lengthNs, x: (ns) => Math.round((LEFT + (ns - startNs) * perNs) * 100) / 100 };
}

function truthMarkup(ticks, scale, bottom) {
  const shown = ticks.map(({ seq, published_ns: at }) => ({ seq, x: scale.x(at) }));
  const drawn = shown.map(({ x }) => `<line x1="${x}" x2="${x}" y1="${TRUTH_HEIGHT - 10}" y2="${bottom}" stroke="#999" stroke-width="1" stroke-dasharray="1 3"/>
    <path d="M${x - 4} ${TRUTH_HEIGHT - 14}h8l-4 8z"/>`);
  const labels = labelGroups(shown).map(({ x, seqs }) => {
    const text = seqs.length > 2 ? `${seqs[0]}–${seqs.at(-1)}` : seqs.join(", ");
    return `<text x="${x}" y="${TRUTH_HEIGHT - 17}" text-anchor="middle" font-size="10">${text}</text>`;
  });
  return `<text x="0" y="${TRUTH_HEIGHT - 8}" font-weight="bold">Events</text><g data-part="events">${drawn.join("")}${labels.join("")}</g>`;
}

/** Group events whose labels would overlap, so that they share one label. */
function labelGroups(shown) {
  const groups = [];
  let lastX = -Infinity;
  for (const { seq, x } of shown) {
    if (x - lastX < NARROWEST_LABEL) groups.at(-1).seqs.push(seq);
    else groups.push({ x, seqs: [seq] });
    lastX = x;
  }
  return groups;
}

function laneMarkup({ transport, label }, shapes, top, { x }) {
  const server = top + RAIL_INSET;
  const client = top + LANE_HEIGHT - RAIL_INSET;
  const rails = [server, client].map((y) => line(LEFT, y, WIDTH - RIGHT, y, 'stroke-width="0.8"'));
  const drawn = [
    ...shapes.gaps.map((gap) => `<path data-part="deaf" fill="url(#deaf)" d="M${x(gap.answered_ns)} ${server}L${x(gap.received_ns)} ${client}H${x(gap.sent_ns)}L${x(gap.arrived_ns)} ${server}Z"/>`),
    ...shapes.bars.filter(({ from_ns, to_ns }) => to_ns - from_ns > HELD_NS)
      .map(({ from_ns, to_ns }) => `<rect data-part="held" x="${x(from_ns)}" y="${server - 3.5}" width="${x(to_ns) - x(from_ns)}" height="7" fill="#bbb" stroke="#000" stroke-width="0.8"/>`),
    ...shapes.lines.map(({ kind, up, from_ns, to_ns }) => line(x(from_ns), up ? client : server, x(to_ns), up ? server : client, `${LINE_STYLES[kind]} data-part="${kind}"`)),
    ...shapes.marks.map(({ kind, at_ns }) => (kind === "empty"
      ? `<circle data-part="empty-answer" cx="${x(at_ns)}" cy="${client}" r="4" fill="#fff" stroke="#000" stroke-width="1.6"/>`
      : `<path data-part="delivery" d="${markOutline(transport, MARK_RADIUS)}" transform="translate(${x(at_ns)} ${client})"/>`)),
    ...shapes.missed.map(({ due_ns }) => `<path data-part="missed" d="M${x(due_ns) - 4} ${server + 4}l8 -8" stroke="#000" stroke-width="1.6"/><circle cx="${x(due_ns)}" cy="${server}" r="4" fill="none" stroke="#000" stroke-width="1.6"/>`),
  ];
  return `<g data-transport="${transport}">
    <text x="0" y="${(server + client) / 2 + 4}" font-weight="bold">${label}</text>
    <text x="${LEFT - 5}" y="${server + 3}" text-anchor="end" font-size="9">server</text>
    <text x="${LEFT - 5}" y="${client + 3}" text-anchor="end" font-size="9">client</text>
    ${rails.join("")}<g clip-path="url(#lane-window)">${drawn.join("")}</g></g>`;
}

function line(x1, y1, x2, y2, style) {
  return `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="#000" ${style}/>`;
}

function axisMarkup({ startNs, lengthNs }, { x }, bottom) {
  const labels = [];
  for (let second = 0; second <= lengthNs / 1e9; second += 1) {
    const at = x(startNs + second * 1e9);
    labels.push(`${line(at, bottom, at, bottom + 5, "")}<text x="${at}" y="${bottom + 16}" text-anchor="middle" font-size="10">${second}${second === 0 ? " s" : ""}</text>`);
  }
  return line(LEFT, bottom, WIDTH - RIGHT, bottom, "") + labels.join("");
}

/**
 * Return the start of the earliest window of `lengthNs` within [fromNs, toNs] in which about four events are due: enough to compare the lanes, few
 * enough to tell apart. `dueNs`: the times at which events are due, ascending.
 */
export function chooseWindow(dueNs, fromNs, toNs, lengthNs) {
  let best = { startNs: fromNs, distance: Infinity };
  for (let startNs = fromNs; startNs === fromNs || startNs + lengthNs <= toNs; startNs += WINDOW_STEP_NS) {
    const events = dueNs.filter((due) => startNs <= due && due < startNs + lengthNs);
    const cut = events.filter((due) => due > startNs + lengthNs * SEEN_ARRIVING_RATIO);
    const distance = Math.abs(events.length - WANTED_EVENTS) + cut.length;
    if (distance < best.distance) best = { startNs, distance };
  }
  return best.startNs;
}

/** Return the length of the window: 2.5 poll intervals, so that it contains two whole polls, within 3 to 12 s. */
export function windowSeconds({ poll_interval_s: interval, rate_per_s: rate }) {
  return Math.min(12, Math.max(3, 2.5 * interval, Math.min(6, WANTED_EVENTS / rate)));
}

/**
 * Count what the figure shows, for the answers of the hand-out. Takes the arguments of laneFigure.
 *
 * @returns {{empty: number, slowest: {seq: number, label: string, latency_ms: number}|null, longest_held: {label: string, held_ms: number}|null}}
 *   `empty` answers, the `slowest` delivery and the request that the server held longest, all within the window
 */
export function figureFacts(data, lanes, { startNs, lengthNs }) {
  const endNs = startNs + lengthNs;
  const within = (ns) => ns !== null && startNs <= ns && ns < endNs;
  const shapes = lanes.map(({ transport, label }) => ({ label, ...laneShapes(data, transport, startNs, endNs) }));
  const deliveries = lanes.flatMap(({ transport, label }) => data.lanes[transport].deliveryRows
    .filter(({ due_ns: due, received_ns: at }) => within(due) && within(at))
    .map(({ seq, due_ns: due, received_ns: at }) => ({ seq, label, latency_ms: (at - due) / 1e6 })));
  // Of a request that was held across an edge of the window, only the visible part counts.
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
