/** The page of a device: joins the class with the code, runs its transports, shows what it measures, and reports it. */

import { behaviour, LaneNumbers } from "./join_numbers.js";
import { drawStrip } from "./join_strip.js";
import { timeText } from "../shared/format.js";
import { Live } from "../shared/live.js";
import { markElement } from "../shared/marks.js";
import { readStored, store } from "../shared/tab_storage.js";
import { Traffic } from "../lanes/traffic.js";
import { VotePanel } from "./vote_panel.js";

const REPORT_PERIOD_MS = 1000;
const ROWS_PER_REPORT = 1000;
/** How long the notice that the page was hidden remains after the page is visible again. */
const NOTICE_MS = 6000;
const MEMBERSHIP = "class-membership";

const byId = (id) => document.getElementById(id);
const fieldIn = (element, name) => element.querySelector(`[data-field="${name}"]`);

let membership = null;
let live = null;
let hello = null;
let traffic = null;
let transports = [];
let run = null;
let ended = false;
/** The server's time at which the worker's clock was known; null before. */
let enteredNs = null;
/** Whether this page joined, or got its transports, during the run. */
let late = false;
let lanes = new Map();
let noticeTimer = null;
const votePanel = new VotePanel(byId("vote"), (vote, answers) => live.request("/api/vote", { method: "POST", body: { client: membership.client, vote, answers } }));

// ---- joining

function setMembership(value) {
  membership = value;
  store(MEMBERSHIP, value);
}

function askForCode(problem = "") {
  byId("device").hidden = true;
  byId("join-form").hidden = false;
  byId("join-error").hidden = problem === "";
  if (problem === "") byId("code").removeAttribute("aria-invalid");
  else byId("code").setAttribute("aria-invalid", "true");
  byId("join-error").textContent = problem;
  byId("code").value ||= codeOfUrl() ?? "";
  byId("code").focus();
  byId("code").select();
}

const codeOfUrl = () => new URLSearchParams(window.location.search).get("code");

/** `client`: this device's earlier number, if it had one. */
async function join(code, client) {
  const answer = await new Live(null).request("/api/join", { method: "POST", body: { code: code.trim().slice(0, 40), client } });
  setMembership({ client: answer.client, name: answer.name, code });
}

async function tryToJoin(code, client) {
  try {
    await join(code, client);
  } catch (error) {
    askForCode(error.message);
    return;
  }
  enter();
}

function enter() {
  byId("join-form").hidden = true;
  byId("device").hidden = false;
  live = new Live(null, membership.client);
  live.on("connection", showConnection);
  live.on("hello", greet);
  live.on("transports", (message) => useTransports(message.transports));
  live.on("run", (message) => begin(message.run, false));
  live.on("changed", (message) => change(message.run));
  live.on("ended", end);
  live.on("gone", end);
  live.on("vote", ({ vote }) => votePanel.show(vote));
  live.on("refused", rejoin);
  live.connect();
}

/** Join again after the server has refused this device's number: it was away too long, or the server was restarted.
 *
 * A hidden page waits until it is visible, since another tab may have taken over its number.
 */
function rejoin({ detail }) {
  live.close();
  traffic?.close();
  traffic = null;
  hello = null;
  run = null; // a restarted server numbers its runs from 1 again
  resetNumbers();
  const { code, client } = membership;
  setMembership(null);
  if (!document.hidden) return tryToJoin(code, client);
  askForCode(detail);
  document.addEventListener("visibilitychange", () => membership === null && tryToJoin(code, client), { once: true });
}

// ---- runs and messages

function greet(message) {
  hello = message;
  useTransports(message.transports);
  if (message.run) begin(message.run, true);
  else showRun(true);
}

function useTransports(given) {
  if (traffic !== null && given.join() === transports.join()) return;
  traffic?.close();
  transports = given;
  enteredNs = null;
  traffic = new Traffic({ lanes: hello.lanes, client: hello.client, transports });
  traffic.onMessage = take;
  showTransports();
  if (run !== null) {
    late = true;
    resetNumbers();
    traffic.begin(run);
  }
}

function begin(next, isLate) {
  if (run?.id !== next.id) {
    report();
    run = next;
    late = isLate;
    resetNumbers();
  }
  ended = false;
  traffic.begin(run);
  showRun(false);
  showTransports();
}

/** Continue the run with other settings. */
function change(next) {
  if (run?.id !== next.id) return;
  run = next;
  traffic.change(run);
  showRun(false);
  showTransports();
}

/** Send no more requests; messages in transit may still arrive. */
function end() {
  ended = true;
  if (run !== null) traffic?.end(run.id);
  showRun(true);
}

/** Start the figures of all transports from zero. */
function resetNumbers() {
  const sinceNs = late ? (enteredNs ?? -Infinity) : -Infinity;
  lanes = new Map(transports.map((transport) => [transport, new LaneNumbers(sinceNs)]));
}

