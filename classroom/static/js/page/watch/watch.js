/** The view *Watch*: the controls of a run, its lanes, its numbers, and the tables of both. */

import { setUpCodePanel } from "./code_panel.js";
import { setUpControls } from "./controls.js";
import { LanesView } from "../../lanes/view.js";
import { ageText, hasArrived, laneNumbers, missedSeqs } from "../../shared/numbers.js";
import { isFollowed, runStatus } from "../../shared/run_status.js";
import { LABELS, TRANSPORTS } from "../../shared/transports.js";
import { eventOfUrl } from "../url_state.js";
import { setUpKnobs } from "./knobs.js";
import { NumbersView } from "./numbers_view.js";
import { showTables } from "./tables_view.js";
import { newestSeq, SCREENS, screenText } from "./screens.js";
import { SPEEDS, Timeline } from "../../lanes/timeline.js";

const NUMBERS_PERIOD_MS = 400;
/** Far less than a short poll is behind, so that its delay is seen. */
const SCREENS_PERIOD_MS = 100;
/** The share of the picture that stays free beside an event that is brought into sight. */
const MARGIN_SHARE = 0.08;
const PHONE_SPAN_S = "5";
/** A slower replay shows a shorter span, so that its picture moves at a speed that can be seen. */
const SPAN_SHARE = { [SPEEDS[0]]: 1, [SPEEDS[1]]: 1 / 4, [SPEEDS[2]]: 1 / 10 };
const SPEED_NAMES = { [SPEEDS[0]]: "1×", [SPEEDS[1]]: "1/5", [SPEEDS[2]]: "1/20" };

