/**
 * Predict, then reveal: five questions, each answered by a run of its own.
 *
 * A prediction or an explicit skip unlocks the run; the run, not a key, says what is right. This module holds the view together:
 * questions.js asks, progress.js keeps order, experiment.js runs, scoring.js judges, views.js and bars.js show.
 */

import { markElement } from "../../shared/marks.js";
import { LABELS, TRANSPORTS } from "../../shared/transports.js";
import { barTable } from "./bars.js";
import { Experiment } from "./experiment.js";
import { FIELDS } from "./fields.js";
import * as progress from "./progress.js";
import { needsHiding, QUESTIONS } from "./questions.js";
import { recordHtml } from "./record.js";
import { overall, scorePart } from "./scoring.js";
import { formHtml, lockedHtml, numbersHtml, partResultHtml, stepsHtml, verdictHtml } from "./views.js";

const KEPT = "predictions";

/** Fills the section with the five questions. Gives {results(), showQuestion(index)} for the hand-out and the lesson plans. */
export function mount(section, context) {
  const view = new PredictView(section, context);
  view.render();
  return { results: () => view.results(), showQuestion: (index) => view.showQuestion(index) };
}

class PredictView {
  #article;
  #context;
  #current;
  #experiment;
  #paused;
  #section;
  #states;
  #steps;

