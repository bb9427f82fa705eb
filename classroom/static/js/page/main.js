/** Wiring: connects to the server, runs the traffic of this browser, keeps the store, and mounts the views.
 *
 * A view is a module that exports `mount(section, context)`; it owns what is in its section. `makeContext` says what a
 * view is given.
 */

import { mountHandout } from "./handout/handout.js";
import { listenToKeys } from "./keys.js";
import { Live } from "../shared/live.js";
import { mountPreflight } from "./preflight/preflight.js";
import { labelAsRecorded, liveOnlyPanel, recordingOf, watchForSilence } from "./recorded/recorded.js";
import { Player } from "./recorded/player.js";
import { mountRoutes } from "./routes/routes.js";
import { RunStore } from "../shared/run_store.js";
import { Signals } from "../shared/signals.js";
import { DEFAULT_SETTINGS, sameSettings } from "../shared/settings.js";
import { setUpTabs } from "./tabs.js";
import { setUpTheme } from "../shared/theme.js";
import { Traffic } from "../lanes/traffic.js";
import { eventOfUrl, settingsOfUrl, teacherKeyOfUrl, writeToUrl } from "./url_state.js";

const VIEWS = [
  { name: "watch", load: () => import("./watch/watch.js") },
  { name: "predict", load: () => import("./predict/predict.js") },
  { name: "lesson", load: () => import("../lesson/lesson.js"), liveOnly: "The lesson takes a connection apart that is made while you watch." },
  { name: "class", load: () => import("../joining/class_view.js"), liveOnly: "Devices join a live run, and measure it." },
];

const key = teacherKeyOfUrl(window.location, window.history, window.sessionStorage);
const signals = new Signals();
const store = new RunStore();
/** What is to be said for as long as the page is open: a recording that was asked for and could not be read. */
let lasting = "";
const recording = await recordingOf(window.location).catch((error) => {
  lasting = `${error.message} This page is live instead.`;
  return null;
});
const player = recording && new Player(recording);
const live = player ?? new Live(key);
const views = {};
let traffic = null;
let hello = null;
/** Whether run follows run by itself. */
let auto = true;
let chosen = { ...DEFAULT_SETTINGS };
/** The event that the address names, by its number; null where it names none. */
let followed = eventOfUrl(window.location);
/** Runs that this page has asked for and not been given yet: what it hears of others meanwhile changes no settings. */
let starting = 0;

/** What a view may use.
 *
 * @typedef {object} Context
 * @property {RunStore} store the runs this page has seen (run_store.js)
 * @property {Live} live the connection to the server: `on(type, fn)` for its messages, `send(message)` for reports
 * @property {() => object} settings the settings that the controls show (names and units of RunSettings)
 * @property {(settings: object) => void} setSettings puts settings into the controls and the address, starts nothing
 * @property {(settings: object, how?: {auto?: boolean, once?: boolean}) => Promise<object>} startRun resolves with the
 *   run; rejects with an Error whose message is a sentence for the user. `auto`: the server goes on with the next run by
 *   itself; `once`: with the settings of before.
 * @property {(settings: object) => Promise<object>} changeRun the run that is on goes on with these settings
 * @property {(seq: number|null) => void} nameEvent puts the event that is followed into the address, starts nothing
 * @property {() => void} hold freezes the picture of the lanes
 * @property {() => void} showKnobs
 * @property {() => Promise<object>} stopRun
 * @property {boolean} auto whether run follows run by itself
 * @property {(wanted: boolean) => Promise<object>} setAuto a run that is on goes on either way
 * @property {(event: string, fn: (data: any) => void) => (() => void)} on events: every type of message of the server
 *   (hello, run, changed, tick, ended, auto, class, vote), every kind of the worker's (sent, answered, frame, opened, closed, clock), and
 *   started (a run that this page has asked for), settings, connection, view ({view}), step ({view, direction: -1 | 1}: arrow keys), freeze ({view}: Space), escape ({view}), hold, knobs, theme.
 *   Returns a function that ends it.
 * @property {boolean} teacher whether this page may start runs
 * @property {boolean} recorded whether all this is a recorded run (recorded.js), not live
 * @property {"solo"|"class"} mode
 * @property {number|null} client this page's number
 * @property {{transport, label, port, path, colour, marker, dash}[]} lanes
 * @property {number|null} lessonPort
 * @property {() => number|null} serverNow nanoseconds of the server's clock, for drawing; null until it is known
 * @property {() => number|null} clockUncertaintyMs
 * @property {(path: string, options?: {method?: string, body?: object}) => Promise<any>} request JSON of this server;
 *   rejects like startRun
 * @property {(view: string) => void} show
 * @property {() => string} view
 * @property {(text: string) => void} announce said by screen readers
 */
function makeContext(tabs) {
  return {
    store,
    live,
    settings: () => ({ ...chosen }),
    setSettings,
    nameEvent,
    hold: () => signals.emit("hold"),
    showKnobs: () => signals.emit("knobs"),
    startRun,
    changeRun: (settings) => live.request("/api/change", { method: "POST", body: settings }),
    stopRun: () => live.request("/api/stop", { method: "POST" }),
    get auto() {
      return auto;
    },
    setAuto: (wanted) => live.request("/api/auto", { method: "POST", body: { auto: wanted } }),
    on: (event, fn) => signals.on(event, fn),
    get teacher() {
      return hello?.teacher ?? false;
    },
    recorded: recording !== null,
    get mode() {
      return hello?.mode ?? "solo";
    },
    get client() {
      return hello?.client ?? null;
    },
    get lanes() {
      return hello?.lanes ?? [];
    },
    get lessonPort() {
      return hello?.lesson_port ?? null;
    },
    serverNow: () => traffic?.serverNow() ?? null,
    clockUncertaintyMs: () => traffic?.uncertaintyMs ?? null,
    request: (path, options) => live.request(path, options),
    show: (view) => tabs.show(view),
    view: () => tabs.current(),
    announce: (text) => {
      document.getElementById("announcer").textContent = text;
    },
  };
}

