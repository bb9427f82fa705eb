/**
 * The view Predict: five questions, each answered by runs of its own.
 *
 * A prediction, an explicit skip or a vote of the class unlocks the runs; what they measure is the right answer. This module connects the parts:
 * the questions (questions.js), the state of each (progress.js), the class's vote (class_vote.js), the runs (experiment.js) and their
 * lanes (deciding_lanes.js), the score (scoring.js), and the HTML (views.js, bars.js).
 */

import { LABELS } from "../../shared/transports.js";
import { barTable } from "./bars.js";
import { ClassVote } from "./class_vote.js";
import { DecidingLanes } from "./deciding_lanes.js";
import { Experiment } from "./experiment.js";
import { FIELDS } from "./fields.js";
import { readPredictions, readQuestion, readRuns, storePredictions, storeQuestion, storeRuns } from "./kept.js";
import * as progress from "./progress.js";
import { choicesOf, needsHiding, QUESTIONS } from "./questions.js";
import { overall, ruleOf, scorePart } from "./scoring.js";
import { askHtml, formHtml, formulasHtml, lockedHtml, numbersHtml, openVoteHtml, partResultHtml, recordHtml, ruleHtml, stepsHtml, verdictHtml } from "./views.js";

/** Build the view in its section. Returns {results(), showQuestion(index)}, which the hand-out and the lesson plans use. */
export function mount(section, context) {
  const view = new PredictView(section, context);
  view.render();
  return { results: () => view.results(), showQuestion: (index) => view.showQuestion(index) };
}

class PredictView {
  #article;
  #context;
  #current;
  /** By the id of each question, the data of its runs by their ids; null if the runs are lost. */
  #datas = new Map();
  #experiment = null;
  #lanes;
  /** Whether this view has switched off `auto`, by which each run starts the next. */
  #paused = false;
  #states;
  #steps;
  #vote;

