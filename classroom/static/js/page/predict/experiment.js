/** The runs that answer one question, made one after the other. */

import { evidenceOf } from "./evidence.js";
import { HIDDEN_LONG_ENOUGH_S, totalSeconds } from "./hiding.js";

const PROGRESS_MS = 250;
/** Wait for messages that were still in transit when the server reported the end of the run. */
const LAST_MESSAGES_MS = 300;
/** How much longer than its length and drain a run may take, for its announcement and for a busy server. */
const PATIENCE_MS = 30_000;
const LARGEST_SEED = 2 ** 31;

export class Experiment {
  #context;
  #doneMs;
  #onProgress;
  #question;
  #seed;
  #totalMs;

  /** `onProgress({run, share_ratio, hide})` is called several times a second; `share_ratio` of all runs is done, `hide` says whether to hide the tab now. */
  constructor(context, question, onProgress) {
    this.#context = context;
    this.#question = question;
    this.#onProgress = onProgress;
    // All runs of a question share a seed, so that runs which differ only in the poll interval have the same events.
    this.#seed = Math.floor(Math.random() * LARGEST_SEED);
    this.#totalMs = question.runs.reduce((sum, run) => sum + run.settings.duration_s * 1000, 0);
    this.#doneMs = 0;
  }

  /** Make all runs. Resolves with {datas, evidence, formulas, models, records}, each by the runs' ids; rejects with a sentence for the user. */
  async makeRuns() {
    const found = { datas: {}, evidence: {}, formulas: {}, models: {}, records: {} };
    for (const planned of this.#question.runs) {
      const data = await this.#makeRun(planned);
      found.datas[planned.id] = data;
      found.evidence[planned.id] = evidenceOf(data, this.#context.store.hiddenSince);
      found.records[planned.id] = await this.#recordOf(data.run.id);
      const { transports, formulas } = await readPrediction(this.#context, planned.settings);
      found.models[planned.id] = transports;
      found.formulas[planned.id] = formulas;
      this.#doneMs += planned.settings.duration_s * 1000;
    }
    return found;
  }

  async #makeRun(planned) {
    const run = await this.#context.startRun({ ...planned.settings, seed: this.#seed }, { auto: false, once: true });
    const progress = setInterval(() => this.#reportProgress(planned, run), PROGRESS_MS);
    try {
      await this.#end(run);
    } finally {
      clearInterval(progress);
    }
    await new Promise((resolve) => setTimeout(resolve, LAST_MESSAGES_MS));
    const data = this.#dataOf(run.id);
    if (data === null) throw new Error("this page received nothing of it.");
    return data;
  }

  #dataOf(id) {
    const { current, previous } = this.#context.store;
    return [current, previous].find((data) => data?.run.id === id) ?? null;
  }

  /** Resolves when the server reports the end of this run; rejects if it was stopped or replaced before its time. */
  #end(run) {
    return new Promise((resolve, reject) => {
      const stops = [];
      const finish = (act, value) => {
        for (const stop of stops) stop();
        act(value);
      };
      const ended = () => {
        if (this.#context.serverNow() < run.end_ns) finish(reject, new Error("it was ended before its time."));
        else finish(resolve);
      };
      const timer = setTimeout(
        () => finish(reject, new Error("the server did not report its end.")),
        (run.end_ns - run.t0_ns + run.drain_ns) / 1e6 + PATIENCE_MS,
      );
      stops.push(
        () => clearTimeout(timer),
        this.#context.live.on("gone", () => finish(reject, new Error("the server was lost."))),
        this.#context.on("ended", (message) => message.run === run.id && ended()),
      );
      if (this.#dataOf(run.id)?.ended) ended(); // it ended before the server answered the request that started it
    });
  }

  #reportProgress(planned, run) {
    const data = this.#dataOf(run.id);
    const now = this.#context.serverNow();
    if (data === null || now === null) return;
    const goneMs = Math.min(Math.max(0, (now - run.t0_ns) / 1e6), planned.settings.duration_s * 1000);
    this.#onProgress({
      run: planned,
      share_ratio: (this.#doneMs + goneMs) / this.#totalMs,
      hide: hidingHint(data, this.#context.store.hiddenSince),
    });
  }

  /** Read the server's counts for this page's lanes; null if the server has started another run. */
  async #recordOf(id) {
    const record = await this.#context.request("/api/record");
    return record.run.id === id ? (record.clients[String(this.#context.client)] ?? null) : null;
  }
}

/** Read the model's predictions for a run's settings, by transport. */
export async function readModel(context, settings) {
  return (await readPrediction(context, settings)).transports;
}

/** Read the model's predictions and the formulas behind them, {transports, formulas}, each by transport. They do not depend on the seed. */
function readPrediction(context, { seed: _seed, ...settings }) {
  return context.request(`/api/model?${new URLSearchParams(settings)}`);
}

function hidingHint(data, hiddenSince) {
  if (hiddenSince !== null) return "Hidden.";
  const seconds = totalSeconds(data.hidden);
  if (seconds >= HIDDEN_LONG_ENOUGH_S) return `Welcome back: this tab was hidden for ${Math.round(seconds)} s.`;
  return "Now hide this tab: open another one, count to ten, come back.";
}
