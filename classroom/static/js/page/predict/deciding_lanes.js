/** The lanes of the runs that answer a question: live, then as a slow replay. */

import { SPEEDS, Timeline } from "../../lanes/timeline.js";
import { LanesView } from "../../lanes/view.js";
import { countText } from "../../shared/format.js";
import { laneNumbers } from "../../shared/numbers.js";
import { TRANSPORTS } from "../../shared/transports.js";

const SPAN_NS = 10e9;
const [, SLOWLY] = SPEEDS;
const SLOW_SHARE = 1 / 4;
const FIGURES_PERIOD_MS = 400;

export class DecidingLanes {
  element = document.createElement("section");
  #context;
  /** The event under the pointer, {data, seq}; null if there is none. */
  #pointed = null;
  /** The finished runs, [{label, data}]; empty while they are in progress. */
  #runs = [];
  #timeline = new Timeline();
  #view = null;

  constructor(context) {
    this.#context = context;
    this.element.className = "panel lanes-panel predict-lanes";
    this.element.setAttribute("aria-label", "Lanes of the run");
    this.element.hidden = true;
    this.element.innerHTML = `<div class="lanes-bar"><p class="lanes-status"></p><div class="row" role="group" aria-label="See it again"></div></div><div class="lanes"></div>`;
    this.element.addEventListener("click", (event) => {
      const button = event.target.closest("[data-again]");
      if (button) this.#replay(this.#runs[Number(button.dataset.again)]);
    });
    context.on("theme", () => this.#view?.recolour());
    context.on("freeze", ({ view }) => view === "predict" && this.#freezeOrResume());
    setInterval(() => context.view() === "predict" && this.#showState(), FIGURES_PERIOD_MS);
  }

  hide() {
    this.element.hidden = true;
  }

  /** Show the runs live. */
  follow() {
    this.#runs = [];
    this.#timeline.goLive();
    this.#show();
  }

  /** Freeze the picture at the end of the last run and offer a replay of each; change nothing if these runs are shown already. */
  keep(runs) {
    const isNew = runs.some(({ data }, index) => this.#runs[index]?.data !== data);
    if (isNew) {
      this.#runs = runs;
      this.#timeline.goLive();
      this.#timeline.freeze(runs.at(-1).data);
      this.#timeline.moveTo(runs.at(-1).data.run.end_ns, Infinity);
    }
    this.#show();
  }

  #show() {
    this.element.hidden = false;
    this.#view ??= new LanesView(this.element.querySelector(".lanes"), () => this.#visible(), (found) => (this.#pointed = found));
    this.element.querySelector(".row").innerHTML = this.#runs
      .map(({ label }, index) => `<button type="button" class="button" data-again="${index}" aria-pressed="false">${this.#runs.length === 1 ? "Again, slowly" : `Slowly: ${label}`}</button>`)
      .join("");
    this.#showState();
  }

  #visible() {
    const now_ns = this.#context.serverNow();
    const { previous, current, hiddenSince } = this.#context.store;
    if (now_ns === null || this.element.hidden) return null;
    const to_ns = this.#timeline.shownNs(now_ns, current, current !== null);
    const datas = this.#timeline.data === null ? [previous, current].filter(Boolean) : [this.#timeline.data];
    return { datas, from_ns: to_ns - this.#spanNs(), to_ns, hiddenSince, focus: this.#pointed };
  }

  /** The length of the time span shown: shorter in a replay and on a phone. */
  #spanNs() {
    const isNarrow = this.element.querySelector(".lanes").dataset.narrow === "true";
    return (SPAN_NS / (isNarrow ? 2 : 1)) * (this.#timeline.isReplay ? SLOW_SHARE : 1);
  }

  /** Replay a run from its beginning; freeze or resume a replay that is in progress. */
  #replay({ data }) {
    const now_ns = this.#context.serverNow();
    if (now_ns === null) return;
    if (this.#timeline.data === data && this.#isReplaying(now_ns)) return this.#freezeOrResume();
    this.#timeline.replay(data, SLOWLY, now_ns);
    this.#showState();
  }

  #freezeOrResume() {
    const now_ns = this.#context.serverNow();
    if (now_ns === null || !this.#isReplaying(now_ns)) return;
    if (this.#timeline.mode === "replay") this.#timeline.freeze(this.#timeline.data);
    else this.#timeline.resume(now_ns);
    this.#showState();
  }

  /** Whether a replay has not reached its end. */
  #isReplaying(now_ns) {
    return this.#timeline.isReplay && this.#timeline.shownNs(now_ns, null) < this.#timeline.data.over_ns;
  }

  #showState() {
    const view = this.#view === null ? null : this.#visible();
    if (view === null) return;
    const { data, mode } = this.#timeline;
    const shown = data ?? this.#context.store.current;
    const at_s = shown === null ? 0 : Math.max(0, (view.to_ns - shown.run.t0_ns) / 1e9).toFixed(1);
    const status = this.element.querySelector(".lanes-status");
    status.dataset.mode = mode;
    status.textContent = { live: "The run, as it happens", frozen: `Held at ${at_s} s`, replay: `Five times as slow: ${at_s} s` }[mode];
    for (const button of this.element.querySelectorAll("[data-again]")) {
      button.setAttribute("aria-pressed", String(mode === "replay" && this.#runs[Number(button.dataset.again)].data === data));
    }
    for (const transport of TRANSPORTS) this.#view.setFigure(transport, shown === null ? "" : figureOf(laneNumbers(shown, transport, view.to_ns)));
  }
}

function figureOf({ requests, delivered }) {
  return `${countText(requests, "request")}, ${countText(delivered, "event")}`;
}
