/** The transports' marks (circle, triangle, square, cross) for canvases, SVG and beside names. */

import { token } from "./theme.js";
import { MARKERS } from "./transports.js";

/** Corners of each mark, about 1 from its centre; a circle has none. */
const CORNERS = {
  circle: null,
  triangle: [[0, -1.05], [1.05, 0.85], [-1.05, 0.85]],
  square: [[-0.9, -0.9], [0.9, -0.9], [0.9, 0.9], [-0.9, 0.9]],
  cross: [
    [-0.6, -1.15], [0, -0.55], [0.6, -1.15], [1.15, -0.6], [0.55, 0], [1.15, 0.6],
    [0.6, 1.15], [0, 0.55], [-0.6, 1.15], [-1.15, 0.6], [-0.55, 0], [-1.15, -0.6],
  ],
};

/** Add a transport's mark around a point to the canvas's current path. */
export function addMark(context, transport, x, y, radius) {
  const corners = CORNERS[MARKERS[transport]];
  if (corners === null) {
    context.moveTo(x + radius, y);
    context.arc(x, y, radius, 0, 2 * Math.PI);
  } else corners.forEach(([dx, dy], index) => context[index === 0 ? "moveTo" : "lineTo"](x + dx * radius, y + dy * radius));
  context.closePath();
}

/** Return a transport's mark around (0, 0) as the data of an SVG path. */
export function markOutline(transport, radius) {
  const corners = CORNERS[MARKERS[transport]];
  if (corners === null) return `M ${-radius} 0 A ${radius} ${radius} 0 1 0 ${radius} 0 A ${radius} ${radius} 0 1 0 ${-radius} 0 Z`;
  return `M ${corners.map(([dx, dy]) => `${dx * radius} ${dy * radius}`).join(" L ")} Z`;
}

/** Build an <svg> with a transport's mark, to stand beside its name. */
export function markElement(transport) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "-1.3 -1.3 2.6 2.6");
  svg.setAttribute("aria-hidden", "true");
  svg.classList.add("mark");
  const shape = document.createElementNS("http://www.w3.org/2000/svg", "path");
  shape.setAttribute("d", markOutline(transport, 1));
  shape.setAttribute("fill", `var(--${transport})`);
  svg.append(shape);
  return svg;
}

/** Return a transport's colour in the current theme. */
export const colourOf = (transport) => token(transport);
