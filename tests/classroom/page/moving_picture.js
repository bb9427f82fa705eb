/** Runs as a page hears of them, with all that can go wrong, and their picture as it moves on, beside the same drawn as a whole. */

import { drawLanes, readPalette } from "/static/js/lanes/canvas.js";
import { Picture } from "/static/js/lanes/picture.js";
import { RunData } from "/static/js/shared/run_data.js";
import { TRANSPORTS } from "/static/js/shared/transports.js";

const COLOURS = {
  panel: "#ffffff", "panel-sunk": "#eceff3", ink: "#15202b", "ink-soft": "#4a5866", rule: "#c9d0d8", "rule-strong": "#8794a1",
  bad: "#b3261e", "warn-soft": "#fdf0d3", websocket: "#0072b2", sse: "#009e73", long_poll: "#e69f00", short_poll: "#d55e00",
};
const LAG_NS = 300e6;
const TICK_NS = 100e6;
/** Of 256 steps of a colour: so far the smoothed edge of a shape may be from all that is beside it in a picture whose left edge is elsewhere. */
const SMOOTHED = 120;

function randomFrom(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** What the page is told, [known_ns, act], in the order in which it hears of it; it is open from `opened_ns` on. */
function messagesOf(run, opened_ns, random) {
  const { rate_per_s, poll_interval_s, one_way_delay_ms } = run.settings;
  const transit_ns = one_way_delay_ms * 1e6;
  const [told, said, ticks, rows] = [[], [], [], []];
  const tell = (known_ns, act) => told.push([known_ns, act]);
  const late_ns = () => (random() < 0.02 ? 900e6 : 5e6) * random();
  const events = [];
  for (let due_ns = run.t0_ns; due_ns < run.end_ns; due_ns += (-Math.log(1 - random()) / rate_per_s) * 1e9) events.push({ seq: events.length + 1, due_ns, published_ns: due_ns + 2e5 });
  const say = (transport, kind, at_ns, rest) => said.push([at_ns, (data) => data.addTraffic({ kind, transport, run: run.id, at_ns, ...rest })]);
  const request = (transport, n, sent_ns, answeredAt) => {
    say(transport, "sent", sent_ns, { n });
    const arrived_ns = sent_ns + transit_ns + (random() < 0.01 ? 3e9 : 1e6);
    const [answered_ns, brought] = answeredAt(arrived_ns);
    const received_ns = answered_ns + transit_ns + 3e6 * random();
    const status = transport === "websocket" ? 101 : brought.length === 0 && transport !== "sse" ? 204 : 200;
    rows.push({ at_ns: arrived_ns, transport, row: [n, arrived_ns, null, null, []] });
    rows.push({ at_ns: answered_ns, transport, row: [n, arrived_ns, answered_ns, status, brought.map(({ seq }) => seq)] });
    say(transport, "answered", received_ns, { n, status, events: brought });
    return received_ns;
  };
  const from_ns = Math.max(run.t0_ns, opened_ns);
  const seen = events.filter(({ published_ns }) => published_ns < from_ns).length;
  const isLost = () => random() < 0.03;
  for (const transport of ["websocket", "sse"]) {
    request(transport, 1, from_ns, (arrived_ns) => [arrived_ns, []]);
    for (const { seq, due_ns, published_ns } of events.slice(seen)) {
      if (isLost()) continue;
      rows.push({ at_ns: published_ns, transport, written: [seq, published_ns] });
      say(transport, "frame", published_ns + transit_ns + (random() < 0.03 ? 700e6 : 4e6 * random()), { seq, due_ns });
    }
  }
  for (const transport of ["long_poll", "short_poll"]) {
    let [cursor, n, at_ns] = [seen, 0, from_ns];
    while (at_ns < run.end_ns) {
      n += 1;
      const received_ns = request(transport, n, at_ns, (arrived_ns) => {
        const next = events[cursor]?.published_ns ?? Infinity;
        const answered_ns = transport === "short_poll" ? arrived_ns : Math.max(arrived_ns, Math.min(next, arrived_ns + 3e9));
        const brought = events.slice(cursor).filter(({ published_ns }) => published_ns <= answered_ns);
        cursor += brought.length;
        return [answered_ns, brought.filter(() => !isLost())];
      });
      at_ns = transport === "short_poll" ? Math.max(received_ns, at_ns + poll_interval_s * 1e9) : received_ns + 1e6;
    }
  }
  for (let now_ns = from_ns + TICK_NS; now_ns < run.end_ns + run.drain_ns; now_ns += TICK_NS) {
    const isNew = (at_ns) => at_ns > now_ns - TICK_NS && at_ns <= now_ns;
    const news = rows.filter((each) => isNew(each.at_ns));
    const lanes = Object.fromEntries(TRANSPORTS.map((transport) => {
      const mine = news.filter((each) => each.transport === transport);
      return [transport, { requests: mine.flatMap(({ row }) => (row ? [row] : [])), written: mine.flatMap(({ written }) => (written ? [written] : [])), up_bytes: 0, down_bytes: 0, payload_bytes: 0 }];
    }));
    const published = events.filter(({ published_ns }) => isNew(published_ns)).map(({ seq, due_ns, published_ns }) => [seq, due_ns, published_ns, 90]);
    ticks.push([now_ns, (data) => data.addTick({ now_ns, published, lanes })]);
  }
  // What this browser did is told in its order, and so is what the server did; each may be late.
  for (const source of [said, ticks]) {
    let known_ns = -Infinity;
    for (const [at_ns, act] of source.sort(([one], [other]) => one - other)) {
      known_ns = Math.max(known_ns, at_ns + late_ns());
      tell(known_ns, act);
    }
  }
  const at = (share) => run.t0_ns + share * (run.end_ns - run.t0_ns);
  tell(at(0.4), (data) => data.addHidden(run.t0_ns + 1e9, run.t0_ns + 1.6e9));
  tell(at(0.7), (data) => data.change({ ...run, settings: { ...run.settings, poll_interval_s: 2 * poll_interval_s }, changed_ns: at(0.7) }));
  tell(run.end_ns + run.drain_ns, (data) => data.end());
  return told.sort(([one], [other]) => one - other);
}

/** An element for a picture, without the page's styles. */
function windowOf(width, height) {
  const element = document.createElement("div");
  Object.assign(element.style, { position: "absolute", width: `${width}px`, height: `${height}px` });
  document.body.append(element);
  return element;
}

/** The pixels of a picture as its tiles lie in its window. */
function pixelsOf(element, density) {
  const whole = new OffscreenCanvas(element.clientWidth * density, element.clientHeight * density);
  const context = whole.getContext("2d", { willReadFrequently: true });
  const moved_px = new DOMMatrix(element.firstChild.style.transform).e;
  for (const tile of element.querySelectorAll("canvas:not([hidden])")) {
    context.drawImage(tile, Math.round((parseFloat(tile.style.left || "0") + moved_px) * density), 0);
  }
  return context.getImageData(0, 0, whole.width, whole.height);
}

/** How many colours of two pictures differ by more than `most` steps from all that is beside them in the other one, and the
 * place of the first; where `most` is null, how many differ at all.
 */
function differenceOf(one, other, most) {
  const [a, b] = [one.data, other.data];
  const row = 4 * one.width;
  const around = [-row - 4, -row, -row + 4, -4, 0, 4, row - 4, row, row + 4];
  const outside = (at, from, to) => {
    const near = around.map((step) => to[at + step]).filter((value) => value !== undefined);
    return Math.max(from[at] - Math.max(...near), Math.min(...near) - from[at]);
  };
  const found = { pixels: 0, x: null, y: null };
  for (let at = 0; at < a.length; at += 1) {
    if (a[at] === b[at] || (most !== null && Math.max(outside(at, a, b), outside(at, b, a)) <= most)) continue;
    if (found.pixels === 0) Object.assign(found, { x: (at >> 2) % one.width, y: Math.floor((at >> 2) / one.width) });
    found.pixels += 1;
  }
  return found;
}

/** The pixels of a view that is drawn on one canvas, without tiles. */
function pixelsAsOne(place, { from_ns, to_ns, ...view }, palette, font) {
  const canvas = new OffscreenCanvas(place.width * palette.density, place.height * palette.density);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.scale(palette.density, palette.density);
  const perPx_ns = Math.round(to_ns - from_ns) / canvas.width;
  const first_px = Math.floor(from_ns / perPx_ns);
  drawLanes(context, place, { ...view, from_ns: first_px * perPx_ns, to_ns: (first_px + canvas.width) * perPx_ns }, palette, font);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}

/** Two runs, the second of which this page enters late, as they become known. */
function twoRuns(settings, random) {
  const lasts_ns = settings.duration_s * 1e9;
  const runs = [1, 2].map((id) => {
    const t0_ns = 5e14 + (id - 1) * (lasts_ns + 3e9);
    return { id, t0_ns, end_ns: t0_ns + lasts_ns, drain_ns: 1e9, settings };
  });
  const datas = runs.map((run) => new RunData(run));
  const opened_ns = [runs[0].t0_ns - 1e9, runs[1].t0_ns + 2e9];
  const messages = runs.flatMap((run, index) => [
    [opened_ns[index], (data) => data.addTick({ now_ns: opened_ns[index], published: [], lanes: {} })],
    ...messagesOf(run, opened_ns[index], random),
  ].map(([known_ns, act]) => [known_ns, () => act(datas[index])]));
  return { runs, datas, messages: messages.sort(([one], [other]) => one - other) };
}

/** What a teacher does now and then, one frame each: how a view is another one than that of the time going on. */
const TURNS = {
  live: (view) => view,
  "held a while ago": (view) => ({ ...view, from_ns: view.from_ns - 0.4e9, to_ns: view.to_ns - 0.4e9 }),
  "an event stands out": (view) => {
    const data = view.datas.at(-1);
    const event = data.publishedRows.findLast(({ published_ns }) => published_ns < view.to_ns);
    return event === undefined ? view : { ...view, focus: { data, seq: event.seq } };
  },
  hidden: (view) => ({ ...view, hiddenSince: view.to_ns - 0.3e9 }),
  closer: (view) => ({ ...view, from_ns: view.to_ns - (view.to_ns - view.from_ns) / 4 }),
  "the first run alone": (view) => ({ ...view, datas: view.datas.slice(0, 1) }),
};

/** Draw the picture of two runs frame by frame, and at some of them as a whole too.
 *
 * @returns {{frames: {frame: number, turn: string, pixels: number, x: number, y: number}[], seams: object[], drawn_ratio: number}}
 *   `frames`: how the picture differs from one that is drawn anew; `seams`: from one without tiles;
 *   `drawn_ratio`: of what would be drawn if nothing were moved
 */
export function moveOn({ settings, span_s, seed, density, turns = Object.keys(TURNS) }) {
  for (const [name, colour] of Object.entries(COLOURS)) document.documentElement.style.setProperty(`--${name}`, colour);
  const random = randomFrom(seed);
  const { runs, datas, messages } = twoRuns(settings, random);
  const [moved, whole] = [windowOf(600, 330), windowOf(600, 330)];
  const palette = readPalette(density);
  const picture = new Picture(moved, palette);
  const { fillRect } = CanvasRenderingContext2D.prototype;
  let [drawn_px, frames, heard] = [0, 0, 0];
  CanvasRenderingContext2D.prototype.fillRect = function (x, y, width, height) {
    if (moved.contains(this.canvas) && y === 0 && height > 330) drawn_px += width; // the ground of a tile
    fillRect.call(this, x, y, width, height);
  };
  const found = { frames: [], seams: [] };
  for (let now_ns = runs[0].t0_ns; now_ns < runs[1].end_ns + 3e9; now_ns += 30e6 + 20e6 * random()) {
    for (; heard < messages.length && messages[heard][0] <= now_ns; heard += 1) messages[heard][1]();
    const known = datas.filter((data) => data.run.t0_ns <= now_ns);
    const data = known.at(-1);
    const to_ns = Math.min(now_ns - LAG_NS - settings.one_way_delay_ms * 1e6, data.ended ? data.over_ns : Infinity);
    frames += 1;
    const turn = frames % 10 < 2 ? turns[Math.floor(frames / 10) % turns.length] : "live";
    const view = TURNS[turn]({ datas: known, from_ns: to_ns - span_s * 1e9, to_ns, hiddenSince: null });
    picture.draw(view);
    if (turn === "live" && frames % 13 !== 0) continue;
    new Picture(whole, palette).draw(view);
    const pixels = pixelsOf(moved, density);
    found.frames.push({ frame: frames, turn, ...differenceOf(pixels, pixelsOf(whole, density), null) });
    found.seams.push({ frame: frames, turn, ...differenceOf(pixels, pixelsAsOne(picture.place, view, palette, getComputedStyle(moved).fontFamily), SMOOTHED) });
  }
  CanvasRenderingContext2D.prototype.fillRect = fillRect;
  for (const element of [moved, whole]) element.remove();
  return { ...found, drawn_ratio: drawn_px / (frames * 600) };
}
