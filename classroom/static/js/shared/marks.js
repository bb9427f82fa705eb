/** The signs of the transports, the same on canvases, in charts and beside names: circle, triangle, square, cross. */

import { token } from "./theme.js";
import { MARKERS } from "./transports.js";

/** Corners of each sign in a box from -1 to 1; a circle has none. */
const CORNERS = {
  circle: null,
  triangle: [[0, -1.05], [1.05, 0.85], [-1.05, 0.85]],
  square: [[-0.9, -0.9], [0.9, -0.9], [0.9, 0.9], [-0.9, 0.9]],
  cross: [
    [-0.6, -1.15], [0, -0.55], [0.6, -1.15], [1.15, -0.6], [0.55, 0], [1.15, 0.6],
    [0.6, 1.15], [0, 0.55], [-0.6, 1.15], [-1.15, 0.6], [-0.55, 0], [-1.15, -0.6],
  ],
};

/** Add a transport's sign around a point to the present path. */
export function addMark(context, transport, x, y, radius) {
  const corners = CORNERS[MARKERS[transport]];
  if (corners === null) {
    context.moveTo(x + radius, y);
    context.arc(x, y, radius, 0, 2 * Math.PI);
  } else corners.forEach(([dx, dy], index) => context[index === 0 ? "moveTo" : "lineTo"](x + dx * radius, y + dy * radius));
  context.closePath();
}

/** A transport's sign around 0, as the data of an SVG path. */
export function markOutline(transport, radius) {
  const corners = CORNERS[MARKERS[transport]];
  if (corners === null) return `M ${-radius} 0 A ${radius} ${radius} 0 1 0 ${radius} 0 A ${radius} ${radius} 0 1 0 ${-radius} 0 Z`;
  return `M ${corners.map(([dx, dy]) => `${dx * radius} ${dy * radius}`).join(" L ")} Z`;
}

/** An svg element of a transport's sign, for beside its name. */
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

/** A transport's colour in the present theme. */
export const colourOf = (transport) => token(transport);
