/** The page's start: connects to the server, runs this browser's traffic, stores its messages, and mounts the views.
 *
 * A view is a module that exports `mount(section, context)` and owns the content of its section; `context` is a `Context` (below).
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
/** The banner's text while the page is connected: why it is live although the URL asks for a recording. */
let recordingProblem = "";
const recording = await recordingOf(window.location).catch((error) => {
  recordingProblem = `${error.message} This page is live instead.`;
  return null;
});
const player = recording && new Player(recording);
const live = player ?? new Live(key);
const views = {};
let traffic = null;
let hello = null;
/** Whether the server starts the next run after each. */
let auto = true;
/** The settings that the controls show. */
let chosen = { ...DEFAULT_SETTINGS };
/** The sequence number of the followed event, which the URL contains; null if there is none. */
let followed = eventOfUrl(window.location);
/** How many requests for a run are unanswered. Until they are answered, other runs do not change the settings. */
let starting = 0;

/** What a view may use.
 *
 * @typedef {object} Context
 * @property {RunStore} store the runs that this page has received (run_store.js)
 * @property {Live} live the connection to the server: `on(type, fn)` for its messages, `send(message)` for reports
 * @property {() => object} settings the settings that the controls show (names and units of RunSettings)
 * @property {(settings: object) => void} setSettings shows settings in the controls and the URL; starts nothing
 * @property {(settings: object, how?: {auto?: boolean, once?: boolean}) => Promise<object>} startRun resolves with the
 *   run; rejects with an Error whose message is a sentence for the user. `auto`: the server starts the next run by itself;
 *   `once`: the next run has the earlier settings again.
 * @property {(settings: object) => Promise<object>} changeRun continues the current run with these settings
 * @property {(seq: number|null) => void} nameEvent puts the followed event into the URL
 * @property {() => void} hold freezes the picture of the lanes
 * @property {() => void} showKnobs
 * @property {() => Promise<object>} stopRun
 * @property {boolean} auto whether the server starts the next run after each
 * @property {(wanted: boolean) => Promise<object>} setAuto does not end the current run
 * @property {(event: string, fn: (data: any) => void) => (() => void)} on listens to an event and
 *   returns a function that stops listening. Events are the types of the server's messages (hello, run, changed, tick, ended, auto, class, vote), the
 *   kinds of the worker's messages (sent, answered, frame, opened, closed, clock), and started (a run that this page has requested), settings,
 *   connection, view ({view}), step ({view, direction: -1 | 1}: arrow keys), freeze ({view}: Space), escape ({view}), hold, knobs, theme.
 * @property {boolean} teacher whether this page may start runs
 * @property {boolean} recorded whether the page plays a recorded run (recorded.js)
 * @property {"solo"|"class"} mode
 * @property {number|null} client this page's number on the server
 * @property {{transport, label, port, path, colour, marker, dash}[]} lanes
 * @property {number|null} lessonPort
 * @property {() => number|null} serverNow nanoseconds of the server's clock, for drawing; null until it is known
 * @property {() => number|null} clockUncertaintyMs
 * @property {(path: string, options?: {method?: string, body?: object}) => Promise<any>} request JSON of this server;
 *   rejects like startRun
 * @property {(view: string) => void} show
 * @property {() => string} view
 * @property {(text: string) => void} announce has screen readers say a text
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

/** Show the settings of a run that another page has started, unless they are for that run only. */
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
  showBanner(recordingProblem);
  document.body.dataset.teacher = String(message.teacher);
  if (isNewClient) connectTraffic();
  if (message.run) {
    store.begin(message.run);
    traffic.begin(message.run);
  }
  if (first) adoptSettings(message, settingsOfUrl(window.location));
  else if (isNewServer) adoptSettings(message, chosen); // a restarted server does not know them
}

/** Start a run with the `wanted` settings if this page may; otherwise show the settings of the server's run. */
function adoptSettings(message, wanted) {
  const running = message.run?.settings ?? DEFAULT_SETTINGS;
  if (wanted === null || !message.teacher) return setSettings(running);
  setSettings(wanted);
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

/** Record when the tab is hidden: the browser may then slow it down, so latencies in these spans do not count. */
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
  if (hello !== null) writeUrl(); // after the browser's Back button, the URL may contain earlier settings
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
