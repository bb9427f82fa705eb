/**
 * Predict, then reveal: five questions, each answered by a run of its own.
 *
 * A prediction, an explicit skip or a vote of the class unlocks the run; the run, not a key, says what is right. This module holds the
 * view together: questions.js asks, progress.js keeps order, class_vote.js lets devices vote, experiment.js runs, deciding_lanes.js
 * shows the runs, scoring.js judges, views.js and bars.js show the rest.
 */

import { LABELS } from "../../shared/transports.js";
import { barTable } from "./bars.js";
import { ClassVote } from "./class_vote.js";
import { DecidingLanes } from "./deciding_lanes.js";
import { Experiment } from "./experiment.js";
import { FIELDS } from "./fields.js";
import { keepPredictions, keepQuestion, keepRuns, recallPredictions, recallQuestion, recallRuns } from "./kept.js";
import * as progress from "./progress.js";
import { choicesOf, needsHiding, QUESTIONS } from "./questions.js";
import { recordHtml } from "./record.js";
import { overall, ruleOf, scorePart } from "./scoring.js";
import { askHtml, formHtml, formulasHtml, lockedHtml, numbersHtml, openVoteHtml, partResultHtml, ruleHtml, stepsHtml, verdictHtml } from "./views.js";

/** Fills the section with the five questions. Returns {results(), showQuestion(index)} for the hand-out and the lesson plans. */
export function mount(section, context) {
  const view = new PredictView(section, context);
  view.render();
  return { results: () => view.results(), showQuestion: (index) => view.showQuestion(index) };
}

class PredictView {
  #article;
  #context;
  #current;
  /** The runs that decided a question, by its id and theirs; null if they are lost. */
  #datas = new Map();
  #experiment = null;
  #lanes;
  /** Whether a run of this view has stopped the runs that otherwise follow each other. */
  #paused = false;
  #states;
  #steps;
  #vote;