function writeUrl() {
  if (!recording) writeToUrl(chosen, followed, window.location, window.history);
}

/** Name the event that is followed in the address; null: none. */
function nameEvent(seq) {
  followed = seq;
  writeUrl();
}

function setSettings(settings) {
  chosen = { ...DEFAULT_SETTINGS, ...settings };
  writeUrl();
  signals.emit("settings", { ...chosen });
}

async function startRun(settings, how = { auto: true }) {
  starting += 1;
  try {
    const run = await live.request("/api/run", { method: "POST", body: { ...settings, ...how } });
    signals.emit("started", run);
    return run;
  } finally {
    starting -= 1;
  }
}

/** A run that somebody else has started, with settings to go on with. */
function adoptRun(run) {
  if (starting === 0 && !run.once && !sameSettings(run.settings, chosen)) setSettings(run.settings);
}

function feedStore() {
  live.on("hello", (message) => greet(message));
  live.on("run", ({ run }) => {
    store.begin(run);
    traffic?.begin(run);
    auto = run.auto;
    adoptRun(run);
    document.body.dataset.runId = run.id;
  });
  live.on("changed", ({ run }) => {
    store.change(run);
    traffic?.change(run);
    adoptRun(run);
  });
  live.on("gone", () => {
    store.breakOff();
    if (store.current !== null) traffic?.end(store.current.run.id);
  });
  live.on("auto", (message) => (auto = message.auto));
  live.on("tick", (message) => store.addTick(message));
  live.on("ended", ({ run }) => {
    store.end(run);
    traffic?.end(run);
    document.body.dataset.endedRunId = run;
  });
  for (const type of ["hello", "run", "changed", "tick", "ended", "auto", "class", "vote", "connection"]) {
    live.on(type, (message) => signals.emit(type, message));
  }
}

function greet(message) {
  const first = hello === null;
  const isNewClient = hello?.client !== message.client;
  const isNewServer = hello?.instance !== message.instance;
  hello = message;
  auto = message.auto;
  showBanner(lasting);
  document.body.dataset.teacher = String(message.teacher);
  if (isNewClient) connectTraffic();
  if (message.run) {
    store.begin(message.run);
    traffic.begin(message.run);
  }
  if (first) adoptSettings(message, settingsOfUrl(window.location));
  else if (isNewServer) adoptSettings(message, chosen); // it knows nothing of what was set
}

/** What was set or is in the address wins where this page may start runs; otherwise the controls show what is running. */
function adoptSettings(message, asked) {
  const running = message.run?.settings ?? DEFAULT_SETTINGS;
  if (asked === null || !message.teacher) return setSettings(running);
  setSettings(asked);
  if (message.run && sameSettings(chosen, running)) return;
  startRun(chosen).catch((error) => showBanner(error.message));
}

function connectTraffic() {
  traffic?.close();
  traffic = player ?? new Traffic({ lanes: hello.lanes, client: hello.client, transports: hello.lanes.map((lane) => lane.transport) });
  traffic.onMessage = (message) => {
    store.addTraffic(message);
    signals.emit(message.kind, message);
  };
}

/** While the tab is hidden the browser may slow everything down: such spans are marked, and kept out of the times. */
function watchVisibility() {
  let hiddenFrom = null;
  const note = () => {
    const now = traffic?.serverNow() ?? null;
    if (now === null) return;
    if (document.hidden) hiddenFrom = now;
    else if (hiddenFrom !== null) store.addHidden(hiddenFrom, now);
    if (!document.hidden) hiddenFrom = null;
    store.hiddenSince = hiddenFrom;
  };
  document.addEventListener("visibilitychange", note);
}

function showConnection({ state }) {
  const status = document.getElementById("connection-status");
  status.dataset.state = state;
  status.querySelector(".status-text").textContent = { connecting: "Connecting", live: "Live", lost: "Lost, trying again", recorded: "Recorded" }[state];
}

function showBanner(text) {
  const banner = document.getElementById("banner");
  banner.textContent = text;
  banner.hidden = text === "";
}

async function mountViews(context) {
  for (const { name, load, liveOnly } of VIEWS) {
    const section = document.getElementById(`view-${name}`);
    if (recording && liveOnly) {
      section.replaceChildren(liveOnlyPanel(liveOnly, `${window.location.pathname}#${name}`));
      continue;
    }
    try {
      views[name] = (await load()).mount(section, context);
    } catch (error) {
      section.textContent = `This view could not be loaded: ${error.message}`;
      console.error(error);
    }
  }
}

const tabs = setUpTabs(VIEWS.map((view) => view.name), (view) => {
  if (hello !== null) writeUrl(); // an address that Back has brought may name settings of before
  signals.emit("view", { view });
});
const context = makeContext(tabs);
window.classroom = context; // for people who script the page, and for tests
setUpTheme(() => signals.emit("theme"));
let routes = null;
listenToKeys({ plan: () => routes, views: VIEWS.map((view) => view.name), show: tabs.show, current: tabs.current, signals });
feedStore();
watchVisibility();
live.on("connection", showConnection);
live.on("refused", ({ detail }) => showBanner(detail));
await mountViews(context);
const preflight = mountPreflight(document.querySelector(".top-tools"), context, mountHandout(context, () => views.predict.results()));
routes = mountRoutes(document.getElementById("route"), preflight.querySelector("[data-routes]"), context, views.predict);
if (recording) labelAsRecorded(recording, window.location);
else watchForSilence(context, window.location);
live.connect();
