/** The hand-out: two sheets at the end of the page that are visible only in print (css/print.css). */

import { RunData } from "../../shared/run_data.js";
import { readModel } from "../predict/experiment.js";
import { scorePart } from "../predict/scoring.js";
import { loadRecording } from "../recorded/recorded.js";
import { chooseWindow, windowSeconds } from "./figure.js";
import { sheetsHtml } from "./sheets.js";

/** A run of which the page has seen less is too short for the figure. */
const LEAST_WINDOW_NS = 2e9;

/**
 * Add the sheets to the page; `predictions()` returns [{question, progress}] (predict.js). They are prepared while the page is idle, so that
 * printing from the browser's menu, which waits for nothing, gives the same sheets as Ctrl+P and the teacher's button.
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
  /** The model's predictions by the settings of a run, for the runs of all questions and the run of the figure. */
  #models = new Map();
  #predictions;
  #preparing = Promise.resolve();
  #recorded = null;
  #sheets;
  /** One message over the lesson's WebSocket, {steps, source}; null if it is not traced yet. */
  #traced = null;

  constructor(sheets, context, predictions) {
    this.#sheets = sheets;
    this.#context = context;
    this.#predictions = predictions;
  }

  /** Print once everything is prepared. */
  async print() {
    await this.prepare();
    window.print();
  }

  /** Load the recorded run, trace one message over the lesson's WebSocket, and read the model's predictions. The next call tries again what failed. */
  prepare() {
    this.#preparing = this.#preparing.catch(() => {}).then(async () => {
      await Promise.all([this.#load(), this.#trace()]);
      await this.#readModels();
      this.render();
    });
    return this.#preparing;
  }

  render() {
    this.#sheets.innerHTML = sheetsHtml({ ...this.#shownRun(), questions: this.#questions(), ...(this.#traced ?? { steps: null, source: null }) });
  }

  async #load() {
    this.#recorded ??= await loadRecording().then((recording) => RunData.restore(recording), () => null);
  }

  /** Trace one message, unless the page plays a recorded run: then there is no server. */
  async #trace() {
    if (this.#traced !== null || this.#context.recorded || this.#context.serverNow() === null) return;
    // The import fails while the server is restarted.
    const module = await import("./one_message.js").catch(() => null);
    if (module !== null) this.#traced = await module.traceOneMessage(() => this.#context.serverNow());
  }

  async #readModels() {
    const needed = [...this.#predictions().flatMap(({ question }) => question.runs.map((run) => run.settings)), this.#shownRun().data?.settings];
    await Promise.all(needed.filter((settings) => settings && !this.#models.has(keyOf(settings))).map(async (settings) => {
      const model = await readModel(this.#context, settings).catch(() => null);
      if (model !== null) this.#models.set(keyOf(settings), model);
    }));
  }

  /** Return the run of the figure: the last complete run, or the recorded one if this page has seen too little of it. */
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

  /** Return {question, ran, scores} for each question; without a run, the scores hold only the model's answers. */
  #questions() {
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

/** Return the time from which this page has received a run's events. */
function fromNs({ run, counts_from_ns: seenFrom }) {
  return Math.max(run.t0_ns, seenFrom);
}

/** Return settings as a text to compare them by, without the seed, on which predictions do not depend. */
function keyOf({ seed, ...settings }) {
  return JSON.stringify(Object.entries(settings).sort());
}
