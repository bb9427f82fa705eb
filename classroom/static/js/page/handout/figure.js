/**
 * The lanes of a few seconds of a run as an SVG for black-and-white paper. Pure: rows in, markup out.
 *
 * Time runs to the right. Each lane has a server's rail above and a client's below; every request and answer is a line
 * between them. Nothing is told by colour: requests are thin and dashed, answers solid, an empty answer ends in a hollow
 * circle, a delivery in its lane's own solid mark, a held request is a bar on the server's rail, and the deaf gap is hatched.
 */

const WIDTH = 740;
const LEFT = 92;
const RIGHT = 8;
const TRUTH_HEIGHT = 26;
const NARROWEST_LABEL = 18;
const LANE_HEIGHT = 52;
const RAIL_INSET = 10;
const AXIS_HEIGHT = 20;
/** A request that the server kept for longer than this, beyond the way there and back, was held. */
const HELD_NS = 20_000_000;

/**
 * `run`: {lanes: [{transport, label, requests, frames}], events: [{seq, due_ns}]}. Requests are {sent_ns, arrived_ns, answered_ns, received_ns, empty},
 * any time null where it is not known (yet); frames are {written_ns, received_ns}. `window`: {startNs, lengthNs}.
 */
export function laneFigure(run, window, title) {
  const scale = makeScale(window);
  const height = TRUTH_HEIGHT + run.lanes.length * LANE_HEIGHT + AXIS_HEIGHT;
  const lanes = run.lanes.map((lane, index) => laneMarkup(lane, TRUTH_HEIGHT + index * LANE_HEIGHT, scale));
  const bottom = height - AXIS_HEIGHT;
  return `<svg class="lane-figure" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${title}" xmlns="http://www.w3.org/2000/svg" font-size="12">
    <defs>
      <pattern id="deaf" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><line x1="0" y1="0" x2="0" y2="5" stroke="#777" stroke-width="1.2"/></pattern>
      <clipPath id="lane-window"><rect x="${LEFT}" y="0" width="${WIDTH - LEFT - RIGHT}" height="${height}"/></clipPath>
    </defs>
    ${truthMarkup(run.events, scale, bottom)}
    ${lanes.join("")}
    ${axisMarkup(window, scale, bottom)}
  </svg>`;
}

function makeScale({ startNs, lengthNs }) {
  const perNs = (WIDTH - LEFT - RIGHT) / lengthNs;
  return {
    x: (ns) => Math.round((LEFT + (ns - startNs) * perNs) * 100) / 100,
    shows: (fromNs, toNs) => toNs >= startNs && fromNs <= startNs + lengthNs,
    endNs: startNs + lengthNs,
  };
}

function truthMarkup(events, scale, bottom) {
  const shown = events.filter(({ due_ns: due }) => scale.shows(due, due)).map(({ seq, due_ns: due }) => ({ seq, x: scale.x(due) }));
  const ticks = shown.map(({ x }) => `<line x1="${x}" x2="${x}" y1="${TRUTH_HEIGHT - 10}" y2="${bottom}" stroke="#999" stroke-width="1" stroke-dasharray="1 3"/>
    <path d="M${x - 4} ${TRUTH_HEIGHT - 14}h8l-4 8z"/>`);
  const labels = labelGroups(shown).map(({ x, seqs }) => {
    const text = seqs.length > 2 ? `${seqs[0]}–${seqs.at(-1)}` : seqs.join(", ");
    return `<text x="${x}" y="${TRUTH_HEIGHT - 17}" text-anchor="middle" font-size="10">${text}</text>`;
  });
  return `<text x="0" y="${TRUTH_HEIGHT - 8}" font-weight="bold">Events</text><g data-part="events">${ticks.join("")}${labels.join("")}</g>`;
}

/** Numbers that would be printed over each other are printed as one. */
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

