/** The view Lesson. It shows one run at one of its steps; all its sections follow from these two. */

import { BugView } from "./bug.js";
import { CodeView } from "./code_view.js";
import { element, renderKeyed } from "./element.js";
import { renderFlow } from "./flow.js";
import { all, first, pollsToLearn } from "./facts.js";
import { MomentsView } from "./moments.js";
import { pause, until } from "./patience.js";
import { QuizView } from "./quiz.js";
import { buildRows } from "./rows.js";
import { LessonSession } from "./session.js";
import { snapshot } from "./snapshot.js";
import { TableView } from "./table_view.js";
import { TEMPLATE } from "./template.js";
import { renderTracker } from "./tracker.js";
import { transcript } from "./transcript.js";

const VIEW = "lesson";
/** The pause before each message of a played run. */
const MESSAGE_PAUSE_MS = 1000;
const TICK_MS = 1000;
const SAMPLE_NAMES = { once: "single echo", loop: "loop", push: "push" };
/** The messages that a played run sends to each version. */
const PLAYED_MESSAGES = { once: ["Hello"], loop: ["Hello", "Hello again"], push: [] };
/** How many pushed messages a played run waits for, over the WebSocket and by polling. */
const PUSHED = 5;

/** Build the view in its section. */
export function mount(section, context) {
  section.innerHTML = TEMPLATE;
  const lesson = new Lesson(section, context);
  lesson.start();
}

class Lesson {
  #bug;
  #code;
  #context;
  #drawing;
  #find;
  #moments;
  #playing;
  #proof;
  #quiz;
  #sample;
  #section;
  #session;
  #shown;
  #sought;
  #step;
  #table;
  #wasReady;

  constructor(section, context) {
    this.#section = section;
    this.#context = context;
    this.#sample = "once";
    this.#shown = null;
    this.#step = null; // an index; null follows the latest
    this.#proof = null;
    this.#playing = false;
    this.#drawing = false;
    this.#wasReady = false;
    this.#sought = null;
    this.#session = new LessonSession(() => context.serverNow(), () => this.#draw());
    const find = (selector) => section.querySelector(selector);
    this.#find = find;
    const show = (row) => this.#go(row.number - 1, true);
    const prove = (row) => this.#prove(row);
    this.#code = new CodeView(find(".lesson-code"));
    this.#table = new TableView(find(".lesson-scroll"), (index) => this.#go(index));
    this.#quiz = new QuizView(find(".lesson-quiz"), prove, show);
    this.#bug = new BugView(find(".lesson-bug"), this.#session, { onRun: (run) => this.#show(run), onProof: prove, onShow: show });
    this.#moments = new MomentsView(find(".lesson-moments"), this.#session, (runs) => this.#show(runs.at(-1)));
  }

  start() {
    for (const button of this.#section.querySelectorAll("[data-sample]")) {
      button.onclick = () => this.#choose(button.dataset.sample);
    }
    const actions = {
      play: () => this.#mayBegin() && this.#play(),
      connect: () => this.#mayBegin() && this.#connect(),
      bye: () => this.#say("Bye"), close: () => this.#shown.socket.close(1000),
      back: () => this.#move(-1), forward: () => this.#move(1), copy: () => this.#copy(),
    };
    for (const [name, act] of Object.entries(actions)) this.#find(`[data-action="${name}"]`).onclick = act;
    this.#find(".lesson-say").onsubmit = (event) => {
      event.preventDefault();
      this.#say(this.#find("#lesson-message").value);
    };
    const technical = this.#find('[data-switch="technical"]');
    technical.onchange = () => { this.#find(".lesson").dataset.technical = String(technical.checked); };
    technical.onclick = (event) => event.detail > 0 && technical.blur(); // so that the arrow keys step
    this.#find(".lesson-run").onchange = (event) => {
      this.#show(this.#session.connections.find((connection) => connection.run === Number(event.target.value)));
    };
    this.#context.on("step", ({ view, direction }) => { if (view === VIEW) this.#move(direction); });
    this.#context.on("clock", () => { if (!this.#wasReady) this.#draw(); });
    setInterval(() => { if (this.#isOpen() && !this.#section.hidden) this.#draw(); }, TICK_MS);
    this.#session.follow();
    this.#render(); // at once, since the template's buttons are not disabled
  }

  #choose(sample) {
    this.#sample = sample;
    this.#shown = this.#session.connections.findLast((connection) => connection.sample === sample) ?? null;
    this.#step = null;
    this.#proof = null;
    this.#draw();
  }

  #show(connection) {
    if (connection === this.#shown) return;
    this.#sample = connection.sample;
    this.#shown = connection;
    this.#step = null;
    this.#proof = null;
    this.#draw();
  }

  /** Open a connection and show it; polling starts beside a server that speaks first. */
  #connect() {
    const connection = this.#session.connect(this.#sample);
    this.#show(connection);
    if (connection.sample === "push") this.#session.poll(connection);
    return connection;
  }

