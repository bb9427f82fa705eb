/** Outlines of the transports' signs for SVG charts, of about 10 px around 0, by a lane's `marker`. */
export const MARK_PATHS = {
  circle: "M -5 0 A 5 5 0 1 0 5 0 A 5 5 0 1 0 -5 0 Z",
  triangle: "M 0 -5.5 L 6 5 L -6 5 Z",
  square: "M -5 -5 H 5 V 5 H -5 Z",
  cross: "M -5 -5 L 5 5 M 5 -5 L -5 5",
};