function take(message) {
  if (message.kind === "clock") {
    if (enteredNs === null) {
      enteredNs = message.now_ns;
      for (const numbers of lanes.values()) if (late || numbers.isPaused) numbers.countFrom(enteredNs);
    }
    return;
  }
  const numbers = lanes.get(message.transport);
  if (numbers === undefined || message.run !== run?.id) return;
  if (message.kind === "sent" && !ended) numbers.asked();
  if (message.kind === "opened" && late) numbers.opened(message.at_ns);
  if (document.hidden) return;
  if (message.kind === "frame") numbers.received(message.seq, message.due_ns, message.at_ns);
  if (message.kind === "answered" && message.status === 204) numbers.wasEmpty();
  if (message.kind === "answered") for (const { seq, due_ns } of message.events) numbers.received(seq, due_ns, message.at_ns);
}

function report() {
  if (run === null || traffic?.uncertaintyMs == null) return;
  const rows = {};
  for (const [transport, numbers] of lanes) rows[transport] = numbers.takeUnreported(ROWS_PER_REPORT);
  live.send({ type: "report", run: run.id, uncertainty_ms: traffic.uncertaintyMs, transports: rows });
}

/** Pause the figures of a hidden page: the browser slows it down, so its latencies would not be the transport's. */
function noteVisibility() {
  byId("notice").hidden = false;
  byId("notice").textContent = "While the page was hidden nothing was measured. Keep it in front and the screen on.";
  clearTimeout(noticeTimer);
  if (!document.hidden) noticeTimer = setTimeout(() => (byId("notice").hidden = true), NOTICE_MS);
  if (document.hidden) return;
  enteredNs = null; // the clock of a device that slept has drifted: wait until the worker has compared it with the server's again
  for (const numbers of lanes.values()) numbers.pause();
}

// ---- display

function showTransports() {
  const one = transports.length === 1;
  const title = one ? `You are ${laneOf(transports[0]).label}` : "You have all four";
  byId("device-title").replaceChildren(...(one ? [markElement(transports[0])] : []), title);
  document.body.dataset.count = one ? "one" : "many";
  const cards = transports.map((transport) => {
    const lane = laneOf(transport);
    const card = document.createElement("section");
    card.className = "panel join-lane";
    card.dataset.transport = transport;
    card.innerHTML = `
      <h2 class="join-lane-name"></h2>
      <p class="join-behaviour"></p>
      <p class="join-now"><span class="soft small join-now-before">The newest event was</span> <strong data-field="last_ms">–</strong>
        <span class="soft small join-now-after">old when it reached you.</span></p>
      <svg class="join-strip" role="img" aria-label="Age of the newest events"></svg>
      <dl class="join-numbers">
        <div><dt>Events received</dt><dd data-field="delivered">0</dd></div>
        <div><dt>Requests made</dt><dd data-field="requests">0</dd></div>
        <div><dt>Median age</dt><dd data-field="p50_ms">–</dd></div>
        <div><dt>Oldest</dt><dd data-field="max_ms">–</dd></div>
      </dl>`;
    card.querySelector("h2").append(markElement(transport), lane.label);
    card.querySelector(".join-behaviour").textContent = behaviour(transport, run?.settings);
    return card;
  });
  byId("lanes").replaceChildren(...cards);
  byId("announcer").textContent = `${title}.`;
}

const laneOf = (transport) => hello.lanes.find((lane) => lane.transport === transport);

function showNumbers() {
  for (const [transport, numbers] of lanes) {
    const card = byId("lanes").querySelector(`[data-transport="${transport}"]`);
    if (card === null) continue;
    fieldIn(card, "last_ms").textContent = timeText(numbers.lastMs);
    fieldIn(card, "delivered").textContent = numbers.delivered;
    fieldIn(card, "requests").textContent = numbers.requests;
    fieldIn(card, "p50_ms").textContent = timeText(numbers.quantileMs(0.5));
    fieldIn(card, "max_ms").textContent = timeText(numbers.quantileMs(1));
    drawStrip(card.querySelector(".join-strip"), numbers.recent, transport, traffic?.serverNow() ?? null);
  }
  fieldIn(document, "uncertainty_ms").textContent = timeText(traffic?.uncertaintyMs ?? null);
}

function showRun(ended) {
  const rate = run === null ? "" : `${Number(run.settings.rate_per_s)} ${run.settings.rate_per_s === 1 ? "event" : "events"} a second on average`;
  byId("run-text").textContent = ended || run === null ? "Waiting for the next run." : `Run ${run.id}: ${rate}, the same for everybody.`;
}

function showConnection({ state }) {
  const status = byId("connection-status");
  status.dataset.state = state;
  status.querySelector(".status-text").textContent = {
    connecting: "Connecting",
    live: `Device ${membership?.name ?? ""}`,
    lost: "Lost, trying again",
  }[state];
}

byId("join-form").addEventListener("submit", (event) => {
  event.preventDefault();
  tryToJoin(byId("code").value);
});
document.addEventListener("visibilitychange", noteVisibility);
setInterval(report, REPORT_PERIOD_MS);
setInterval(showNumbers, 200);

membership = readStored(MEMBERSHIP);
if (membership !== null && (codeOfUrl() === null || codeOfUrl() === membership.code)) enter();
else if (codeOfUrl() !== null) tryToJoin(codeOfUrl());
else askForCode();
