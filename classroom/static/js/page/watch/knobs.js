/** Sliders that change the run in progress from its next event or poll on, beside a curve of what the model expects of each setting. */

import uPlot from "../../../vendor/uplot/uPlot.esm.js";
import { colourOf } from "../../shared/marks.js";
import { LABELS, TRANSPORTS } from "../../shared/transports.js";
import { token } from "../../shared/theme.js";

const SEND_AFTER_MS = 150;
const CURVE_HEIGHT_PX = 190;
const RATES = { from: 0.2, to: 50, steps: 100 };

const round = (value) => Number(value.toPrecision(2));

/** The sliders. Each counts in steps of its own: `of` turns a step into the setting, `at` the setting into a step. */
export const KNOBS = Object.freeze({
  rate_per_s: {
    label: "Events a second", over: "the rate of events", unit: "", max: RATES.steps, step: 1, isLog: true,
    of: (step) => round(RATES.from * (RATES.to / RATES.from) ** (step / RATES.steps)),
    at: (rate) => (RATES.steps * Math.log(rate / RATES.from)) / Math.log(RATES.to / RATES.from),
  },
  poll_interval_s: { label: "A short poll asks every", over: "the interval of the short poll in s", unit: "s", min: 0.1, max: 5, step: 0.1, of: Number, at: Number },
  one_way_delay_ms: { label: "Network, each way", over: "the network’s delay in ms", unit: "ms", max: 200, step: 2, of: Number, at: Number },
});

/** @param {HTMLElement} place @param {import("../main.js").Context} context */
export function setUpKnobs(place, context) {
  const part = (id) => place.querySelector(`#${id}`);
  const sliders = Object.fromEntries(Object.entries(KNOBS).map(([name, knob]) => [name, addSlider(part("knob-sliders"), name, knob)]));
  let turned = "one_way_delay_ms";
  /** The slider that somebody is dragging, which is not moved by what others change meanwhile. */
  let held = null;
  let waiting = {};
  let timer = null;
  let curve = null;

  for (const [name, { slider }] of Object.entries(sliders)) {
    slider.addEventListener("input", () => turn(name));
    slider.addEventListener("pointerdown", () => (held = name));
    for (const ending of ["pointerup", "pointercancel", "blur"]) slider.addEventListener(ending, letGo);
  }
  context.on("hello", () => {
    for (const { slider } of Object.values(sliders)) slider.disabled = !context.teacher;
    showError("");
  });
  context.on("settings", () => {
    showError("");
    show();
    drawCurve();
  });
  context.on("theme", () => drawCurve());
  new ResizeObserver(() => drawCurve()).observe(part("knobs-curve"));

  function turn(name) {
    turned = name;
    waiting[name] = KNOBS[name].of(sliders[name].slider.valueAsNumber);
    showValue(name, waiting[name]);
    timer ??= setTimeout(send, SEND_AFTER_MS);
  }

  async function send() {
    const settings = waiting;
    waiting = {};
    let problem = "";
    try {
      await (isOn() ? context.changeRun(settings) : context.startRun({ ...context.settings(), ...settings }));
    } catch (error) {
      problem = error.message;
    }
    timer = Object.keys(waiting).length > 0 ? setTimeout(send, SEND_AFTER_MS) : null;
    if (problem !== "") show(); // the settings as they still are
    showError(problem);
  }

  function letGo() {
    held = null;
    show();
  }

  function showError(text) {
    part("knobs-error").textContent = text;
    part("knobs-error").hidden = text === "";
  }

  function isOn() {
    const { current } = context.store;
    return current !== null && !current.ended && context.serverNow() < current.run.end_ns;
  }

  /** Move the sliders to the present settings, except for one that somebody is dragging. */
  function show() {
    if (timer !== null) return;
    const settings = context.settings();
    for (const [name, { slider }] of Object.entries(sliders)) {
      if (name === held) continue;
      slider.value = String(KNOBS[name].at(settings[name]));
      showValue(name, settings[name]);
    }
  }

  function showValue(name, value) {
    const text = `${value} ${KNOBS[name].unit}`.trim();
    sliders[name].output.textContent = text;
    sliders[name].slider.setAttribute("aria-valuetext", text);
  }

  async function drawCurve() {
    const { seed: _luck, duration_s: _length, payload_bytes: _size, ...settings } = context.settings();
    const width = part("knobs-curve").clientWidth;
    if (width === 0 || context.recorded) return;
    const found = await context.request(`/api/model/curve?${new URLSearchParams({ ...settings, knob: turned })}`).catch(() => null);
    if (found === null) return;
    curve?.destroy();
    curve = new uPlot(curveOptions(turned, settings[turned], width, context.lanes), [found.at, ...TRANSPORTS.map((transport) => found.mean_ms[transport])], part("knobs-curve"));
    const now = found.now_ms;
    const ages = TRANSPORTS.map((transport) => `${LABELS[transport]} ${now[transport] === null ? "–" : `${Math.round(now[transport])} ms`}`);
    part("knobs-caption").textContent = `Mean age by the model, over ${KNOBS[turned].over}. Here: ${ages.join(" · ")}`;
  }

  return { draw: drawCurve };
}

function addSlider(place, name, { label, min = 0, max, step }) {
  const field = document.createElement("div");
  field.className = "knob";
  const title = document.createElement("label");
  Object.assign(title, { htmlFor: `knob-${name}`, textContent: label });
  const output = document.createElement("output");
  output.htmlFor = `knob-${name}`;
  const slider = document.createElement("input");
  Object.assign(slider, { id: `knob-${name}`, type: "range", min, max, step, disabled: true });
  field.append(title, output, slider);
  place.append(field);
  return { slider, output };
}

function curveOptions(knob, present, width, lanes) {
  const [ink, rule] = [token("ink"), token("rule")];
  const axis = { stroke: ink, grid: { stroke: rule, width: 1 }, ticks: { stroke: rule }, font: "15px system-ui" };
  const line = (transport) => ({ label: LABELS[transport], stroke: colourOf(transport), width: 3, dash: lanes.find((lane) => lane.transport === transport)?.dash.map((length) => 2 * length), points: { show: false } });
  return {
    width,
    height: CURVE_HEIGHT_PX,
    legend: { show: false },
    cursor: { show: false },
    scales: { x: { time: false, distr: KNOBS[knob].isLog ? 3 : 1 }, y: { distr: 3 } },
    axes: [{ ...axis, size: 32 }, { ...axis, size: 84, values: (_, splits) => splits.map((ms) => (ms === null ? "" : `${ms} ms`)) }],
    series: [{}, ...TRANSPORTS.map(line)],
    hooks: { draw: [(plot) => markPresent(plot, present, ink)] },
  };
}

/** Draw a line at the present setting. */
function markPresent({ ctx, bbox, valToPos }, present, ink) {
  const x = Math.round(valToPos(present, "x", true));
  if (x < bbox.left || x > bbox.left + bbox.width) return;
  ctx.save();
  ctx.strokeStyle = ink;
  ctx.lineWidth = 2;
  ctx.setLineDash([6, 4]);
  ctx.beginPath();
  ctx.moveTo(x, bbox.top);
  ctx.lineTo(x, bbox.top + bbox.height);
  ctx.stroke();
  ctx.restore();
}
