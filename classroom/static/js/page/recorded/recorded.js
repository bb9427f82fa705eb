/**
 * The recorded run: a fallback for rooms in which the lanes cannot be reached, or where there is no time.
 *
 * `?recorded` in the address asks for it, and the page asks for it by itself (`?recorded=lanes`) where nothing comes over any lane. It is
 * labelled as recorded on every view.
 */

import { checkSnapshot } from "../../shared/run_data.js";

const PARAMETER = "recorded";
const BUNDLED = new URL("../../../recorded/run.json", import.meta.url);
/**
 * How long all lanes may stay silent while a run is on: not long where the browser says that connections fail, longer where it says nothing at all
 * (a firewall that swallows, or a machine that is slow). Polls go out at once, so that silence is never for want of events.
 */
const FAILED_NS = 8e9;
const SILENT_NS = 25e9;

/** The bundled recording where the address asks for it, null where it does not; rejects where it cannot be read. */
export async function recordingOf(location) {
  return new URLSearchParams(location.search).has(PARAMETER) ? bundledRecording() : null;
}

/** The recorded run that comes with the classroom; rejects with a sentence where it cannot be read. */
export async function bundledRecording() {
  const response = await fetch(BUNDLED);
  if (!response.ok) throw new Error(`The recorded run could not be loaded (status ${response.status}).`);
  const recording = await response.json().catch(() => null);
  checkSnapshot(recording);
  return recording;
}

/** Say on the page that it is recorded, when, and how to go live. */
export function labelAsRecorded(recording, location) {
  const label = document.createElement("p");
  label.id = "recorded-label";
  const byItself = new URLSearchParams(location.search).get(PARAMETER) === "lanes";
  const strong = document.createElement("strong");
  strong.textContent = "Recorded run";
  const live = linkTo(location.pathname + location.hash, byItself ? "Try live again" : "Go live");
  const reason = byItself ? "The lanes could not be reached from this browser. " : "";
  const { at, browser } = recording.recorded;
  label.append(strong, ` – not live. ${reason}Real traffic of ${at.slice(0, 10)} in ${browser}, played again. `, live);
  document.querySelector("header").after(label);
  document.getElementById("controls-note").textContent = "A recorded run plays: it can be frozen and replayed, but nothing can be started.";
  document.body.dataset.recorded = "true";
}

/** In the place of a view that a recorded run cannot fill: why not, and the way to the live page. */
export function liveOnlyPanel(why, address) {
  const panel = document.createElement("div");
  panel.className = "panel stack live-only";
  const title = document.createElement("h2");
  title.textContent = "Not in a recorded run";
  const text = document.createElement("p");
  text.textContent = `${why} A recorded run plays here, so there is nothing to show. `;
  text.append(linkTo(address, "Open the live page"));
  panel.append(title, text);
  return panel;
}

function linkTo(address, words) {
  const link = document.createElement("a");
  link.href = address;
  link.textContent = words;
  return link;
}

/** Turn to the recorded run where a run is on and no lane has answered at all. */
export function watchForSilence(context, location) {
  let since = null;
  let heard = false;
  let failed = false;
  context.on("run", ({ run }) => {
    const now = context.serverNow();
    if (now !== null) since ??= Math.max(now, run.t0_ns);
  });
  for (const kind of ["opened", "frame"]) context.on(kind, () => (heard = true));
  context.on("answered", ({ status }) => {
    heard ||= status > 0;
    failed ||= status === 0;
  });
  context.on("closed", () => (failed = true));
  const watch = setInterval(() => {
    const now = context.serverNow();
    if (heard) clearInterval(watch);
    else if (since !== null && now - since > (failed ? FAILED_NS : SILENT_NS) && !document.hidden) {
      clearInterval(watch);
      location.assign(`${location.pathname}?${PARAMETER}=lanes${location.hash}`);
    }
  }, 500);
}

/** Offer the last run that is over as a file to keep; says what came of it. */
export function saveLastRun(context) {
  const data = context.store.finished;
  if (data === null) return "No run is over yet: wait for the end of this one.";
  const recording = {
    ...withoutRepeatedBytes(data.snapshot()),
    recorded: {
      at: new Date().toISOString(),
      browser: browserName(navigator),
      clock_uncertainty_ms: context.clockUncertaintyMs(),
      lanes: context.lanes,
    },
  };
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify(recording)], { type: "application/json" }));
  link.download = `run-${recording.recorded.at.slice(0, 19).replaceAll(":", "")}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  return `Saved as ${link.download}.`;
}

/** Ten counts a second of which most are the same: the first of each is enough. */
function withoutRepeatedBytes(snapshot) {
  const lanes = Object.entries(snapshot.lanes).map(([transport, lane]) => {
    const isNews = (row, index) => index === 0 || row.up + row.down !== lane.bytes[index - 1].up + lane.bytes[index - 1].down;
    return [transport, { ...lane, bytes: lane.bytes.filter(isNews) }];
  });
  return { ...snapshot, lanes: Object.fromEntries(lanes) };
}

function browserName({ userAgent, userAgentData }) {
  const brand = userAgentData?.brands?.find(({ brand: name }) => !/not.*brand/i.test(name));
  if (brand) return `${brand.brand} ${brand.version}`;
  return /(Chrome|Firefox|Safari)\/[\d.]+/.exec(userAgent)?.[0].replace("/", " ") ?? "a browser";
}
