/** The signs of the transports, the same on canvases and beside names: circle, triangle, square, cross. */

import { token } from "./theme.js";

/** Corners of each sign in a box from -1 to 1; a circle has none. */
const CORNERS = {
  websocket: null,
  sse: [[0, -1.05], [1.05, 0.85], [-1.05, 0.85]],
  long_poll: [[-0.9, -0.9], [0.9, -0.9], [0.9, 0.9], [-0.9, 0.9]],
  short_poll: [
    [-0.6, -1.15], [0, -0.55], [0.6, -1.15], [1.15, -0.6], [0.55, 0], [1.15, 0.6],
    [0.6, 1.15], [0, 0.55], [-0.6, 1.15], [-1.15, 0.6], [-0.55, 0], [-1.15, -0.6],
  ],
};

/** A path of a transport's sign around a point. */
export function markPath(context, transport, x, y, radius) {
  const corners = CORNERS[transport];
  context.beginPath();
  if (corners === null) context.arc(x, y, radius, 0, 2 * Math.PI);
  else corners.forEach(([dx, dy], index) => context[index === 0 ? "moveTo" : "lineTo"](x + dx * radius, y + dy * radius));
  context.closePath();
}

/** An svg element of a transport's sign, for beside its name. */
export function markElement(transport) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "-1.3 -1.3 2.6 2.6");
  svg.setAttribute("aria-hidden", "true");
  svg.classList.add("mark");
  const corners = CORNERS[transport];
  const shape = document.createElementNS("http://www.w3.org/2000/svg", corners === null ? "circle" : "polygon");
  if (corners === null) shape.setAttribute("r", "1");
  else shape.setAttribute("points", corners.map((corner) => corner.join(",")).join(" "));
  shape.setAttribute("fill", `var(--${transport})`);
  svg.append(shape);
  return svg;
}

/** A transport's colour in the present theme. */
export const colourOf = (transport) => token(transport);