  constructor(section, context) {
    this.#context = context;
    const stored = readPredictions();
    this.#current = Math.max(0, QUESTIONS.findIndex(({ id }) => id === readQuestion()));
    this.#states = QUESTIONS.map((question) => progress.restored(stored[question.id] ?? null, question));
    section.innerHTML = `<div class="predict">
      <nav class="predict-steps" aria-label="The five questions"></nav>
      <article class="predict-question" aria-labelledby="predict-title"></article>
    </div>`;
    this.#steps = section.querySelector(".predict-steps");
    this.#article = section.querySelector(".predict-question");
    this.#lanes = new DecidingLanes(context);
    this.#vote = new ClassVote(context, () => this.#onVote());
    this.#steps.addEventListener("click", (event) => {
      const button = event.target.closest("[data-step]");
      if (button) this.#show(Number(button.dataset.step));
    });
    this.#article.addEventListener("click", (event) => this.#onAction(event.target.closest("[data-action]")?.dataset.action));
    this.#article.addEventListener("submit", (event) => this.#onSubmit(event));
    // Radio buttons need Space and the arrow keys, which are shortcuts of the page.
    this.#article.addEventListener("keydown", (event) => event.target.matches("input") && event.stopPropagation());
    // Leave the form alone: after a short loss of the server, what was typed is still there.
    context.on("hello", () => {
      if (this.#experiment) return;
      this.#renderRun();
      this.#renderVote();
    });
    context.on("view", ({ view }) => this.#onView(view));
  }

  /** When the user leaves this view, switch `auto` on again and remove an answered question from the devices. */
  #onView(view) {
    if (view === "predict" || this.#experiment) return;
    this.#dismissVote();
    if (!this.#paused) return;
    this.#paused = false;
    this.#context.setAuto(true).catch(() => {}); // the page's header shows that the server is gone
  }

  /** Return {question, progress} for each question. */
  results() {
    return QUESTIONS.map((question, index) => ({ question, progress: this.#states[index] }));
  }

  /** Show a question, unless a run is in progress. */
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
    if (index !== this.#current) this.#dismissVote();
    this.#current = index;
    storeQuestion(this.#question);
    this.render();
    this.#article.querySelector("#predict-title").focus();
  }

  #change(state, index = this.#current) {
    this.#states[index] = state;
    storePredictions(Object.fromEntries(QUESTIONS.map((question, each) => [question.id, this.#states[each]])));
    if (index === this.#current) this.render();
    else this.#renderSteps();
  }

  #onSubmit(event) {
    event.preventDefault();
    const answers = Object.fromEntries(new FormData(event.target));
    const missing = progress.unanswered(this.#question, answers);
    if (missing.length > 0) return this.#pointOut(event.target, missing);
    this.#change(progress.answered(this.#state, answers));
    this.#article.querySelector("[data-action=run]").focus();
  }

  /** Name the first part without an answer, and focus it. */
  #pointOut(form, missing) {
    const part = this.#question.parts.find(({ id }) => id === missing[0]);
    const message = form.querySelector(".predict-missing");
    message.textContent = part.kind === "number" ? `${part.ask}: enter a number from 0 to ${part.max}.` : `${part.ask} …: choose one, or skip.`;
    message.hidden = false;
    const field = form.elements.namedItem(part.id);
    (field instanceof RadioNodeList ? field[0] : field).focus();
  }

  #onAction(action) {
    if (action === "skip") {
      this.#change(progress.skipped(this.#state));
      this.#article.querySelector("[data-action=run]").focus();
    } else if (action === "run") this.#run();
    else if (action === "again") this.#predictAgain();
    else if (action === "next") this.#show((this.#current + 1) % QUESTIONS.length);
    else if (action === "ask") this.#doWithVote(() => this.#vote.ask(this.#question));
    else if (action === "close") this.#doWithVote(() => this.#vote.close());
    else if (action === "withdraw") this.#doWithVote(() => this.#vote.end());
  }

  /** Ask the question again; votes so far do not count for it. */
  async #predictAgain() {
    if (this.#vote.on(this.#question)) await this.#doWithVote(() => this.#vote.end());
    this.#change(progress.ASKED);
  }

  /** Remove an answered question from the devices. */
  #dismissVote() {
    if (this.#vote.on(this.#question)?.state === "decided") this.#vote.end().catch(() => {}); // another page has removed it already
  }

  /** Perform an action on the vote, then focus the control for the next step. */
  async #doWithVote(act) {
    try {
      await act();
    } catch (error) {
      this.#complain(error.message);
      return;
    }
    const next = ["[data-action=close]:not(:disabled)", "[data-action=run]:not(:disabled)", "#predict-title"];
    next.map((selector) => this.#article.querySelector(selector)).find((element) => element !== null).focus();
  }

  /** Record the result of a closed vote, whichever page closed it, and show the vote's state. */
  #onVote() {
    for (const [index, question] of QUESTIONS.entries()) {
      const vote = this.#vote.on(question);
      const state = this.#states[index];
      const isNewResult = vote?.counts && vote.voted > 0 && vote.id !== state.vote?.id;
      if (isNewResult && ["asked", "ready"].includes(state.phase)) this.#change(progress.voted(state, vote), index);
    }
    this.#renderVote();
    const button = this.#article.querySelector("[data-action=run]");
    if (this.#state.phase === "asked" && button.disabled !== !this.#mayRun()) this.#renderRun();
  }

  /** Whether the run is unlocked: by a prediction, a skip, or an open vote with at least one vote, which the start of the run closes. */
  #mayRun() {
    return this.#context.teacher && (this.#state.phase === "ready" || (this.#state.phase === "asked" && this.#vote.on(this.#question)?.voted > 0));
  }

  async #run() {
    const question = this.#question;
    try {
      await this.#endVoting();
    } catch (error) {
      return this.#complain(error.message);
    }
    this.#change(progress.running(this.#state));
    this.#lanes.element.scrollIntoView({ block: "start" }); // the lanes now stand above the question
    this.#paused ||= this.#context.auto;
    this.#experiment = new Experiment(this.#context, question, (now) => this.#showProgress(now));
    this.#steps.toggleAttribute("inert", true);
    try {
      const found = await this.#experiment.makeRuns();
      this.#datas.set(question.id, found.datas);
      storeRuns(question, found.datas);
      this.#change(progress.revealed(this.#state, this.#judge(question, found)));
      this.#article.querySelector(".predict-result h3")?.focus({ preventScroll: true });
      this.#lanes.element.scrollIntoView({ block: "start" });
      if (this.#vote.on(question)) await this.#vote.decide(question, this.#state.result.scores).catch(() => {}); // another page has started a new vote
    } catch (error) {
      this.#change(progress.brokenOff(this.#state));
      this.#complain(`The run failed: ${error.message}`);
    } finally {
      this.#experiment = null;
      this.#steps.toggleAttribute("inert", false);
    }
    if (this.#state.phase === "revealed") this.#onView(this.#context.view()); // this view was left during the run
  }

  /** Close an open vote, or withdraw it if nobody has voted. */
  async #endVoting() {
    const vote = this.#vote.on(this.#question);
    if (vote?.state !== "open") return;
    await (vote.voted > 0 ? this.#vote.close() : this.#vote.end());
  }

  #judge(question, { evidence, formulas, models, records }) {
    const [{ who }] = question.parts.map((part) => progress.predictionOf(this.#state, part));
    const names = { ...this.#names(question), who };
    const scores = question.parts.map((part) => scorePart(part, progress.predictionOf(this.#state, part).answer, evidence, models, names));
    return { scores, who, outcome: overall(scores.map((score) => score.outcome)), evidence, formulas, models, records };
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
    this.#renderSteps();
    this.#article.dataset.question = question.id;
    this.#article.dataset.phase = state.phase;
    this.#article.innerHTML = `
      <div class="panel stack predict-ask">
        <p class="soft small">Question ${this.#current + 1} of ${QUESTIONS.length}</p>
        <h2 id="predict-title" tabindex="-1">${question.title}</h2>
        <p class="predict-text">${question.text}</p>
        ${state.phase === "asked" ? formHtml(question) : lockedHtml(question, state, (part, answer) => this.#words(part, answer))}
        ${ruleHtml(question.parts.map(ruleOf))}
      </div>
      <div class="stack predict-beside">
        <section class="panel stack predict-vote" aria-label="The class votes" aria-live="polite"></section>
        <div class="panel stack predict-reveal"></div>
      </div>`;
    this.#renderVote();
    if (state.phase === "revealed") this.#renderResult(this.#article.querySelector(".predict-reveal"));
    else this.#renderRun();
    this.#article.prepend(this.#lanes.element);
    this.#showLanes();
  }

  #renderSteps() {
    this.#steps.innerHTML = stepsHtml(QUESTIONS, this.#states, this.#current);
  }

  /** Show the lanes of the runs: live while they are in progress, and afterwards if their data is still stored. */
  #showLanes() {
    const question = this.#question;
    if (this.#state.phase === "running") return this.#lanes.follow();
    if (this.#state.phase === "revealed" && !this.#datas.has(question.id)) this.#datas.set(question.id, readRuns(question));
    const datas = this.#state.phase === "revealed" ? this.#datas.get(question.id) : null;
    if (datas === null) this.#lanes.hide();
    else this.#lanes.keep(question.runs.map(({ id, label }) => ({ label, data: datas[id] })));
  }

  /** Show the vote's controls for the teacher, or the counts of a closed vote. */
  #renderVote() {
    const place = this.#article.querySelector(".predict-vote");
    const { phase, vote: closed, result } = this.#state;
    const vote = this.#vote.on(this.#question);
    const isOpen = vote?.state === "open";
    const mayAsk = this.#context.teacher && this.#vote.devices > 0 && ["asked", "ready"].includes(phase);
    const html = isOpen && this.#context.teacher ? openVoteHtml(vote) : mayAsk ? askHtml(this.#vote.devices, closed !== null) : "";
    const shown = JSON.stringify([html, closed, phase]);
    if (place.dataset.showing === shown) return;
    place.dataset.showing = shown;
    const focused = place.querySelector(":focus")?.dataset.action;
    place.innerHTML = html;
    // A new vote hides the counts of the earlier one; the result of the run shows them itself.
    if (closed !== null && result === null && !isOpen) place.prepend(...this.#question.parts.map((part) => this.#votesTable(part, [])));
    place.hidden = place.childElementCount === 0;
    if (focused) place.querySelector(`[data-action="${focused}"]`)?.focus();
  }

  /** Return a bar chart of the votes for each choice; the `right` choices get a tick. */
  #votesTable(part, right) {
    const counts = this.#state.vote.counts[part.id];
    const bars = choicesOf(part).map(({ value, text }) => ({ label: text, value: counts[value], kind: "vote", isRight: right.includes(value) }));
    const table = barTable(bars, "devices", `Votes of the class: ${part.ask}`);
    table.classList.add("votes");
    return table;
  }

  /** Show the planned runs and their progress, until the result takes their place. */
  #renderRun() {
    if (this.#state.phase !== "revealed") this.#article.querySelector(".predict-reveal").innerHTML = this.#runHtml();
  }

  /** Return an answer as it is written on the form. */
  #words(part, answer) {
    return part.kind === "number" ? answer : choicesOf(part).find(({ value }) => value === answer).text;
  }

  #runHtml() {
    const question = this.#question;
    const { phase } = this.#state;
    const totalS = question.runs.reduce((sum, run) => sum + run.settings.duration_s, 0);
    const runs = question.runs.map((run) => `<li>${run.label}, for ${run.settings.duration_s} s</li>`).join("");
    const isRunning = phase === "running";
    return `<h3>The run decides</h3>
      <ul class="predict-runs">${runs}</ul>
      <div class="row">
        <button type="button" class="button button-strong" data-action="run" aria-describedby="predict-hint" ${this.#mayRun() ? "" : "disabled"}>
          ${isRunning ? "Running …" : "Run it"}</button>
        <span id="predict-hint" class="soft">${isRunning ? "" : this.#runHint(totalS)}</span>
      </div>
      <p class="wrong predict-trouble" role="alert" hidden></p>
      ${isRunning ? progressHtml(question) : ""}`;
  }

  #runHint(totalS) {
    const { runs } = this.#question;
    if (this.#context.recorded) return "A recorded run plays: no run can be made. Go live to run it.";
    if (!this.#context.teacher) return "Only the teacher’s page can start a run.";
    if (this.#state.phase === "ready") return `Four real connections, ${runs.length === 1 ? "one run" : `${runs.length} runs`}, ${totalS} s.`;
    if (this.#mayRun()) return "The vote ends when the run begins.";
    return "Locked until there is a prediction, your own or the class’s, or you skip it.";
  }

  /** Show the progress of the runs, as reported by Experiment. */
  #showProgress({ run, share_ratio: share, hide }) {
    const status = this.#article.querySelector(".predict-now");
    if (!status) return;
    if (status.textContent !== run.label) status.textContent = run.label;
    this.#article.querySelector(".predict-progress").value = share;
    const hint = this.#article.querySelector(".predict-hide");
    if (hint && hint.textContent !== hide) hint.textContent = hide;
  }

  #complain(text) {
    const trouble = this.#article.querySelector(".predict-trouble");
    if (trouble === null) return this.#context.announce(text);
    trouble.textContent = text;
    trouble.hidden = false;
  }

  #renderResult(panel) {
    const question = this.#question;
    const { result, vote } = this.#state;
    const { outcome, scores, who, evidence, formulas, models, records } = result;
    panel.innerHTML = `<section class="predict-result stack" aria-live="polite"><h3 tabindex="-1">What the run shows</h3>
      ${verdictHtml(outcome, who, scores, unmeasuredReason(question, outcome))}</section>`;
    const section = panel.firstElementChild;
    question.parts.forEach((part, index) => {
      const div = document.createElement("div");
      div.className = "predict-part";
      div.innerHTML = partResultHtml(part, scores[index], who);
      const field = part.field ?? "pace_ratio";
      if (scores[index].bars.length > 0) div.append(barTable(scores[index].bars, field, FIELDS[field].label));
      div.insertAdjacentHTML("beforeend", formulasHtml(question, part, formulas, models));
      if (vote !== null) div.append(this.#votesTable(part, scores[index].right));
      section.append(div);
    });
    section.insertAdjacentHTML(
      "beforeend",
      `<p class="predict-why">${question.why}</p>
      ${recordHtml(question, evidence, records)}
      ${numbersHtml(question, evidence)}
      <div class="row">
        ${this.#current + 1 < QUESTIONS.length ? '<button type="button" class="button button-strong without-plan" data-action="next">Next question</button>' : ""}
        <button type="button" class="button button-strong with-plan" data-route-action="next">Next card</button>
        <button type="button" class="button" data-action="again">Predict again</button>
      </div>`,
    );
  }
}

function progressHtml(question) {
  return `<p class="predict-now" role="status"></p>
    <progress class="predict-progress" max="1" value="0" aria-label="The runs so far"></progress>
    ${needsHiding(question) ? '<p class="note predict-hide"></p>' : ""}`;
}

function unmeasuredReason(question, outcome) {
  if (outcome !== "unmeasured" || !needsHiding(question)) return null;
  return "The tab was not hidden for long enough, so this run cannot tell. Predict again, and open another tab for ten seconds while it runs.";
}
