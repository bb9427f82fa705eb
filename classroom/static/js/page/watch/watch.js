/** The view that is watched: controls, lanes that follow a timeline, numbers, and the tables behind them. */

import { setUpControls } from "./controls.js";
import { LanesView } from "../../lanes/view.js";
import { TRANSPORTS } from "../../shared/transports.js";
import { laneNumbers } from "../../shared/numbers.js";
import { NumbersView } from "./numbers_view.js";
import { showTables } from "./tables_view.js";
import { SPEEDS, Timeline } from "./timeline.js";

const NUMBERS_PERIOD_MS = 400;
const STEP_SHARE = 0.1;
const PHONE_SPAN_S = "5";
/** Slower replays look closer: seconds on screen at a speed of 1 stay, others show less. */
const SPAN_SHARE = { [SPEEDS[0]]: 1, [SPEEDS[1]]: 1 / 4, [SPEEDS[2]]: 1 / 10 };
const SPEED_NAMES = { [SPEEDS[0]]: "1×", [SPEEDS[1]]: "1/5", [SPEEDS[2]]: "1/20" };

/** @param {HTMLElement} section @param {import("../main.js").Context} context */
export function mount(section, context) {
  const part = (id) => section.querySelector(`#${id}`);
  const timeline = new Timeline();
  const numbers = new NumbersView(part("numbers"));
  const lanes = new LanesView(part("lanes"), visibleSpan);
  const controls = setUpControls(part("controls"), context);
  if (window.matchMedia("(max-width: 700px)").matches) part("span-select").value = PHONE_SPAN_S;

  for (const speed of SPEEDS) part("replay-buttons").append(replayButton(speed));
  part("freeze-button").addEventListener("click", freezeOrGoOn);
  if (context.recorded) part("live-button").textContent = "Now";
  part("live-button").addEventListener("click", goLive);
  context.on("started", goLive);
  part("span-select").addEventListener("change", () => part("span-select").blur());
  context.on("freeze", ({ view }) => view === "watch" && freezeOrGoOn());
  context.on("step", ({ view, direction }) => view === "watch" && step(direction));
  context.on("theme", () => {
    lanes.recolour();
    numbers.recolour();
  });
  context.on("hello", () => {
    part("lane-ports").textContent = context.lanes.map(({ label, port }) => `${label} ${port}`).join(", ");
  });
  for (const event of ["ended", "auto"]) context.on(event, () => showNumbers());
  part("tables").addEventListener("toggle", () => showNumbers());
  setInterval(() => context.view() === "watch" && !document.hidden && showNumbers(), NUMBERS_PERIOD_MS);

  function goLive() {
    timeline.goLive();
    showNumbers();
  }

  /** The run whose numbers are shown: the one held or replayed, or the one that is on. */
  function shownData() {
    return timeline.data ?? context.store.current;
  }

  /** The run that is in the picture: one that has only been announced is not. */
  function seenData() {
    const { previous, current } = context.store;
    const view = visibleSpan();
    return previous !== null && (view === null || view.to_ns < current.run.t0_ns) ? previous : current;
  }

  /** Whether another run comes after this one by itself. */
  function follows(data) {
    return context.auto && data !== context.store.lost;
  }

  function spanNs() {
    const share = timeline.isReplay ? SPAN_SHARE[timeline.speed] : 1;
    return Number(part("span-select").value) * share * 1e9;
  }

  function visibleSpan() {
    const now_ns = context.serverNow();
    if (now_ns === null) return null;
    const { current: newest } = context.store;
    const to_ns = timeline.shownNs(now_ns, newest, newest !== null && newest.ended && !follows(newest));
    const { previous, current, hiddenSince } = context.store;
    const datas = timeline.data === null ? [previous, current].filter(Boolean) : [timeline.data];
    return { datas, from_ns: to_ns - spanNs(), to_ns, hiddenSince };
  }

  function freezeOrGoOn() {
    const now_ns = context.serverNow();
    if (now_ns === null) return;
    if (timeline.mode === "frozen") timeline.resume(now_ns);
    else timeline.freeze(seenData());
    context.announce(timeline.mode === "frozen" ? "Frozen" : "Going on");
    showNumbers();
  }

  function step(direction) {
    const view = visibleSpan();
    if (view === null || timeline.mode === "live") return;
    timeline.moveTo(view.to_ns + direction * STEP_SHARE * (view.to_ns - view.from_ns), context.serverNow());
    showNumbers();
  }

  function replayButton(speed) {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", className: "button", textContent: SPEED_NAMES[speed] });
    button.dataset.speed = String(speed);
    button.setAttribute("aria-pressed", "false");
    button.addEventListener("click", () => {
      const data = timeline.data ?? seenData();
      const now_ns = context.serverNow();
      if (data === null || now_ns === null) return;
      timeline.replay(data, speed, now_ns);
      context.announce(`Replay at ${SPEED_NAMES[speed]}`);
      showNumbers();
    });
    return button;
  }

  function showNumbers() {
    const data = shownData();
    const view = visibleSpan();
    const until_ns = timeline.mode === "live" || view === null ? Infinity : view.to_ns;
    controls.showRun(timeline.mode === "live" ? null : data?.run ?? null);
    numbers.update(data, until_ns);
    showFigures(data, until_ns);
    showTimeline(data, view);
    showClock(data);
    if (part("tables").open) showTables(part("tables-body"), data, until_ns);
  }

  function showFigures(data, until_ns) {
    for (const transport of TRANSPORTS) {
      const found = data === null ? null : laneNumbers(data, transport, until_ns);
      lanes.setFigure(transport, found === null ? "" : figureOf(found));
    }
    const published = data === null ? 0 : [...data.published.values()].filter(({ published_ns }) => published_ns <= until_ns).length;
    lanes.setFigure(null, String(published));
  }

  function showTimeline(data, view) {
    const { mode } = timeline;
    part("lanes-status").dataset.mode = mode;
    part("lanes-status").textContent = statusOf(data, view);
    part("freeze-button").setAttribute("aria-pressed", String(mode === "frozen"));
    part("freeze-button").firstChild.textContent = mode === "frozen" ? "Go on " : "Freeze ";
    part("live-button").setAttribute("aria-pressed", String(mode === "live"));
    for (const button of part("replay-buttons").children) {
      button.setAttribute("aria-pressed", String(timeline.isReplay && Number(button.dataset.speed) === timeline.speed));
    }
  }

  function statusOf(data, view) {
    if (data === null || view === null) return "Waiting for the first run";
    const { id, t0_ns } = data.run;
    const at_s = Math.max(0, (view.to_ns - t0_ns) / 1e9);
    if (timeline.mode === "replay") return `Replay of run ${id} at ${SPEED_NAMES[timeline.speed]}: ${at_s.toFixed(1)} s`;
    if (timeline.mode === "frozen") return `Frozen in run ${id} at ${at_s.toFixed(1)} s`;
    if (data === context.store.lost) return `Run ${id} broke off: this page has lost the server`;
    if (data.ended) return `Run ${id} is over${data.cut_ns === null ? "" : ": it was stopped"}${follows(data) ? "; the next follows" : ""}`;
    const { duration_s } = data.settings;
    return at_s > duration_s ? `Run ${id}: the last events arrive` : `${context.recorded ? "Recorded" : "Live"}, run ${id}: ${Math.floor(at_s)} of ${duration_s} s`;
  }

  function showClock(data) {
    const now_ms = context.clockUncertaintyMs();
    if (now_ms === null) return;
    part("clock-sentence").textContent = `At the moment that is ${plusMinus(now_ms)}.`;
    const hidden = data !== null && data.hidden.length > 0 ? " Spans in which this tab was hidden are not in the latencies." : "";
    const late = data !== null && data.counts_from_ns > data.run.t0_ns ? " This page came into the run; latencies count from then on." : "";
    const clock = plusMinus(data?.uncertainty_ms ?? now_ms);
    part("numbers-note").textContent = `Latency is staleness: received here minus due at the server. Clocks agree to ${clock}.${hidden}${late}`;
  }
}

/** A lane's numbers in a few words; where events were missed the median says of how many it is. */
function figureOf({ p50_ms, requests, delivered, missed }) {
  if (p50_ms === null) return "";
  const median = `median ${Math.round(p50_ms)} ms`;
  return missed === 0 ? `${median} · ${requests} requests` : `${median}, of the ${delivered} that came; ${missed} never did`;
}

function plusMinus(ms) {
  return `±${ms < 0.095 ? ms.toFixed(2) : ms.toFixed(1)} ms`;
}
