/** A picture of the lanes that moves with time: a strip of tiles (canvases) behind a window. To move the picture the strip is
 * moved; a tile is drawn only when it comes into the window, and again when something in it may have changed.
 *
 * A tile is always drawn as a whole and in its own coordinates, so its pixels do not depend on what was shown before.
 */

import { drawLanes, layout, REACH_BACK_PX } from "./canvas.js";
import { otherMissedNs } from "./geometry.js";
import { TRANSPORTS } from "../shared/transports.js";

const TILE_PX = 128;
/** After the strip has moved this far it is laid out anew, because browsers do not place elements exactly that are far away. */
const FAR_PX = 100_000;

export class Picture {
  /** Where everything is (`layout` in canvas.js). */
  place;
  #element;
  #strip = document.createElement("div");
  #palette;
  #font;
  /** Width of a tile in device pixels. */
  #tile_px;
  /** The canvases, and the number of the tile that each shows, counted from moment 0; null: none. @type {{context: CanvasRenderingContext2D, number: number|null}[]} */
  #tiles;
  /** What the tiles show: the view, how long a device pixel is, the number of the pixel at the left edge (counted from moment 0),
   * and what drawLanes returned; null: nothing yet. */
  #drawn = null;
  /** The number of the tile at the left end of the strip. */
  #origin = 0;

  /** Create a picture that fills an element; `label_px` is kept free above each lane. */
  constructor(element, palette, label_px = 0) {
    const { clientWidth: width, clientHeight: height } = element;
    this.#element = element;
    this.#palette = palette;
    this.#font = getComputedStyle(element).fontFamily;
    this.place = layout(width, height, TRANSPORTS, label_px);
    this.#tile_px = Math.round(TILE_PX * palette.density);
    this.#strip.className = "lanes-strip";
    const count = Math.ceil((width * palette.density) / this.#tile_px) + 1;
    this.#tiles = Array.from({ length: count }, () => ({ context: this.#tileContext(height), number: null }));
    this.#strip.append(...this.#tiles.map(({ context }) => context.canvas));
    element.replaceChildren(this.#strip);
  }

  #tileContext(height) {
    const { density } = this.#palette;
    const canvas = document.createElement("canvas");
    canvas.width = this.#tile_px;
    canvas.height = Math.ceil(height * density);
    canvas.style.width = `${canvas.width / density}px`;
    canvas.style.height = `${canvas.height / density}px`;
    const context = canvas.getContext("2d", { alpha: false });
    context.setTransform(density, 0, 0, density, 0, 0);
    return context;
  }

  /** Show a view (as drawLanes takes it), and draw only the tiles that need it. */
  draw(wanted) {
    const width_px = this.place.width * this.#palette.density;
    const perPx_ns = Math.round(wanted.to_ns - wanted.from_ns) / width_px;
    const first_px = Math.floor(wanted.from_ns / perPx_ns);
    const view = { ...wanted, from_ns: first_px * perPx_ns, to_ns: (first_px + width_px) * perPx_ns };
    const changed_ns = Math.min(...view.datas.map((data) => data.changedSince(this.#element)));
    const before = this.#drawn;
    const isLike = before !== null && before.perPx_ns === perPx_ns && showSame(before.view, view);
    if (isLike && before.first_px === first_px && changed_ns === Infinity) return;
    let stale_px = -Infinity;
    // An event that stands out changes every tile, and so does a span in which the page is hidden, which grows.
    if (isLike && view.to_ns >= before.view.to_ns && !view.focus && view.hiddenSince === null) {
      const stale_ns = Math.min(changed_ns, before.open_ns, before.view.to_ns, ...missedSince(before.view, view));
      stale_px = Math.floor(stale_ns / perPx_ns) - Math.ceil(REACH_BACK_PX * this.#palette.density);
    }
    this.#place(first_px, stale_px === -Infinity);
    const open_ns = this.#drawTiles(view, perPx_ns, first_px, stale_px) ?? before.open_ns;
    this.#drawn = { view, perPx_ns, first_px, open_ns };
  }

  /** Move the strip so that pixel `first_px` is at the window's left edge; `isAnew`: all tiles are to be drawn again. */
  #place(first_px, isAnew) {
    const number = Math.floor(first_px / this.#tile_px);
    const isFar = Math.abs(number - this.#origin) * TILE_PX > FAR_PX;
    if (isFar) this.#origin = number;
    if (isFar || isAnew) for (const tile of this.#tiles) tile.number = null;
    this.#strip.style.transform = `translateX(${(this.#origin * this.#tile_px - first_px) / this.#palette.density}px)`;
  }

  /** Draw the tiles in the window that are new in it or that extend beyond pixel `stale_px`, and return the earliest of what
   * drawLanes returned; null if no tile was drawn. */
  #drawTiles(view, perPx_ns, first_px, stale_px) {
    const { density } = this.#palette;
    const last_px = first_px + this.place.width * density;
    let open_ns = null;
    for (let number = Math.floor(first_px / this.#tile_px); number * this.#tile_px < last_px; number += 1) {
      const tile = this.#tiles.at(number % this.#tiles.length);
      const isNew = tile.number !== number;
      if (!isNew && (number + 1) * this.#tile_px <= stale_px) continue;
      if (isNew) {
        tile.number = number;
        tile.context.canvas.style.left = `${((number - this.#origin) * this.#tile_px) / density}px`;
      }
      const part = { from_ns: number * this.#tile_px * perPx_ns, width: this.#tile_px / density };
      open_ns = Math.min(open_ns ?? Infinity, drawLanes(tile.context, this.place, view, this.#palette, this.#font, part));
    }
    for (const { context: { canvas }, number } of this.#tiles) if (canvas.hidden !== (number === null)) canvas.hidden = number === null;
    return open_ns;
  }
}

/** Whether two views show the same runs with the same event standing out, so that they differ in time at most. */
function showSame(one, other) {
  const isFocus = one.focus?.data === other.focus?.data && one.focus?.seq === other.focus?.seq;
  const areRuns = one.datas.length === other.datas.length && one.datas.every((data, index) => data === other.datas[index]);
  return isFocus && areRuns && one.hiddenSince === other.hiddenSince;
}

/** In each lane, when the first event was due that is missed in only one of two views. */
function missedSince(before, view) {
  return view.datas.flatMap((data) => TRANSPORTS.map((transport) => otherMissedNs(data, transport, before.to_ns, view.to_ns)));
}
