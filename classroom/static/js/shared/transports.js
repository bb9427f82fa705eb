/** The four transports in the order of the lanes: their labels, their marks, and whether they poll. */

import { LANES } from "/transports.js";

const byTransport = (field) => Object.freeze(Object.fromEntries(LANES.map((lane) => [lane.transport, lane[field]])));

export const TRANSPORTS = Object.freeze(LANES.map(({ transport }) => transport));
export const LABELS = byTransport("label");
export const MARKERS = byTransport("marker");

const POLLS = byTransport("polls");
export const polls = (transport) => POLLS[transport];
