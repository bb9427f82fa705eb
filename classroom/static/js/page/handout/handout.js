/** The hand-out: two sheets that are on the page all the time and seen on paper only (css/print.css). */

import { rowsOf } from "./rows.js";
import { sheetsHtml } from "./sheets.js";
import { chooseWindow, windowSeconds } from "./window.js";
import { modelOf } from "../predict/experiment.js";
import { scorePart } from "../predict/scoring.js";

/**
 * Put the sheets at the end of the page. `predictions()` gives [{question, progress}] (predict.js). Printing by Ctrl+P gives the same sheets as the
 * teacher's button, which prepares them first: then no answer is missing.
 */
export function mountHandout(context, predictions) {
  const sheets = document.createElement("div");
  sheets.id = "handout";
  document.body.append(sheets);
  const handout = new Handout(sheets, context, predictions);
  window.addEventListener("beforeprint", () => handout.render());
  return handout;
}

class Handout {
  #context;
  #models;
  #predictions;
  #sheets;
  #steps;

  constructor(sheets, context, predictions) {
    this.#sheets = sheets;
    this.#context = context;
    this.#predictions = predictions;
    this.#steps = null;
    /** Predictions of the model by transport: of each run of each question (by its settings), and of the run that is shown. */
    this.#models = new Map();
  }

  /** Gather what takes time: the model's answers and one message over the lesson's WebSocket. */
  async prepare() {
    const { traceOneMessage } = await import("./one_message.js");
    const settings = this.#predictions().flatMap(({ question }) => question.runs.map((run) => run.settings));
    const shown = this.data()?.settings;
    const asked = [...settings, ...(shown ? [shown] : [])].filter((one) => !this.#models.has(keyOf(one)));
    const [steps] = await Promise.all([
      this.#steps ?? traceOneMessage(() => this.#context.serverNow()),
      ...asked.map(async (one) => this.#models.set(keyOf(one), await modelOf(this.#context, one).catch(() => null))),
    ]);
    this.#steps = steps;
    this.render();
  }

  /** The run to show: the last that is over, or else the one that is on. */
  data() {
    return this.#context.store.finished ?? this.#context.store.current;
  }

  render() {
    const data = this.data();
    this.#sheets.innerHTML = sheetsHtml({ ...this.#shownRun(data), questions: this.questions(), steps: this.#steps });
  }

  #shownRun(data) {
    if (data === null) return { run: null, window: null, settings: null, recorded: false, models: null };
    const { t0_ns: from, end_ns: to } = data.run;
    const lengthNs = Math.min(windowSeconds(data.settings) * 1e9, to - from);
    const run = rowsOf(data, this.#context.lanes);
    const startNs = chooseWindow(run.events.map((event) => event.due_ns), from, to, lengthNs);
    const models = this.#models.get(keyOf(data.settings)) ?? null;
    return { run, window: { startNs, lengthNs }, settings: data.settings, recorded: this.#context.recorded, models };
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

/** What the model depends on; the seed is not part of it. */
function keyOf({ seed, ...settings }) {
  return JSON.stringify(Object.entries(settings).sort());
}
