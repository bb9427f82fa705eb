import { markOutline } from "../shared/marks.js";
import { logScale } from "./class_geometry.js";

const SPAN_NS = 20e9;
const RANGE_MS = [10, 10_000];
const GUIDES = [[10, "10 ms"], [100, "100 ms"], [1000, "1 s"], [10_000, "10 s"]];
const PAD = 12;
const FOOT = 22;
const MARK_RADIUS = 5;
const LABEL_WIDTH = 68;
const SVG = "http://www.w3.org/2000/svg";

/** Draw the newest deliveries as marks in an <svg>: time of arrival to the right, age (logarithmic) upwards. */
export function drawStrip(svg, recent, transport, nowNs) {
  const { width, height } = svg.getBoundingClientRect();
  if (width === 0) return;
  const up = logScale(RANGE_MS, height - PAD - FOOT);
  const yOf = (ms) => height - FOOT - up(ms);
  const drawn = [];
  for (const [ms, label] of GUIDES) {
    drawn.push(make("line", { class: "guide", x1: LABEL_WIDTH, x2: width, y1: yOf(ms), y2: yOf(ms) }));
    drawn.push(words(label, LABEL_WIDTH - 8, yOf(ms) + 5, "end"));
  }
  drawn.push(words("20 s ago", LABEL_WIDTH, height - 3, "start"), words("now", width, height - 3, "end"));
  for (const { at_ns: atNs, ms } of nowNs === null ? [] : recent) {
    const age = (nowNs - atNs) / SPAN_NS;
    if (age > 1) continue;
    const x = LABEL_WIDTH + PAD + (width - LABEL_WIDTH - 2 * PAD) * (1 - Math.max(0, age));
    drawn.push(make("path", { class: "event", d: markOutline(transport, MARK_RADIUS), transform: `translate(${x.toFixed(1)} ${yOf(ms).toFixed(1)})` }));
  }
  svg.replaceChildren(...drawn);
}

function words(text, x, y, anchor) {
  const element = make("text", { x, y, "text-anchor": anchor });
  element.textContent = text;
  return element;
}

function make(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}
