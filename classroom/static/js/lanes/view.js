/** The lanes on the page: labels beside (or, on a phone, above) each lane, and a canvas that follows a timeline. */

import { LABELS, TRANSPORTS } from "../shared/transports.js";
import { drawLanes, layout, readPalette } from "./canvas.js";
import { eventNear } from "./geometry.js";
import { markElement } from "../shared/marks.js";

const FRAME_MS = 33;
const REDUCED_FRAME_MS = 500;
const REDUCED_MOTION = window.matchMedia("(prefers-reduced-motion: reduce)");
const NARROW_PX = 700;
const LABEL_ROW_PX = 26;
/** So near to an event the pointer means it. */
const NEAR_PX = 24;

/** A function that draws a run as it was between two moments, on a canvas of its own. */
export function painterOf(canvas) {
  const { context, width, height } = prepare(canvas);
  const [place, palette, font] = [layout(width, height), readPalette(), fontOf(canvas)];
  return (data, from_ns, to_ns) => drawLanes(context, place, { datas: [data], from_ns, to_ns, hiddenSince: null }, palette, font);
}

export class LanesView {
  #element;
  #canvas = document.createElement("canvas");
  #labels = new Map();
  #screens = new Map();
  #view;
  #showCode;
  #palette = readPalette();
  #place = null;
  #lastDrawn_ms = -Infinity;
  #font = "";

  /**
   * @param {HTMLElement} element
   * @param {() => {datas: object[], from_ns: number, to_ns: number, hiddenSince: number|null}|null} view what to show now
   * @param {(found: {data: object, seq: number}|null, chosen: boolean) => void} point called with the event under the pointer
   *   as it moves, null where there is none, and with `chosen` when it is clicked
   * @param {((transport: string) => void)|null} showCode called where the code of a lane is asked for
   */
  constructor(element, view, point, showCode = null) {
    this.#element = element;
    this.#view = view;
    this.#showCode = showCode;
    this.#canvas.addEventListener("pointermove", (event) => point(this.#eventAt(event), false));
    this.#canvas.addEventListener("pointerleave", () => point(null, false));
    this.#canvas.addEventListener("click", (event) => point(this.#eventAt(event), true));
    this.#canvas.setAttribute("role", "img");
    this.#canvas.setAttribute("aria-label", "Lanes: each event, request and frame of the last seconds. The same as a table is below.");
    const rows = [null, ...TRANSPORTS];
    element.append(this.#canvas, ...rows.map((transport) => this.#label(transport)), ...rows.map((transport) => this.#screen(transport)));
    new ResizeObserver(() => this.#arrange()).observe(element);
    this.#font = fontOf(element);
    this.#arrange();
    requestAnimationFrame((at_ms) => this.#frame(at_ms));
  }

  /** The theme has changed. */
  recolour() {
    this.#palette = readPalette();
  }

  /** A short text under a lane's name. */
  setFigure(transport, text) {
    const figure = this.#labels.get(transport).querySelector(".lane-figure");
    if (figure.textContent !== text) figure.textContent = text;
  }

  /** What the reader of a lane sees (null: what there is to see), and whether something newer is under way to it. */
  setScreen(transport, text, isBehind) {
    const screen = this.#screens.get(transport);
    if (screen.firstChild.textContent !== text) screen.firstChild.textContent = text;
    screen.dataset.behind = String(isBehind);
  }

  #screen(transport) {
    const screen = document.createElement("div");
    screen.className = "lane-screen";
    if (transport !== null) screen.dataset.transport = transport;
    screen.append(document.createElement("span"));
    this.#screens.set(transport, screen);
    return screen;
  }

  #eventAt({ offsetX, offsetY }) {
    const view = this.#view();
    if (view === null || this.#place === null) return null;
    const { lanes, lane_px, width } = this.#place;
    const lane = lanes.find(({ row_top }) => offsetY >= row_top && offsetY < row_top + lane_px) ?? null;
    const perPx_ns = (view.to_ns - view.from_ns) / width;
    const at_ns = view.from_ns + offsetX * perPx_ns;
    for (const data of view.datas.toReversed()) {
      const seq = eventNear(data, lane?.transport ?? null, at_ns, NEAR_PX * perPx_ns);
      if (seq !== null) return { data, seq };
    }
    return null;
  }

  #label(transport) {
    const label = document.createElement("div");
    label.className = transport === null ? "lane-label lane-truth" : "lane-label lane";
    const name = document.createElement("span");
    name.className = "lane-name";
    if (transport === null) name.textContent = "Events";
    else {
      label.dataset.transport = transport;
      name.append(markElement(transport), LABELS[transport], ...(this.#showCode ? [this.#codeButton(transport)] : []));
    }
    const figure = document.createElement("span");
    figure.className = "lane-figure";
    label.append(name, figure);
    this.#labels.set(transport, label);
    return label;
  }

  #codeButton(transport) {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", className: "lane-code", textContent: "Code" });
    button.setAttribute("aria-label", `Show the code of ${LABELS[transport]}`);
    button.addEventListener("click", () => this.#showCode(transport));
    return button;
  }

  #arrange() {
    const narrow = this.#element.clientWidth < NARROW_PX;
    this.#element.dataset.narrow = String(narrow);
    const { width, height } = prepare(this.#canvas);
    if (width === 0) return;
    this.#place = layout(width, height, TRANSPORTS, narrow ? LABEL_ROW_PX : 0);
    const { truth, lanes, lane_px } = this.#place;
    this.#put(null, truth.row_top, truth.bottom - truth.row_top);
    for (const lane of lanes) this.#put(lane.transport, lane.row_top, lane_px);
    this.#lastDrawn_ms = -Infinity;
  }

  #put(transport, top, height) {
    for (const part of [this.#labels, this.#screens]) Object.assign(part.get(transport).style, { top: `${top}px`, height: `${height}px` });
  }

  #frame(at_ms) {
    requestAnimationFrame((next_ms) => this.#frame(next_ms));
    if (at_ms - this.#lastDrawn_ms < (REDUCED_MOTION.matches ? REDUCED_FRAME_MS : FRAME_MS) || this.#element.clientWidth === 0) return;
    const view = this.#view();
    if (view === null || this.#place === null) return;
    this.#lastDrawn_ms = at_ms;
    const context = this.#canvas.getContext("2d");
    drawLanes(context, this.#place, view, this.#palette, this.#font);
  }
}

/** Fit the canvas' pixels to its place and the screen. */
function prepare(canvas) {
  const { clientWidth: width, clientHeight: height } = canvas;
  const density = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * density);
  canvas.height = Math.round(height * density);
  const context = canvas.getContext("2d");
  context.setTransform(density, 0, 0, density, 0, 0);
  return { context, width, height };
}

function fontOf(element) {
  return getComputedStyle(element).fontFamily;
}