/** Set up the view. @param {HTMLElement} section @param {import("../main.js").Context} context */
export function mount(section, context) {
  const part = (id) => section.querySelector(`#${id}`);
  const timeline = new Timeline();
  const numbers = new NumbersView(part("numbers"));
  const lanes = new LanesView(part("lanes"), visibleSpan, pointAt, setUpCodePanel(part("program"), context).toggle);
  /** The event that is followed and the one under the pointer, each {data, seq}; null: none. */
  let followed = null;
  let pointed = null;
  /** What each lane's reader sees, by transport. */
  const screens = new Map();
  let asked = context.recorded ? null : eventOfUrl(window.location);
  const controls = setUpControls(part("controls"), context);
  if (window.matchMedia("(max-width: 700px)").matches) part("span-select").value = PHONE_SPAN_S;

  for (const speed of SPEEDS) part("replay-buttons").append(replayButton(speed));
  part("freeze-button").addEventListener("click", freezeOrGoOn);
  if (context.recorded) part("live-button").textContent = "Now";
  part("live-button").addEventListener("click", goLive);
  context.on("started", goLive);
  const knobs = setUpKnobs(part("knobs"), context);
  part("knobs-button").addEventListener("click", () => {
    const isShown = part("knobs").hidden;
    part("knobs").hidden = !isShown;
    part("knobs-button").setAttribute("aria-expanded", String(isShown));
    knobs.draw();
  });
  part("screens-select").append(...Object.entries(SCREENS).map(([kind, label]) => new Option(label, kind)));
  part("screens-select").addEventListener("change", () => {
    part("screens-select").blur();
    showScreens();
  });
  part("span-select").addEventListener("change", () => part("span-select").blur());
  context.on("hold", () => timeline.mode !== "frozen" && freezeOrGoOn());
  context.on("knobs", () => part("knobs").hidden && part("knobs-button").click());
  context.on("freeze", ({ view }) => view === "watch" && freezeOrGoOn());
  context.on("step", ({ view, direction }) => view === "watch" && step(direction));
  context.on("escape", ({ view }) => view === "watch" && follow(null));
  part("scrubber").addEventListener("input", () => scrub(Number(part("scrubber").value)));
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
    follow(null);
  }

  function pointAt(found, isChosen) {
    pointed = found;
    if (isChosen) follow(found);
    else showEvent();
  }

  /** Freeze the picture and let an event stand out in all lanes; null: let none stand out. */
  function follow(found) {
    followed = found;
    if (found !== null && timeline.mode !== "frozen") timeline.freeze(found.data);
    if (found !== null) bringIntoView(found);
    context.nameEvent(found?.seq ?? null);
    showNumbers();
  }

  /** Move the frozen picture so that it shows an event from when it was due to its last arrival, as far as there is room. */
  function bringIntoView({ data, seq }) {
    const view = visibleSpan();
    const { due_ns } = data.published.get(seq);
    const last_ns = Math.max(due_ns, ...TRANSPORTS.map((transport) => data.lanes[transport].deliveries.get(seq)?.received_ns ?? due_ns));
    const margin_ns = MARGIN_SHARE * (view.to_ns - view.from_ns);
    if (due_ns - margin_ns < view.from_ns) timeline.moveTo(due_ns - margin_ns + (view.to_ns - view.from_ns), context.serverNow());
    else if (last_ns + margin_ns > view.to_ns) timeline.moveTo(last_ns + margin_ns, context.serverNow());
  }

  /** Follow the event that the page's address names, once it has arrived in all lanes or the run has ended. */
  function followAsked(data) {
    if (asked === null || data === null) return;
    const isHere = TRANSPORTS.every((transport) => hasArrived(data.lanes[transport].deliveries.get(asked), Infinity));
    if (!data.published.has(asked) || !(isHere || data.ended)) return;
    const seq = asked;
    asked = null;
    follow({ data, seq });
  }

  function scrub(at_s) {
    const data = timeline.data ?? seenData();
    const now_ns = context.serverNow();
    if (data === null || now_ns === null) return;
    timeline.freeze(data);
    timeline.moveTo(data.run.t0_ns + at_s * 1e9, now_ns);
    showNumbers();
  }

  setInterval(() => context.view() === "watch" && !document.hidden && showScreens(), SCREENS_PERIOD_MS);

  /** The run whose numbers are shown: the frozen or replayed one, or else the present one. */
  function shownData() {
    return timeline.data ?? context.store.current;
  }

  /** The run at the right edge of the picture, which is the previous one until the present one begins there. */
  function seenData() {
    const { previous, current } = context.store;
    const view = visibleSpan();
    return previous !== null && (view === null || view.to_ns < current.run.t0_ns) ? previous : current;
  }

  function spanNs() {
    const share = timeline.isReplay ? SPAN_SHARE[timeline.speed] : 1;
    return Number(part("span-select").value) * share * 1e9;
  }

  function visibleSpan() {
    const now_ns = context.serverNow();
    if (now_ns === null) return null;
    const { current: newest } = context.store;
    const to_ns = timeline.shownNs(now_ns, newest, newest !== null && newest.ended && !isFollowed(newest, context));
    const { previous, current, hiddenSince } = context.store;
    const datas = timeline.data === null ? [previous, current].filter(Boolean) : [timeline.data];
    return { datas, from_ns: to_ns - spanNs(), to_ns, hiddenSince, focus: pointed ?? followed };
  }

  function freezeOrGoOn() {
    const now_ns = context.serverNow();
    if (now_ns === null) return;
    if (timeline.mode === "frozen") timeline.resume(now_ns);
    else if (seenData() !== null) timeline.freeze(seenData());
    context.announce(timeline.mode === "frozen" ? "Frozen" : "Going on");
    if (timeline.mode === "frozen") showNumbers();
    else follow(null);
  }

  /** Follow the next or the previous event in a frozen picture; at first the last one in it. */
  function step(direction) {
    const view = visibleSpan();
    if (view === null || timeline.mode === "live") return;
    const { data } = timeline;
    const seqs = [...data.published.values()].filter(({ published_ns }) => published_ns <= view.to_ns || followed !== null).map(({ seq }) => seq);
    if (seqs.length === 0) return;
    const at = followed === null ? -1 : seqs.indexOf(followed.seq);
    const next = at === -1 ? seqs.length - 1 : Math.max(0, Math.min(at + direction, seqs.length - 1));
    follow({ data, seq: seqs[next] });
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
    followAsked(context.store.current);
    const data = shownData();
    const view = visibleSpan();
    const until_ns = timeline.mode === "live" || view === null ? Infinity : view.to_ns;
    controls.showRun(timeline.mode === "live" ? null : data?.run ?? null);
    const found = data === null ? null : Object.fromEntries(TRANSPORTS.map((transport) => [transport, laneNumbers(data, transport, until_ns)]));
    numbers.update(data, found, until_ns);
    showFigures(data, found, until_ns);
    showTimeline(data, view);
    showScrubber(data, view);
    showEvent();
    showClock(data, found);
    if (part("tables").open) showTables(part("tables-body"), data, until_ns);
  }

  function showFigures(data, found, until_ns) {
    for (const transport of TRANSPORTS) {
      const waits = data !== null && timeline.mode === "live" && data.isWaiting(transport);
      lanes.setFigure(transport, found === null ? "" : waits ? "waiting for a free connection" : figureOf(found[transport]));
    }
    const published = data === null ? 0 : data.publishedRows.filter(({ published_ns }) => published_ns <= until_ns).length;
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

  /** Show what the reader of each lane sees at the moment at the right edge of the picture. */
  function showScreens() {
    const view = visibleSpan();
    const data = timeline.data ?? seenData();
    if (data === null || view === null) return;
    const kind = part("screens-select").value;
    const published = newestSeq(data, null, view.to_ns);
    for (const transport of [null, ...TRANSPORTS]) {
      const seq = transport === null ? published : newestSeq(data, transport, view.to_ns);
      const showing = [kind, data.run.id, seq, seq < published].join();
      if (screens.get(transport) === showing) continue; // computing a price takes time: it is the sum of all steps so far
      screens.set(transport, showing);
      lanes.setScreen(transport, screenText(kind, seq, data.run.seed), seq < published);
    }
  }

  function showScrubber(data, view) {
    const scrubber = part("scrubber");
    scrubber.disabled = data === null || view === null;
    if (scrubber.disabled) return;
    scrubber.max = String(Math.ceil((data.over_ns - data.run.t0_ns) / 1e9));
    const at_s = Math.max(0, (view.to_ns - data.run.t0_ns) / 1e9);
    scrubber.value = String(at_s);
    scrubber.setAttribute("aria-valuetext", `${at_s.toFixed(1)} seconds`);
  }

  /** Say in a sentence when the event that stands out arrived in each lane. */
  function showEvent() {
    const found = pointed ?? followed;
    const text = found === null ? "" : eventSentence(found.data, found.seq);
    // A screen reader would read the sentence again for each event that the pointer passes.
    part("event-sentence").setAttribute("aria-live", pointed === null ? "polite" : "off");
    if (part("event-sentence").textContent !== text) part("event-sentence").textContent = text;
  }

  function statusOf(data, view) {
    if (data === null || view === null || timeline.mode === "live") return runStatus(data, view?.to_ns ?? null, context);
    const { id, t0_ns } = data.run;
    const at_s = Math.max(0, (view.to_ns - t0_ns) / 1e9);
    if (timeline.mode === "replay") return `Replay of run ${id} at ${SPEED_NAMES[timeline.speed]}: ${at_s.toFixed(1)} s`;
    return `Frozen in run ${id} at ${at_s.toFixed(1)} s`;
  }

  function showClock(data, found) {
    const now_ms = context.clockUncertaintyMs();
    if (now_ms === null) return;
    part("clock-sentence").textContent = `At the moment that is ${plusMinus(now_ms)}.`;
    const hidden = data !== null && data.hidden.length > 0 ? " Ages from spans in which this tab was hidden are left out." : "";
    const changed = data !== null && data.changes.length > 0 ? ` Since the settings were changed at ${((data.figures_from_ns - data.run.t0_ns) / 1e9).toFixed(1)} s.` : "";
    const late = data !== null && data.counts_from_ns > data.run.t0_ns ? " This page came into the run: ages and requests per event count from then on." : "";
    const clock = plusMinus(data?.uncertainty_ms ?? now_ms);
    part("numbers-note").textContent = `Age is how old an event is when it arrives here (its latency). Clocks agree to ${clock}.${changed}${hidden}${late}${data === null ? "" : missedSentence(found) + waitingSentence(data)}`;
  }
}

