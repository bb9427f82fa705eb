/** A lesson plan on the page: one card at a time, which sets the stage; it can be left, and taken up again in this tab.
 *
 * The card is on the projector: what the class should see is hidden on each card until the teacher reveals it.
 */

import { presetSettings } from "../../shared/settings.js";
import { placeOf, ROUTES } from "./cards.js";
import { endingHtml } from "./ending.js";

const KEPT = "lesson-plan";

/**
 * @param {HTMLElement} place where the card is
 * @param {HTMLElement} choice where the plans are offered
 * @param {import("../main.js").Context} context
 * @param {{results: () => object[], showQuestion: (index: number) => void}} predict the view Predict
 * @returns {{isOn: () => boolean, go: (direction: 1 | -1) => void, reveal: () => void}} `reveal` shows what the class should see, or hides it again
 */
export function mountRoutes(place, choice, context, predict) {
  let at = null;
  /** Settles when the run of a card has been started. */
  let starting = Promise.resolve();

  offer();
  // What is to be in one sight leaves room for the card.
  new ResizeObserver(() => document.body.style.setProperty("--card-height", `${place.offsetHeight}px`)).observe(place);
  // Below the verdict of a question there is a button for the next card, too.
  document.addEventListener("click", (event) => {
    const action = event.target.closest("[data-route-action]")?.dataset.routeAction;
    if (action === "next") go(1);
    else if (action === "back") go(-1);
    else if (action === "reveal") reveal();
    else if (action === "measure") setStage(at.route.cards[at.card]);
    else if (action === "leave") leave();
  });
  choice.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button === null) return;
    choice.closest("dialog").close();
    enter(placeOf("goOn" in button.dataset ? recall() : { route: button.dataset.route, card: 0 }));
  });
  context.on("ended", () => at?.route.cards[at.card].isEnding && show());

  /** Where a plan was left, its card is offered first. */
  function offer() {
    const kept = placeOf(recall());
    const goOn = kept === null ? "" : `<button type="button" class="button button-strong" data-go-on>Go on: ${kept.route.label}, card ${kept.card + 1}</button>`;
    choice.innerHTML = goOn + ROUTES.map(({ id, label }) => `<button type="button" class="button" data-route="${id}">${label}</button>`).join("");
  }

  function enter(found) {
    at = found;
    keep(at);
    offer();
    setStage(at.route.cards[at.card]);
    show();
    place.querySelector("h2").focus();
  }

  function go(direction) {
    const card = at.card + direction;
    if (card >= 0 && card < at.route.cards.length) enter({ ...at, card });
  }

  function reveal() {
    const { route, card, revealed } = at;
    if (route.cards[card].isEnding) return;
    const isShown = !revealed.delete(card);
    if (isShown) revealed.add(card);
    keep(at);
    showAnswer();
    if (isShown) context.announce(route.cards[card].see);
  }

  function leave() {
    at = null;
    place.hidden = true;
    document.body.removeAttribute("data-route");
  }

  function setStage({ view, preset, holds, question, knobs }) {
    context.show(view);
    if (preset && context.teacher) {
      const settings = presetSettings(preset);
      context.setSettings(settings);
      starting = context.startRun(settings).catch((error) => context.announce(error.message));
    }
    // Who starts a run sees it: a picture that is to be held waits for the run of the card before.
    const card = at;
    if (holds) starting.then(() => at === card && context.hold());
    if (question !== undefined) predict.showQuestion(question);
    if (knobs) context.showKnobs();
  }

  function show() {
    const { route, card } = at;
    const { title, press, ask, see, isEnding } = route.cards[card];
    const body = isEnding
      ? endingHtml(context.store.finished, predict.results())
      : `<dl class="route-facts"><div><dt>Press</dt><dd>${press}</dd></div><div><dt>Ask</dt><dd>${ask}</dd></div>
          <div><dt>They should see</dt><dd id="route-answer">${see}</dd></div></dl>`;
    place.innerHTML = `<div class="route-head">
        <p class="soft small">${route.label}, card ${card + 1} of ${route.cards.length}</p>
        <h2 tabindex="-1">${title}</h2></div>
      <div class="route-body">${body}</div>
      <div class="route-actions">
        ${isEnding ? "" : '<button type="button" class="button route-reveal" data-route-action="reveal" aria-controls="route-answer"></button>'}
        <button type="button" class="button" data-route-action="back" ${card === 0 ? "disabled" : ""}>Back</button>
        ${isEnding ? "" : '<button type="button" class="button button-strong" data-route-action="next">Next</button>'}
        <button type="button" class="button" data-route-action="leave">${isEnding ? "Close" : "Leave"}</button>
      </div>`;
    showAnswer();
    place.dataset.card = String(card);
    place.hidden = false;
    document.body.dataset.route = route.id;
  }

  function showAnswer() {
    const button = place.querySelector(".route-reveal");
    if (button === null) return;
    const isShown = at.revealed.has(at.card);
    button.setAttribute("aria-expanded", String(isShown));
    button.innerHTML = `${isShown ? "Hide" : "Show"} answer <kbd>S</kbd>`;
    place.querySelector("#route-answer").parentElement.hidden = !isShown;
  }

  return { isOn: () => at !== null, go, reveal };
}

function recall() {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT));
  } catch {
    return null;
  }
}

function keep({ route, card, revealed }) {
  try {
    sessionStorage.setItem(KEPT, JSON.stringify({ route: route.id, card, revealed: [...revealed] }));
  } catch {
    // Storage may be forbidden: the plan then lasts as long as the page.
  }
}
