/** The transports' signs, of about 10 px around 0: told apart by their shape, whatever happens to their colour. */

export const MARK_PATHS = {
  circle: "M -5 0 A 5 5 0 1 0 5 0 A 5 5 0 1 0 -5 0 Z",
  triangle: "M 0 -5.5 L 6 5 L -6 5 Z",
  square: "M -5 -5 H 5 V 5 H -5 Z",
  cross: "M -5 -5 L 5 5 M 5 -5 L -5 5",
};

/** A sign beside a transport's name, in its colour: within an element with `data-transport`. */
export function markSvg(marker) {
  return `<svg class="mark class-mark" viewBox="-8 -8 16 16" aria-hidden="true"><path d="${MARK_PATHS[marker]}"/></svg>`;
}
