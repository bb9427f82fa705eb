// The lesson's view: one run is shown at a time, at one of its steps; everything else follows from that.

import { BugView } from "./bug_view.js";
import { CodeView } from "./code_view.js";
import { element, renderKeyed } from "./element.js";
import { flow } from "./flow.js";
import { renderFlow } from "./flow_view.js";
import { first } from "./facts.js";
import { until, pause } from "./moments.js";
import { MomentsView } from "./moments_view.js";
import { QuizView } from "./quiz_view.js";
import { buildRows } from "./rows.js";
import { LessonSession } from "./session.js";
import { snapshot } from "./snapshot.js";
import { TableView } from "./table_view.js";
import { TEMPLATE } from "./template.js";
import { renderTracker } from "./tracker_view.js";
import { transcript } from "./transcript.js";

const VIEW = "lesson";
const BREATH_MS = 1000;
const TICK_MS = 1000;
const SAMPLE_NAMES = { once: "single echo", loop: "loop" };
const NOTHING = { application_state: null, client_state: null, ready_state: null, received: null, sent: null };

/** Build the lesson into its section of the page. */
export function mount(section, context) {
  section.innerHTML = TEMPLATE;
  const lesson = new Lesson(section, context);
  lesson.start();
}

class Lesson {
  constructor(section, context) {
    this._section = section;
    this._context = context;
    this._sample = "once";
    this._shown = null;
    this._step = null; // an index; null follows the latest
    this._proof = null;
    this._playing = false;
    this._drawing = false;
    this._wasReady = false;
    this._sought = null;
    this._session = new LessonSession(() => context.serverNow(), () => this._draw());
    const find = (selector) => section.querySelector(selector);
    this._find = find;
    const show = (row) => this._go(row.number - 1, true);
    const prove = (row) => this._prove(row);
    this._code = new CodeView(find(".lesson-file"), find(".lesson-code"));
    this._table = new TableView(find(".lesson-scroll"), (index) => this._go(index));
    this._quiz = new QuizView(find(".lesson-quiz"), prove, show);
    this._bug = new BugView(find(".lesson-bug"), this._session, { onRun: (run) => this._show(run), onProof: prove, onShow: show });
    this._moments = new MomentsView(find(".lesson-moments"), this._session, (runs) => this._show(runs.at(-1)));
  }

  start() {
    for (const button of this._section.querySelectorAll("[data-sample]")) {
      button.onclick = () => this._choose(button.dataset.sample);
    }
    const actions = {
      play: () => this._mayBegin() && this._play(),
      connect: () => this._mayBegin() && this._show(this._session.connect(this._sample)),
      bye: () => this._say("Bye"), close: () => this._shown.socket.close(1000),
      back: () => this._move(-1), forward: () => this._move(1), copy: () => this._copy(),
    };
    for (const [name, act] of Object.entries(actions)) this._find(`[data-action="${name}"]`).onclick = act;
    this._find(".lesson-say").onsubmit = (event) => {
      event.preventDefault();
      this._say(this._find("#lesson-message").value);
    };
    this._find(".lesson-run").onchange = (event) => {
      this._show(this._session.connections.find((connection) => connection.run === Number(event.target.value)));
    };
    this._context.on("step", ({ view, direction }) => { if (view === VIEW) this._move(direction); });
    this._context.on("clock", () => { if (!this._wasReady) this._draw(); });
    setInterval(() => { if (this._isOpen() && !this._section.hidden) this._draw(); }, TICK_MS);
    this._session.follow();
    this._render(); // now, not with the next frame: until then the template's buttons look as if they could be pressed
  }

  _choose(sample) {
    this._sample = sample;
    this._shown = this._session.connections.findLast((connection) => connection.sample === sample) ?? null;
    this._step = null;
    this._proof = null;
    this._draw();
  }

  _show(connection) {
    if (connection === this._shown) return;
    this._sample = connection.sample;
    this._shown = connection;
    this._step = null;
    this._proof = null;
    this._draw();
  }

  /** The same message over the WebSocket and, beside it, as a request. */
  async _say(text) {
    const connection = this._shown;
    this._step = null;
    connection.socket.send(text);
    await this._session.post(connection, text);
  }

  async _play() {
    this._playing = true;
    try {
      const connection = this._session.connect(this._sample);
      this._show(connection);
      const rows = () => buildRows(connection);
      const answers = (number) => until(() => rows().filter((row) => row.kind === "message").length >= number
        || connection.socket.state === "CLOSED");
      await until(() => connection.socket.state !== "CONNECTING");
      for (const [index, text] of (connection.sample === "once" ? ["Hello"] : ["Hello", "Hello again"]).entries()) {
        await pause(BREATH_MS);
        await Promise.all([this._say(text), answers(index + 1)]);
      }
      if (connection.sample === "loop") {
        await pause(BREATH_MS);
        connection.socket.close(1000);
      }
      await until(() => first(rows(), "closed"));
    } catch (error) {
      this._session.refusal = error.message;
    }
    this._playing = false;
    this._draw();
  }

  _move(by) {
    const last = this._rows().length - 1;
    this._go(Math.min(Math.max((this._step ?? last) + by, 0), last));
  }

  _go(index, scroll = false) {
    const last = this._rows().length - 1;
    if (last < 0) return;
    this._step = index >= last ? null : index;
    this._sought = scroll ? "start" : "nearest";
    this._draw();
  }

