/** Makes the runs of one question, one after the other, and gathers what they say. */

import { evidenceOf } from "./evidence.js";
import { HIDDEN_LONG_ENOUGH_S, totalSeconds } from "./hiding.js";

const PROGRESS_MS = 250;
/** What the browser still had on its way when the server said that the run is over. */
const LAST_MESSAGES_MS = 300;
/** Beyond a run's own length and drain: time to be announced, and a server that is busy. */
const PATIENCE_MS = 30_000;
const LARGEST_SEED = 2 ** 31;

export class Experiment {
  #context;
  #doneMs;
  #onProgress;
  #question;
  #seed;
  #totalMs;

  /** `onProgress({run, share_ratio, hide})` is called several times a second. */
  constructor(context, question, onProgress) {
    this.#context = context;
    this.#question = question;
    this.#onProgress = onProgress;
    // The same seed for all runs of a question: where only the interval differs, so do the streams not at all.
    this.#seed = Math.floor(Math.random() * LARGEST_SEED);
    this.#totalMs = question.runs.reduce((sum, run) => sum + run.settings.duration_s * 1000, 0);
    this.#doneMs = 0;
  }

  /** Resolves with {datas, evidence, formulas, models, records}, each by the runs' ids; rejects with a sentence for people. */
  async conduct() {
    const found = { datas: {}, evidence: {}, formulas: {}, models: {}, records: {} };
    for (const planned of this.#question.runs) {
      const data = await this.#makeRun(planned);
      found.datas[planned.id] = data;
      found.evidence[planned.id] = evidenceOf(data, this.#context.store.hiddenSince);
      found.records[planned.id] = await this.#recordOf(data.run.id);
      const { transports, formulas } = await predictionOf(this.#context, planned.settings);
      found.models[planned.id] = transports;
      found.formulas[planned.id] = formulas;
      this.#doneMs += planned.settings.duration_s * 1000;
    }
    return found;
  }

  async #makeRun(planned) {
    const run = await this.#context.startRun({ ...planned.settings, seed: this.#seed }, { auto: false, once: true });
    const progress = setInterval(() => this.#tellProgress(planned, run), PROGRESS_MS);
    try {
      await this.#end(run);
    } finally {
      clearInterval(progress);
    }
    await new Promise((resolve) => setTimeout(resolve, LAST_MESSAGES_MS));
    const data = this.#dataOf(run.id);
    if (data === null) throw new Error("this page saw nothing of it.");
    return data;
  }

  #dataOf(id) {
    const { current, previous } = this.#context.store;
    return [current, previous].find((data) => data?.run.id === id) ?? null;
  }

  /** Resolves when the server says that this run is over; rejects where somebody ended it, or began another. */
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
        () => finish(reject, new Error("the server did not say that it is over.")),
        (run.end_ns - run.t0_ns + run.drain_ns) / 1e6 + PATIENCE_MS,
      );
      stops.push(
        () => clearTimeout(timer),
        this.#context.live.on("gone", () => finish(reject, new Error("the server was lost."))),
        this.#context.on("ended", (message) => message.run === run.id && ended()),
      );
      if (this.#dataOf(run.id)?.ended) ended(); // heard before the answer that names the run
    });
  }

  #tellProgress(planned, run) {
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

  /** The server's own counts for this page; null where it has another run already. */
  async #recordOf(id) {
    const record = await this.#context.request("/api/record");
    return record.run.id === id ? (record.clients[String(this.#context.client)] ?? null) : null;
  }
}

/** The model's predictions by transport for a run's settings. */
export async function modelOf(context, settings) {
  return (await predictionOf(context, settings)).transports;
}

/** The model's predictions and how they follow from the settings, {transports, formulas}, each by transport. */
function predictionOf(context, { seed: _luck, ...settings }) {
  return context.request(`/api/model?${new URLSearchParams(settings)}`);
}

function hidingHint(data, hiddenSince) {
  if (hiddenSince !== null) return "Hidden.";
  const seconds = totalSeconds(data.hidden);
  if (seconds >= HIDDEN_LONG_ENOUGH_S) return `Welcome back: this tab was hidden for ${Math.round(seconds)} s.`;
  return "Now hide this tab: open another one, count to ten, come back.";
}
