/** The hand-out: two sheets that are always part of the page but visible on paper only (css/print.css). */

import { RunData } from "../../shared/run_data.js";
import { modelOf } from "../predict/experiment.js";
import { scorePart } from "../predict/scoring.js";
import { bundledRecording } from "../recorded/recorded.js";
import { sheetsHtml } from "./sheets.js";
import { chooseWindow, windowSeconds } from "./window.js";

/** A shorter figure would not show the lanes at work. */
const LEAST_WINDOW_NS = 2e9;

/**
 * Put the sheets at the end of the page. `predictions()` gives [{question, progress}] (predict.js). They are the same by the teacher's
 * button, by Ctrl+P and by the browser's menu: what takes time is prepared as soon as the page is at rest, and waited for where it can be.
 */
export function mountHandout(context, predictions) {
  const sheets = document.createElement("div");
  sheets.id = "handout";
  document.body.append(sheets);
  const handout = new Handout(sheets, context, predictions);
  window.addEventListener("beforeprint", () => handout.render());
  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || event.key.toLowerCase() !== "p") return;
    event.preventDefault();
    handout.print();
  });
  const prepareWhenIdle = () => (window.requestIdleCallback ?? setTimeout)(() => handout.prepare());
  context.on("hello", prepareWhenIdle);
  context.on("ended", prepareWhenIdle);
  const stop = context.on("clock", () => {
    stop();
    prepareWhenIdle();
  });
  return handout;
}

class Handout {
  #context;
  /** Predictions of the model by the settings of a run: of each run of each question, and of the run that is shown. */
  #models = new Map();
  #predictions;
  #preparing = Promise.resolve();
  #recorded = null;
  #sheets;
  /** {steps, source} of one message over the lesson's WebSocket; null if there is none yet. */
  #traced = null;

  constructor(sheets, context, predictions) {
    this.#sheets = sheets;
    this.#context = context;
    this.#predictions = predictions;
  }

  /** Print when everything is there. */
  async print() {
    await this.prepare();
    window.print();
  }

  /** Gather what takes time: the recorded run, one message over the lesson's WebSocket, and the model's answers. What fails is tried again. */
  prepare() {
    this.#preparing = this.#preparing.catch(() => {}).then(async () => {
      await Promise.all([this.#load(), this.#trace()]);
      await this.#askModel();
      this.render();
    });
    return this.#preparing;
  }

  render() {
    this.#sheets.innerHTML = sheetsHtml({ ...this.#shownRun(), questions: this.questions(), ...(this.#traced ?? { steps: null, source: null }) });
  }

  async #load() {
    this.#recorded ??= await bundledRecording().then((recording) => RunData.restore(recording), () => null);
  }

  /** In a recorded run there is no server whose clock could order the steps. */
  async #trace() {
    if (this.#traced !== null || this.#context.recorded || this.#context.serverNow() === null) return;
    // Between two starts of the server there is nothing to load it from.
    const module = await import("./one_message.js").catch(() => null);
    if (module !== null) this.#traced = await module.traceOneMessage(() => this.#context.serverNow());
  }

  async #askModel() {
    const asked = [...this.#predictions().flatMap(({ question }) => question.runs.map((run) => run.settings)), this.#shownRun().data?.settings];
    await Promise.all(asked.filter((settings) => settings && !this.#models.has(keyOf(settings))).map(async (settings) => {
      const model = await modelOf(this.#context, settings).catch(() => null);
      if (model !== null) this.#models.set(keyOf(settings), model);
    }));
  }

  /** The last complete run, if this page has seen enough of it; else the recorded one. */
  #shownRun() {
    const { whole } = this.#context.store;
    const isEnough = whole !== null && whole.publishedRows.length > 0 && whole.run.end_ns - fromNs(whole) >= LEAST_WINDOW_NS;
    const data = isEnough ? whole : this.#recorded;
    const lanes = this.#context.lanes;
    if (data === null || lanes.length === 0) return { data: null, lanes, window: null, recorded: false, models: null };
    const from = fromNs(data);
    const lengthNs = Math.min(windowSeconds(data.settings) * 1e9, data.run.end_ns - from);
    const startNs = chooseWindow(data.publishedRows.map((event) => event.due_ns), from, data.run.end_ns, lengthNs);
    const models = this.#models.get(keyOf(data.settings)) ?? null;
    return { data, lanes, window: { startNs, lengthNs }, recorded: data === this.#recorded || this.#context.recorded, models };
  }

  questions() {
    return this.#predictions().map(({ question, progress }) => {
      if (progress.phase === "revealed") return { question, ran: true, scores: progress.result.scores };
      const models = Object.fromEntries(question.runs.map((run) => [run.id, this.#models.get(keyOf(run.settings)) ?? null]));
      const names = {
        label: (transport) => this.#context.lanes.find((lane) => lane.transport === transport)?.label ?? transport,
        runLabel: (id) => question.runs.find((run) => run.id === id).label,
      };
      return { question, ran: false, scores: question.parts.map((part) => scorePart(part, null, {}, models, names)) };
    });
  }
}

/** The time from which this page has seen a run. */
function fromNs({ run, counts_from_ns: seenFrom }) {
  return Math.max(run.t0_ns, seenFrom);
}

/** What the model depends on; the seed is not part of it. */
function keyOf({ seed, ...settings }) {
  return JSON.stringify(Object.entries(settings).sort());
}