  _prove(row) {
    this._proof = row.number;
    this._step = row.number - 1;
    this._draw();
  }

  async _copy() {
    const told = this._find(".lesson-copied");
    try {
      await navigator.clipboard.writeText(transcript(this._rows()).join("\n"));
      told.textContent = "Copied.";
    } catch {
      told.textContent = "The browser does not allow copying here; select the text instead.";
    }
  }

  _rows() {
    return this._shown ? buildRows(this._shown) : [];
  }

  /** The server is there, and its clock is known: only then can anything be noted. */
  get _ready() {
    return this._session.ready && this._context.serverNow() !== null;
  }

  _isOpen() {
    return this._shown?.socket.state === "OPEN";
  }

  /** One connection is shown at a time. A second click may come before the buttons are drawn as disabled. */
  _mayBegin() {
    return this._ready && !this._playing && !["CONNECTING", "OPEN"].includes(this._shown?.socket.state);
  }

  /** At most once per frame. */
  _draw() {
    if (this._drawing) return;
    this._drawing = true;
    requestAnimationFrame(() => {
      this._drawing = false;
      this._render();
    });
  }

  _render() {
    const rows = this._rows();
    const current = this._step === null ? rows.length - 1 : Math.min(this._step, rows.length - 1);
    const row = rows[current] ?? null;
    this._renderControls();
    this._renderRuns();
    renderFlow(this._find(".lesson-flow"), flow(rows.slice(0, current + 1), this._exchangesAt(row, rows), this._session.pushed));
    const sample = this._session.samples[this._sample];
    if (sample) this._code.render(sample, lineAt(rows, current), row?.waits ?? false);
    renderTracker(this._find(".lesson-tracker"), row?.variables ?? NOTHING, rows[current - 1]?.variables ?? NOTHING);
    this._table.render(rows, current, this._proof);
    this._seek();
    this._find(".lesson-at").textContent = row ? `Step ${row.number} of ${rows.length}` : "No step";
    this._find('[data-action="copy"]').disabled = !row;
    this._find('[data-action="back"]').disabled = current <= 0;
    this._find('[data-action="forward"]').disabled = current >= rows.length - 1;
    this._quiz.render(this._shown, rows, this._session.maxLife_s);
    this._renderTexts(rows);
    const error_ms = this._context.clockUncertaintyMs();
    this._find(".lesson-error-note").textContent = error_ms === null ? ""
      : `Times are the server's; those of the browser are converted, and may be off by ${error_ms.toFixed(1)} ms. Bytes are counted on the wire.`;
  }

  /** Whoever steps sees the step; what happens by itself does not move the page. */
  _seek() {
    if (this._sought === "start") this._find(".lesson-main").scrollIntoView({ block: "start" });
    if (this._sought !== null) this._find(".lesson-table tr[aria-current]")?.scrollIntoView({ block: "nearest" });
    this._sought = null;
  }

  _renderControls() {
    const [session, ready, open, busy] = [this._session, this._ready, this._isOpen(), this._playing];
    this._wasReady = ready;
    for (const button of this._section.querySelectorAll("[data-sample]")) {
      button.setAttribute("aria-pressed", String(button.dataset.sample === this._sample));
      button.disabled = busy;
    }
    const enabled = {
      play: this._mayBegin(), connect: this._mayBegin(),
      send: open && !busy, bye: open && !busy && this._sample === "loop", close: open && !busy,
    };
    for (const [name, on] of Object.entries(enabled)) this._find(`[data-action="${name}"]`).disabled = !on;
    this._find("#lesson-message").maxLength = session.maxCharacters ?? 200;
    this._find(".lesson-state").textContent = `readyState ${this._shown ? this._shown.socket.state : "–"}`;
    this._find(".lesson-state").dataset.state = this._shown ? this._shown.socket.state : "none";
    const refusal = this._find(".lesson-refusal");
    refusal.hidden = session.refusal === null;
    refusal.textContent = session.refusal ?? "";
    this._bug.setReady(ready);
    this._moments.setReady(ready);
  }

  _renderRuns() {
    const select = this._find(".lesson-run");
    this._find(".lesson-runs").hidden = this._session.connections.length < 2;
    renderKeyed(select, this._session.connections, (connection) => String(connection.run), (connection) => (
      element("option", { value: connection.run, text: `${connection.run}: ${SAMPLE_NAMES[connection.sample]}` })));
    if (this._shown) select.value = String(this._shown.run);
  }

  _renderTexts(rows) {
    const sentences = snapshot(rows, this._shown?.exchanges ?? [], this._context.serverNow());
    const shown = sentences.length ? sentences : ["They are written from a run: there is none yet."];
    renderKeyed(this._find(".lesson-sentences"), shown, (text) => text, (text) => element("li", { text }));
    renderKeyed(this._find(".lesson-transcript ol"), transcript(rows), (text) => text, (text) => element("li", { text }));
  }

  /** Requests as they were at that step; all of them at the latest. */
  _exchangesAt(row, rows) {
    const exchanges = this._shown?.exchanges ?? [];
    if (row === null || row === rows.at(-1)) return exchanges;
    return exchanges.filter((one) => one.sent_ns <= row.at_ns)
      .map((one) => (one.answered_ns > row.at_ns ? { ...one, answered_ns: null } : one));
  }
}

/** The line the handler stands on at a step: its own latest. */
function lineAt(rows, current) {
  return rows.slice(0, current + 1).findLast((row) => row.line !== null)?.line ?? null;
}