/** Say how old an event was when it arrived in each lane. */
function eventSentence(data, seq) {
  const { due_ns } = data.published.get(seq);
  const missed = (transport) => missedSeqs(data, transport).includes(seq);
  let isTimed = true;
  const ages = TRANSPORTS.map((transport) => {
    const delivery = data.lanes[transport].deliveries.get(seq);
    isTimed &&= !delivery || !data.isExcluded(due_ns, delivery.received_ns ?? Infinity);
    const age = hasArrived(delivery, Infinity) ? ageText(delivery.received_ns - due_ns) : missed(transport) ? "never" : "on its way";
    return `${LABELS[transport]} ${age}`;
  });
  return `Event ${seq}, due at ${((due_ns - data.run.t0_ns) / 1e9).toFixed(1)}\u00a0s, was here after: ${ages.join(" · ")}${isTimed ? "" : " (not timed: this page was hidden or not yet open)"}`;
}

/** A lane's numbers in a few words; if events were missed, they say of how many events the median is. */
function figureOf({ p50_ms, requests, delivered, missed }) {
  const asked = `${requests} ${requests === 1 ? "request" : "requests"}`;
  if (p50_ms === null) return requests === 0 ? "" : asked;
  const median = `median ${Math.round(p50_ms)} ms`;
  if (missed === 0) return `${median}\n${asked}`;
  return `${median} of ${delivered},\n${missed} never came`;
}

/** Say for lanes that missed events that their medians, which are of the others only, look better than they are. */
function missedSentence(found) {
  return Object.entries(found)
    .filter(([, { missed, p50_ms }]) => missed > 0 && p50_ms !== null)
    .map(([transport, { p50_ms, delivered, missed }]) => ` ${LABELS[transport]}: median ${Math.round(p50_ms)} ms, of the ${delivered} that came; ${missed} never did.`)
    .join("");
}

/** Name the lanes that are empty because their request waits for a free connection. */
function waitingSentence(data) {
  const waiting = TRANSPORTS.filter((transport) => data.isWaiting(transport)).map((transport) => LABELS[transport]);
  if (waiting.length === 0) return "";
  return ` ${waiting.join(", ")}: waiting for a free connection; this browser opens six per server, and other tabs have them.`;
}

function plusMinus(ms) {
  return `±${ms < 0.095 ? ms.toFixed(2) : ms.toFixed(1)} ms`;
}
