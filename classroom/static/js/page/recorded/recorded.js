/**
 * The recorded run, a fallback for networks in which the lanes cannot be reached.
 *
 * It plays at a URL with `?recorded`. The page goes there by itself (`?recorded=lanes`) if no lane answers. Every view says that it is recorded.
 */

import { checkSnapshot } from "../../shared/run_data.js";

const PARAMETER = "recorded";
const BUNDLED = new URL("../../../recorded/run.json", import.meta.url);
/**
 * How long all lanes may stay silent during a run: a short time if the browser reports failed connections, a longer one otherwise (a firewall that
 * drops packets, or a slow machine). Polls are sent at the start of a run, so some lane answers even before the first event.
 */
const FAILED_NS = 8e9;
const SILENT_NS = 25e9;

/** Load the bundled recording if the URL asks for it; resolves with null otherwise, and rejects if it cannot be read. */
export async function recordingOf(location) {
  return new URLSearchParams(location.search).has(PARAMETER) ? loadRecording() : null;
}

/** Load the recording that comes with the classroom; rejects with a sentence if it cannot be read. */
export async function loadRecording() {
  const response = await fetch(BUNDLED);
  if (!response.ok) throw new Error(`The recorded run could not be loaded (status ${response.status}).`);
  const recording = await response.json().catch(() => null);
  checkSnapshot(recording);
  return recording;
}

/** Add a label to the page: that the run is recorded, when it was, and a link to the live page. */
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

/** Return a panel for a view that needs a live server: why it does, and a link to the live page. */
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

/** Go to the recorded run if no lane answers during a run. */
export function watchForSilence(context, location) {
  let since = null;
  let isReached = false;
  let failed = false;
  context.on("run", ({ run }) => {
    const now = context.serverNow();
    if (now !== null) since ??= Math.max(now, run.t0_ns);
  });
  for (const kind of ["opened", "frame"]) context.on(kind, () => (isReached = true));
  context.on("answered", ({ status }) => {
    isReached ||= status > 0;
    failed ||= status === 0;
  });
  context.on("closed", () => (failed = true));
  const watch = setInterval(() => {
    const now = context.serverNow();
    if (isReached) clearInterval(watch);
    else if (since !== null && now - since > (failed ? FAILED_NS : SILENT_NS) && !document.hidden) {
      clearInterval(watch);
      location.assign(`${location.pathname}?${PARAMETER}=lanes${location.hash}`);
    }
  }, 500);
}

/** Download the last finished run as a file; return a sentence on the outcome. */
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

/** Drop byte counts that repeat the one before: there are ten a second, and most of them do. */
function withoutRepeatedBytes(snapshot) {
  const lanes = Object.entries(snapshot.lanes).map(([transport, lane]) => {
    const isNew = (row, index) => index === 0 || row.up + row.down !== lane.bytes[index - 1].up + lane.bytes[index - 1].down;
    return [transport, { ...lane, bytes: lane.bytes.filter(isNew) }];
  });
  return { ...snapshot, lanes: Object.fromEntries(lanes) };
}

function browserName({ userAgent, userAgentData }) {
  const brand = userAgentData?.brands?.find(({ brand: name }) => !/not.*brand/i.test(name));
  if (brand) return `${brand.brand} ${brand.version}`;
  return /(Chrome|Firefox|Safari)\/[\d.]+/.exec(userAgent)?.[0].replace("/", " ") ?? "a browser";
}
