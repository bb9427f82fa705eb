/** The lanes on the page: labels beside (or, on a phone, above) each lane, and a picture that follows a timeline. */

import { LABELS, TRANSPORTS } from "../shared/transports.js";
import { readPalette } from "./canvas.js";
import { eventNear } from "./geometry.js";
import { Picture } from "./picture.js";
import { markElement } from "../shared/marks.js";

/** From a frame to the request for the next one: it is then every second frame of a screen with sixty a second. */
const PAUSE_MS = 20;
const REDUCED_PAUSE_MS = 500;
const REDUCED_MOTION = window.matchMedia("(prefers-reduced-motion: reduce)");
const NARROW_PX = 700;
const LABEL_ROW_PX = 26;
/** The pointer means an event if it is at most this far from it. */
const NEAR_PX = 24;

/** Create a picture that fills an element, in the colours of the present theme. */
export function pictureIn(element, label_px = 0) {
  return new Picture(element, readPalette(window.devicePixelRatio || 1), label_px);
}

export class LanesView {
  #element;
  /** The element that the picture fills. */
  #window = document.createElement("div");
  #labels = new Map();
  #screens = new Map();
  #view;
  #showCode;
  /** @type {Picture|null} null while the element has no size */
  #picture = null;

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
    this.#window.className = "lanes-window";
    this.#window.addEventListener("pointermove", (event) => point(this.#eventAt(event), false));
    this.#window.addEventListener("pointerleave", () => point(null, false));
    this.#window.addEventListener("click", (event) => point(this.#eventAt(event), true));
    this.#window.setAttribute("role", "img");
    this.#window.setAttribute("aria-label", "Lanes: each event, request and frame of the last seconds. The same as a table is below.");
    const rows = [null, ...TRANSPORTS];
    element.append(this.#window, ...rows.map((transport) => this.#label(transport)), ...rows.map((transport) => this.#screen(transport)));
    new ResizeObserver(() => this.#arrange()).observe(element);
    requestAnimationFrame(() => this.#frame());
  }

  /** Draw in the colours of the present theme. */
  recolour() {
    this.#arrange();
  }

  /** Set the short text under a lane's name. */
  setFigure(transport, text) {
    const figure = this.#labels.get(transport).querySelector(".lane-figure");
    if (figure.textContent !== text) figure.textContent = text;
  }

  /** Set what the reader of a lane sees, and whether something newer is under way to it; `transport` null: the newest event at the server. */
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

  #eventAt({ clientX, clientY }) {
    const view = this.#view();
    if (view === null || this.#picture === null) return null;
    const { lanes, lane_px, width } = this.#picture.place;
    const { left, top } = this.#window.getBoundingClientRect();
    const lane = lanes.find(({ row_top }) => clientY - top >= row_top && clientY - top < row_top + lane_px) ?? null;
    const perPx_ns = (view.to_ns - view.from_ns) / width;
    const at_ns = view.from_ns + (clientX - left) * perPx_ns;
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
    if (this.#window.clientWidth === 0) return;
    this.#picture = pictureIn(this.#window, narrow ? LABEL_ROW_PX : 0);
    const { truth, lanes, lane_px } = this.#picture.place;
    this.#put(null, truth.row_top, truth.bottom - truth.row_top);
    for (const lane of lanes) this.#put(lane.transport, lane.row_top, lane_px);
    this.#draw();
  }

  #put(transport, top, height) {
    for (const part of [this.#labels, this.#screens]) Object.assign(part.get(transport).style, { top: `${top}px`, height: `${height}px` });
  }

  #frame() {
    this.#draw();
    setTimeout(() => requestAnimationFrame(() => this.#frame()), REDUCED_MOTION.matches ? REDUCED_PAUSE_MS : PAUSE_MS);
  }

  #draw() {
    const view = this.#picture === null || this.#element.clientWidth === 0 ? null : this.#view();
    if (view !== null) this.#picture.draw(view);
  }
}