  constructor(section, context) {
    this.#context = context;
    const kept = recallPredictions();
    this.#current = Math.max(0, QUESTIONS.findIndex(({ id }) => id === recallQuestion()));
    this.#states = QUESTIONS.map((question) => progress.restored(kept[question.id] ?? null, question));
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
    // A radio button needs the keys that the page takes for freezing and stepping.
    this.#article.addEventListener("keydown", (event) => event.target.matches("input") && event.stopPropagation());
    // The form stays as it is: a page that has lost its server for a moment has not lost what is typed in it.
    context.on("hello", () => {
      if (this.#experiment) return;
      this.#renderRun();
      this.#renderVote();
    });
    context.on("view", ({ view }) => this.#onView(view));
  }

  /** Once this view is left, runs follow each other by themselves again, and an answered question is taken from the devices. */
  #onView(view) {
    if (view === "predict" || this.#experiment) return;
    this.#dismissVote();
    if (!this.#paused) return;
    this.#paused = false;
    this.#context.setAuto(true).catch(() => {}); // the page's own status says that the server is gone
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
    if (index !== this.#current) this.#dismissVote();
    this.#current = index;
    keepQuestion(this.#question);
    this.render();
    this.#article.querySelector("#predict-title").focus();
  }

  #change(state, index = this.#current) {
    this.#states[index] = state;
    keepPredictions(Object.fromEntries(QUESTIONS.map((question, each) => [question.id, this.#states[each]])));
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
    else if (action === "again") this.#predictAgain();
    else if (action === "next") this.#show((this.#current + 1) % QUESTIONS.length);
    else if (action === "ask") this.#doWithVote(() => this.#vote.ask(this.#question));
    else if (action === "close") this.#doWithVote(() => this.#vote.close());
    else if (action === "withdraw") this.#doWithVote(() => this.#vote.end());
  }

  /** A question is asked anew: earlier choices are not votes for it. */
  async #predictAgain() {
    if (this.#vote.on(this.#question)) await this.#doWithVote(() => this.#vote.end());
    this.#change(progress.ASKED);
  }

  /** Take a question that is answered from the devices. */
  #dismissVote() {
    if (this.#vote.on(this.#question)?.state === "decided") this.#vote.end().catch(() => {}); // another page has done so
  }

  /** Move the focus to what can be done next. */
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

  /** Somebody has voted, joined or left; or a vote of this or another page has begun, was closed or taken back. */
  #onVote() {
    for (const [index, question] of QUESTIONS.entries()) {
      const vote = this.#vote.on(question);
      const state = this.#states[index];
      const isNews = vote?.counts && vote.voted > 0 && vote.id !== state.vote?.id;
      if (isNews && ["asked", "ready"].includes(state.phase)) this.#change(progress.voted(state, vote), index);
    }
    this.#renderVote();
    const button = this.#article.querySelector("[data-action=run]");
    if (this.#state.phase === "asked" && button.disabled !== !this.#mayRun()) this.#renderRun();
  }

  /** Whether there is a prediction, or a skip, or a vote that ends with the run's start. */
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
    this.#lanes.element.scrollIntoView({ block: "start" }); // the lanes have come above the question
    this.#paused ||= this.#context.auto;
    this.#experiment = new Experiment(this.#context, question, (now) => this.#showProgress(now));
    this.#steps.toggleAttribute("inert", true);
    try {
      const found = await this.#experiment.conduct();
      this.#datas.set(question.id, found.datas);
      keepRuns(question, found.datas);
      this.#change(progress.revealed(this.#state, this.#judge(question, found)));
      this.#article.querySelector(".predict-result h3")?.focus({ preventScroll: true });
      this.#lanes.element.scrollIntoView({ block: "start" });
      if (this.#vote.on(question)) await this.#vote.decide(question, this.#state.result.scores).catch(() => {}); // another page has asked anew
    } catch (error) {
      this.#change(progress.brokenOff(this.#state));
      this.#complain(`The run failed: ${error.message}`);
    } finally {
      this.#experiment = null;
      this.#steps.toggleAttribute("inert", false);
    }
    if (this.#state.phase === "revealed") this.#onView(this.#context.view()); // this view was left during the run
  }

  /** The start of a run closes an open vote; one in which nobody has voted does not count. */
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

  /** The lanes of the runs while they are made, and afterwards as far as they are known. */
  #showLanes() {
    const question = this.#question;
    if (this.#state.phase === "running") return this.#lanes.follow();
    if (this.#state.phase === "revealed" && !this.#datas.has(question.id)) this.#datas.set(question.id, recallRuns(question));
    const datas = this.#state.phase === "revealed" ? this.#datas.get(question.id) : null;
    if (datas === null) this.#lanes.hide();
    else this.#lanes.keep(question.runs.map(({ id, label }) => ({ label, data: datas[id] })));
  }

  /** Whether the class has voted, is voting or could vote: how many have, and once the vote is closed, for what. */
  #renderVote() {
    const place = this.#article.querySelector(".predict-vote");
    const { phase, vote: closed, result } = this.#state;
    const vote = this.#vote.on(this.#question);
    const isOpen = vote?.state === "open";
    const mayAsk = this.#context.teacher && this.#vote.devices > 0 && ["asked", "ready"].includes(phase);
    const html = isOpen && this.#context.teacher ? openVoteHtml(vote) : mayAsk ? askHtml(this.#vote.devices, closed !== null) : "";
    const showing = JSON.stringify([html, closed, phase]);
    if (place.dataset.showing === showing) return;
    place.dataset.showing = showing;
    const focused = place.querySelector(":focus")?.dataset.action;
    place.innerHTML = html;
    // During a new vote the earlier one is not shown; and the result of the run has the votes beside it.
    if (closed !== null && result === null && !isOpen) place.prepend(...this.#question.parts.map((part) => this.#votesTable(part, [])));
    place.hidden = place.childElementCount === 0;
    if (focused) place.querySelector(`[data-action="${focused}"]`)?.focus();
  }

  /** How many devices chose what, with the `right` choices marked. */
  #votesTable(part, right) {
    const counts = this.#state.vote.counts[part.id];
    const bars = choicesOf(part).map(({ value, text }) => ({ label: text, value: counts[value], kind: "vote", isRight: right.includes(value) }));
    const table = barTable(bars, "devices", `Votes of the class: ${part.ask}`);
    table.classList.add("votes");
    return table;
  }

  /** What stands beside the question before its result: the runs to be made, and their progress. */
  #renderRun() {
    if (this.#state.phase !== "revealed") this.#article.querySelector(".predict-reveal").innerHTML = this.#runHtml();
  }

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

  /** `now`: {run, share_ratio, hide} several times a second while it runs. */
  #showProgress({ run, share_ratio: share, hide }) {
    const say = this.#article.querySelector(".predict-now");
    if (!say) return;
    if (say.textContent !== run.label) say.textContent = run.label;
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