function laneMarkup(lane, top, scale) {
  const server = top + RAIL_INSET;
  const client = top + LANE_HEIGHT - RAIL_INSET;
  const rails = [server, client].map((y) => `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y}" y2="${y}" stroke="#000" stroke-width="0.8"/>`);
  const drawn = [
    ...deafGaps(lane).map((gap) => gapMarkup(gap, server, scale)),
    ...lane.requests.map((request) => requestMarkup(request, lane.transport, server, client, scale)),
    ...lane.frames.map((frame) => frameMarkup(frame, lane.transport, server, client, scale)),
  ];
  return `<g data-transport="${lane.transport}">
    <text x="0" y="${(server + client) / 2 + 4}" font-weight="bold">${lane.label}</text>
    <text x="${LEFT - 5}" y="${server + 3}" text-anchor="end" font-size="9">server</text>
    <text x="${LEFT - 5}" y="${client + 3}" text-anchor="end" font-size="9">client</text>
    ${rails.join("")}<g clip-path="url(#lane-window)">${drawn.join("")}</g></g>`;
}

/** From each answer of a long poll until its next request is with the server: what happens then has to wait. */
function deafGaps({ transport, requests }) {
  if (transport !== "long_poll") return [];
  const gaps = [];
  for (let index = 1; index < requests.length; index += 1) {
    const from = requests[index - 1].answered_ns;
    const to = requests[index].arrived_ns;
    if (from !== null && to !== null) gaps.push({ from, to });
  }
  return gaps;
}

function gapMarkup({ from, to }, server, scale) {
  if (!scale.shows(from, to)) return "";
  return `<rect data-part="deaf" x="${scale.x(from)}" y="${server - 6}" width="${Math.max(1, scale.x(to) - scale.x(from))}" height="12" fill="url(#deaf)"/>`;
}

function requestMarkup(request, transport, server, client, scale) {
  const { sent_ns: sent, arrived_ns: arrived, answered_ns: answered, received_ns: received, empty } = request;
  if (sent === null || !scale.shows(sent, received ?? scale.endNs)) return "";
  const parts = [];
  if (arrived !== null) parts.push(line(scale.x(sent), client, scale.x(arrived), server, 'stroke-width="1" stroke-dasharray="3 2"'));
  if (arrived !== null && (answered ?? scale.endNs) - arrived > HELD_NS) {
    const until = scale.x(answered ?? scale.endNs);
    parts.push(`<rect data-part="held" x="${scale.x(arrived)}" y="${server - 3.5}" width="${until - scale.x(arrived)}" height="7" fill="#bbb" stroke="#000" stroke-width="0.8"/>`);
  }
  if (answered !== null && received !== null) {
    parts.push(line(scale.x(answered), server, scale.x(received), client, 'stroke-width="1.8"'));
    parts.push(empty
      ? `<circle data-part="empty" cx="${scale.x(received)}" cy="${client}" r="4" fill="#fff" stroke="#000" stroke-width="1.6"/>`
      : mark(transport, scale.x(received), client));
  }
  return `<g data-part="request">${parts.join("")}</g>`;
}

function frameMarkup({ written_ns: written, received_ns: received }, transport, server, client, scale) {
  if (written === null || received === null || !scale.shows(written, received)) return "";
  return `<g data-part="frame">${line(scale.x(written), server, scale.x(received), client, 'stroke-width="1.8"')}${mark(transport, scale.x(received), client)}</g>`;
}

function line(x1, y1, x2, y2, style) {
  return `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="#000" ${style}/>`;
}

/** The lanes' own marks, as on the screen and in the benchmark's charts. */
function mark(transport, x, y) {
  const shapes = {
    websocket: `<circle cx="${x}" cy="${y}" r="4.2"/>`,
    sse: `<path d="M${x} ${y - 5}l5 9h-10z"/>`,
    long_poll: `<rect x="${x - 4}" y="${y - 4}" width="8" height="8"/>`,
    short_poll: `<path d="M${x - 4} ${y - 4}l8 8m0 -8l-8 8" stroke="#000" stroke-width="2.6" fill="none"/>`,
  };
  return `<g data-part="delivery">${shapes[transport]}</g>`;
}

function axisMarkup({ startNs, lengthNs }, scale, bottom) {
  const seconds = lengthNs / 1e9;
  const labels = [];
  for (let second = 0; second <= seconds; second += 1) {
    const x = scale.x(startNs + second * 1e9);
    labels.push(`<line x1="${x}" x2="${x}" y1="${bottom}" y2="${bottom + 5}" stroke="#000"/><text x="${x}" y="${bottom + 16}" text-anchor="middle" font-size="10">${second}${second === 0 ? " s" : ""}</text>`);
  }
  return `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${bottom}" y2="${bottom}" stroke="#000"/>${labels.join("")}`;
}