  constructor(section, context) {
    this.#section = section;
    this.#context = context;
    this.#current = 0;
    const kept = recall();
    this.#states = QUESTIONS.map((question) => progress.restored(kept[question.id] ?? null, question));
    this.#experiment = null;
    /** Whether a run of this view ended the row of runs that follow each other. */
    this.#paused = false;
    section.innerHTML = `<div class="predict">
      <nav class="predict-steps" aria-label="The five questions"></nav>
      <article class="predict-question" aria-labelledby="predict-title"></article>
    </div>`;
    this.#steps = section.querySelector(".predict-steps");
    this.#article = section.querySelector(".predict-question");
    this.#steps.addEventListener("click", (event) => {
      const button = event.target.closest("[data-step]");
      if (button) this.#show(Number(button.dataset.step));
    });
    this.#article.addEventListener("click", (event) => this.#onAction(event.target.closest("[data-action]")?.dataset.action));
    this.#article.addEventListener("submit", (event) => this.#onSubmit(event));
    // A radio button needs the keys that the page takes for freezing and stepping.
    this.#article.addEventListener("keydown", (event) => event.target.matches("input") && event.stopPropagation());
    // The form stays as it is: a page that has lost its server for a moment has not lost what is typed in it.
    context.on("hello", () => this.#experiment ?? this.#renderRun());
    context.on("view", ({ view }) => this.#onView(view));
  }

  /** Runs follow each other by themselves again once this view is left. */
  #onView(view) {
    if (view === "predict" || !this.#paused || this.#experiment) return;
    this.#paused = false;
    this.#context.setAuto(true).catch(() => {}); // said in the page's own status: the server is gone
  }

  /** Per question {question, progress}; the hand-out prints what has been revealed. */
  results() {
    return QUESTIONS.map((question, index) => ({ question, progress: this.#states[index] }));
  }

  /** Go to a question, unless a run is being made for another. */
  showQuestion(index) {
    if (!this.#experiment) this.#show(index);
  }

  get #question() {
    return QUESTIONS[this.#current];
  }

  get #state() {
    return this.#states[this.#current];
  }

  #show(index) {
    if (this.#experiment) return;
    this.#current = index;
    this.render();
    this.#article.querySelector("#predict-title").focus();
  }

  #change(state) {
    this.#states[this.#current] = state;
    keep(Object.fromEntries(QUESTIONS.map((question, index) => [question.id, this.#states[index]])));
    this.render();
  }

  #onSubmit(event) {
    event.preventDefault();
    const answers = Object.fromEntries(new FormData(event.target));
    const missing = progress.unanswered(this.#question, answers);
    if (missing.length > 0) return this.#pointOut(event.target, missing);
    this.#change(progress.answered(this.#state, answers));
    this.#article.querySelector("[data-action=run]").focus();
  }

  /** Say which part still needs an answer, and go there. */
  #pointOut(form, missing) {
    const part = this.#question.parts.find(({ id }) => id === missing[0]);
    const say = form.querySelector(".predict-missing");
    say.textContent = part.kind === "number" ? `${part.ask}: enter a number from 0 to ${part.max}.` : `${part.ask} …: choose one, or skip.`;
    say.hidden = false;
    const field = form.elements.namedItem(part.id);
    (field instanceof RadioNodeList ? field[0] : field).focus();
  }

  #onAction(action) {
    if (action === "skip") {
      this.#change(progress.skipped(this.#state));
      this.#article.querySelector("[data-action=run]").focus();
    } else if (action === "run") this.#run();
    else if (action === "again") this.#change(progress.ASKED);
    else if (action === "next") this.#show((this.#current + 1) % QUESTIONS.length);
  }

  async #run() {
    const question = this.#question;
    this.#change(progress.running(this.#state));
    this.#paused ||= this.#context.auto;
    this.#experiment = new Experiment(this.#context, question, (now) => this.#showProgress(now));
    this.#steps.toggleAttribute("inert", true);
    try {
      const found = await this.#experiment.conduct();
      this.#change(progress.revealed(this.#state, this.#judge(question, found)));
      this.#article.querySelector(".predict-result h3")?.focus();
    } catch (error) {
      this.#change(progress.brokenOff(this.#state));
      this.#complain(error);
    } finally {
      this.#experiment = null;
      this.#steps.toggleAttribute("inert", false);
    }
    if (this.#state.phase === "revealed") this.#onView(this.#context.view()); // left while it ran
  }

  #judge(question, { evidence, models, records }) {
    const { answers } = this.#state;
    const scores = question.parts.map((part) => scorePart(part, answers?.[part.id] ?? null, evidence, models, this.#names(question)));
    return { scores, outcome: overall(scores.map((score) => score.outcome)), evidence, models, records };
  }

  #names(question) {
    return {
      label: (transport) => LABELS[transport],
      runLabel: (id) => question.runs.find((run) => run.id === id).label,
    };
  }

  render() {
    const question = this.#question;
    const state = this.#state;
    this.#steps.innerHTML = stepsHtml(QUESTIONS, this.#states, this.#current);
    this.#article.dataset.question = question.id;
    this.#article.dataset.phase = state.phase;
    this.#article.innerHTML = `
      <div class="panel stack predict-ask">
        <p class="soft small">Question ${this.#current + 1} of ${QUESTIONS.length}</p>
        <h2 id="predict-title" tabindex="-1">${question.title}</h2>
        <p class="predict-text">${question.text}</p>
        ${state.phase === "asked" ? formHtml(question) : lockedHtml(question, state, (part, answer) => this.#words(part, answer))}
      </div>
      <div class="panel stack predict-reveal"></div>`;
    if (state.phase === "revealed") this.#renderResult(this.#article.querySelector(".predict-reveal"));
    else this.#renderRun();
  }

  /** What is beside the question before its result: the runs to be made, and how far they are. */
  #renderRun() {
    if (this.#state.phase === "revealed") return;
    const panel = this.#article.querySelector(".predict-reveal");
    panel.innerHTML = this.#runHtml();
    for (const row of panel.querySelectorAll(".predict-live [data-transport] > th")) row.prepend(markElement(row.parentElement.dataset.transport));
  }

  #words(part, answer) {
    if (part.kind === "number") return answer;
    if (part.kind === "least") return this.#names(this.#question).label(answer);
    return part.choices.find((choice) => choice.value === answer).text;
  }

  #runHtml() {
    const question = this.#question;
    const state = this.#state;
    const totalS = question.runs.reduce((sum, run) => sum + run.settings.duration_s, 0);
    const runs = question.runs.map((run) => `<li>${run.label}, for ${run.settings.duration_s} s</li>`).join("");
    const locked = state.phase === "asked";
    const may = this.#context.teacher;
    const hint = !may
      ? this.#context.recorded ? "A recorded run plays: no run can be made. Go live to run it." : "Only the teacher’s page can start a run."
      : locked
        ? "Locked until you have made a prediction, or skipped it."
        : state.phase === "ready"
          ? `Four real connections, ${question.runs.length === 1 ? "one run" : `${question.runs.length} runs`}, ${totalS} s.`
          : "";
    return `<h3>The run decides</h3>
      <ul class="predict-runs">${runs}</ul>
      <div class="row">
        <button type="button" class="button button-strong" data-action="run" aria-describedby="predict-hint" ${locked || !may || state.phase === "running" ? "disabled" : ""}>
          ${state.phase === "running" ? "Running …" : "Run it"}</button>
        <span id="predict-hint" class="soft">${hint}</span>
      </div>
      <p class="wrong predict-trouble" role="alert" hidden></p>
      ${state.phase === "running" ? this.#progressHtml() : ""}`;
  }

  #progressHtml() {
    const lanes = TRANSPORTS.map(
      (transport) => `<tr data-transport="${transport}"><th scope="row">${LABELS[transport]}</th><td data-live="requests">0</td><td data-live="delivered">0</td></tr>`,
    );
    return `<p class="predict-now" role="status"></p>
      <progress class="predict-progress" max="1" value="0" aria-label="The runs so far"></progress>
      ${needsHiding(this.#question) ? '<p class="note predict-hide"></p>' : ""}
      <table class="predict-live"><caption>So far, in your browser</caption>
        <thead><tr><th scope="col">Lane</th><th scope="col">requests</th><th scope="col">delivered</th></tr></thead>
        <tbody>${lanes.join("")}</tbody></table>`;
  }

  /** `now`: {run, share_ratio, lanes, hide} several times a second while it runs. */
  #showProgress({ run, share_ratio: share, lanes, hide }) {
    const say = this.#article.querySelector(".predict-now");
    if (!say) return;
    if (say.textContent !== run.label) say.textContent = run.label;
    this.#article.querySelector(".predict-progress").value = share;
    const hint = this.#article.querySelector(".predict-hide");
    if (hint && hint.textContent !== hide) hint.textContent = hide;
    for (const row of this.#article.querySelectorAll(".predict-live [data-transport]")) {
      for (const cell of row.querySelectorAll("[data-live]")) cell.textContent = String(lanes[row.dataset.transport]?.[cell.dataset.live] ?? 0);
    }
  }

  #complain(error) {
    const trouble = this.#article.querySelector(".predict-trouble");
    trouble.textContent = `The run came to nothing: ${error.message}`;
    trouble.hidden = false;
  }

  #renderResult(panel) {
    const question = this.#question;
    const state = this.#state;
    const { outcome, scores, evidence, records } = state.result;
    panel.innerHTML = `<section class="predict-result stack" aria-live="polite"><h3 tabindex="-1">What the run shows</h3>
      ${verdictHtml(outcome, unmeasuredReason(question, outcome) ?? notThisTime(outcome, scores))}</section>`;
    const result = panel.firstElementChild;
    question.parts.forEach((part, index) => {
      const div = document.createElement("div");
      div.className = "predict-part";
      div.innerHTML = partResultHtml(part, scores[index]);
      const field = part.field ?? "pace_ratio";
      if (scores[index].bars.length > 0) div.append(barTable(scores[index].bars, field, FIELDS[field].label));
      result.append(div);
    });
    result.insertAdjacentHTML(
      "beforeend",
      `<p class="predict-why">${question.why}</p>
      ${recordHtml(question, evidence, records)}
      ${numbersHtml(question, evidence)}
      <div class="row">
        ${this.#current + 1 < QUESTIONS.length ? '<button type="button" class="button button-strong" data-action="next">Next question</button>' : ""}
        <button type="button" class="button" data-action="again">Predict again</button>
      </div>`,
    );
  }
}

/** What was said beside what the run shows, of the first part that went otherwise; null where none did. */
function notThisTime(outcome, scores) {
  const other = outcome === "off" ? scores.find((score) => score.outcome === "off") : undefined;
  return other === undefined ? null : `Not this time: you said ${other.predicted}, the run shows ${other.measured}.`;
}

/** Predictions outlast a reload of the page, in its tab. */
function recall() {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT)) ?? {};
  } catch {
    return {};
  }
}

function keep(states) {
  try {
    sessionStorage.setItem(KEPT, JSON.stringify(states));
  } catch {
    // Storage may be forbidden or full: the predictions then last as long as the page.
  }
}

function unmeasuredReason(question, outcome) {
  if (outcome !== "unmeasured" || !needsHiding(question)) return null;
  return "The tab was not hidden for long enough, so this run cannot tell. Predict again, and open another tab for ten seconds while it runs.";
}