  /** Send a message over the WebSocket and, beside it, as a request. */
  async #say(text) {
    const connection = this.#shown;
    this.#step = null;
    connection.socket.send(text);
    await this.#session.post(connection, text);
  }

  async #play() {
    this.#playing = true;
    try {
      const connection = this.#connect();
      const rows = () => buildRows(connection);
      const isClosed = () => connection.socket.state === "CLOSED";
      const answers = (number) => until(() => all(rows(), "message").length >= number || isClosed());
      await until(() => connection.socket.state !== "CONNECTING");
      for (const [index, text] of PLAYED_MESSAGES[connection.sample].entries()) {
        await pause(MESSAGE_PAUSE_MS);
        await Promise.all([this.#say(text), answers(index + 1)]);
      }
      if (connection.sample === "push") {
        await answers(PUSHED);
        await until(() => pollsToLearn(connection.exchanges).learned >= PUSHED || isClosed());
      } else if (connection.sample === "loop") {
        await pause(MESSAGE_PAUSE_MS);
      }
      if (connection.sample !== "once") connection.socket.close(1000);
      await until(() => first(rows(), "closed"));
    } catch (error) {
      this.#session.refusal = error.message;
    }
    this.#playing = false;
    this.#draw();
  }

  #move(by) {
    const last = this.#rows().length - 1;
    this.#go(Math.min(Math.max((this.#step ?? last) + by, 0), last));
  }

  #go(index, scroll = false) {
    const last = this.#rows().length - 1;
    if (last < 0) return;
    this.#step = index >= last ? null : index;
    this.#sought = scroll ? "start" : "nearest";
    this.#draw();
  }

  #prove(row) {
    this.#proof = row.number;
    this.#step = row.number - 1;
    this.#draw();
  }

  async #copy() {
    const status = this.#find(".lesson-copied");
    try {
      await navigator.clipboard.writeText(transcript(this.#rows()).join("\n"));
      status.textContent = "Copied.";
    } catch {
      status.textContent = "The browser does not allow copying here; select the text instead.";
    }
  }

  #rows() {
    return this.#shown ? buildRows(this.#shown) : [];
  }

  /** Whether the server is connected and its clock known, without which nothing can be recorded. */
  get #ready() {
    return this.#session.ready && this.#context.serverNow() !== null;
  }

  #isOpen() {
    return this.#shown?.socket.state === "OPEN";
  }

  /** Whether a connection may be opened: only one at a time. A second click may come before the buttons are drawn as disabled. */
  #mayBegin() {
    return this.#ready && !this.#playing && !["CONNECTING", "OPEN"].includes(this.#shown?.socket.state);
  }

  /** Render with the next frame, and only once per frame. */
  #draw() {
    if (this.#drawing) return;
    this.#drawing = true;
    requestAnimationFrame(() => {
      this.#drawing = false;
      this.#render();
    });
  }

  #render() {
    const rows = this.#rows();
    const current = this.#step === null ? rows.length - 1 : Math.min(this.#step, rows.length - 1);
    const row = rows[current] ?? null;
    this.#renderControls();
    this.#renderRuns();
    renderFlow(this.#find(".lesson-flow"), rows.slice(0, current + 1), this.#exchangesAt(row, rows), this.#sample === "push");
    const sample = this.#session.samples[this.#sample];
    if (sample) this.#code.render(sample, lineAt(rows, current), row?.waits ?? false);
    renderTracker(this.#find(".lesson-tracker"), rows, current);
    this.#table.render(rows, current, this.#proof);
    this.#seek();
    this.#find(".lesson-at").textContent = row ? `Step ${row.number} of ${rows.length}` : "No step";
    this.#find('[data-action="copy"]').disabled = !row;
    this.#find('[data-action="back"]').disabled = current <= 0;
    this.#find('[data-action="forward"]').disabled = current >= rows.length - 1;
    this.#quiz.render(this.#shown, rows, this.#session.maxLife_s);
    this.#renderState(row);
    this.#renderTexts(rows);
    const error_ms = this.#context.clockUncertaintyMs();
    this.#find(".lesson-error-note").textContent = error_ms === null ? ""
      : `Times are the server's; those of the browser are converted, and may be off by ${error_ms.toFixed(1)} ms. Bytes are counted on the wire.`;
  }

  /** Scroll to the current step after the user has stepped; the run itself does not scroll the page. */
  #seek() {
    if (this.#sought === "start") this.#find(".lesson-execution").scrollIntoView({ block: "nearest" });
    if (this.#sought !== null) this.#find(".lesson-table tr[aria-current]")?.scrollIntoView({ block: "nearest" });
    this.#sought = null;
  }

  #renderControls() {
    const [session, ready, open, busy] = [this.#session, this.#ready, this.#isOpen(), this.#playing];
    this.#wasReady = ready;
    for (const button of this.#section.querySelectorAll("[data-sample]")) {
      button.setAttribute("aria-pressed", String(button.dataset.sample === this.#sample));
      button.disabled = busy;
    }
    const enabled = {
      play: this.#mayBegin(), connect: this.#mayBegin(),
      send: open && !busy && this.#sample !== "push", bye: open && !busy && this.#sample === "loop", close: open && !busy,
    };
    for (const [name, on] of Object.entries(enabled)) this.#find(`[data-action="${name}"]`).disabled = !on;
    this.#find("#lesson-message").maxLength = session.maxCharacters ?? 200;
    const refusal = this.#find(".lesson-refusal");
    refusal.hidden = session.refusal === null;
    refusal.textContent = session.refusal ?? "";
    this.#bug.setReady(ready);
    this.#moments.setReady(ready);
  }

  /** Show the connection's state at the current step. */
  #renderState(row) {
    const state = row?.variables.state ?? "none";
    this.#find(".lesson-state").textContent = state === "none" ? "not connected" : state;
    this.#find(".lesson-state").dataset.state = state;
  }

  #renderRuns() {
    const select = this.#find(".lesson-run");
    this.#find(".lesson-runs").hidden = this.#session.connections.length < 2;
    renderKeyed(select, this.#session.connections, (connection) => String(connection.run), (connection) => (
      element("option", { value: connection.run, text: `${connection.run}: ${SAMPLE_NAMES[connection.sample]}` })));
    if (this.#shown) select.value = String(this.#shown.run);
  }

  #renderTexts(rows) {
    const sentences = snapshot(rows, this.#shown?.exchanges ?? [], this.#session.samples[this.#sample], this.#context.serverNow());
    const shown = sentences.length ? sentences : ["They are written from a run: there is none yet."];
    renderKeyed(this.#find(".lesson-sentences"), shown, (text) => text, (text) => element("li", { text }));
    renderKeyed(this.#find(".lesson-transcript ol"), transcript(rows), (text) => text, (text) => element("li", { text }));
  }

  /** Return the requests as they were at a step; at the latest step, all of them. */
  #exchangesAt(row, rows) {
    const exchanges = this.#shown?.exchanges ?? [];
    if (row === null || row === rows.at(-1)) return exchanges;
    return exchanges.filter(({ sent_ns }) => sent_ns <= row.at_ns)
      .map((exchange) => (exchange.answered_ns > row.at_ns ? { ...exchange, answered_ns: null } : exchange));
  }
}

/** Return the line that the handler has reached at a step. */
function lineAt(rows, current) {
  return rows.slice(0, current + 1).findLast((row) => row.line !== null)?.line ?? null;
}
