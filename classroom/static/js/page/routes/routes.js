/** A lesson plan on the page: one card at a time, which sets the stage; it can be left, and taken up again in this tab. */

import { presetSettings } from "../../shared/settings.js";
import { placeOf, ROUTES } from "./cards.js";
import { endingHtml } from "./ending.js";

const KEPT = "lesson-plan";

/**
 * @param {HTMLElement} place where the card is
 * @param {HTMLElement} choice where the plans are offered
 * @param {import("../main.js").Context} context
 * @param {{results: () => object[], showQuestion: (index: number) => void}} predict the view Predict
 * @returns {{isOn: () => boolean, go: (direction: 1 | -1) => void}}
 */
export function mountRoutes(place, choice, context, predict) {
  let at = null;
  /** Settles when the run of a card has been started. */
  let starting = Promise.resolve();

  offer();
  // Below the verdict of a question there is a button for the next card, too.
  document.addEventListener("click", (event) => {
    const action = event.target.closest("[data-route-action]")?.dataset.routeAction;
    if (action === "next") go(1);
    else if (action === "back") go(-1);
    else if (action === "leave") leave();
  });
  choice.addEventListener("click", (event) => {
    const button = event.target.closest("[data-route]");
    if (button === null) return;
    choice.closest("dialog").close();
    enter(placeOf({ route: button.dataset.route, card: Number(button.dataset.card) }));
  });
  context.on("ended", () => at?.route.cards[at.card].isEnding && show());

  /** Where a plan was left, its card is offered first. */
  function offer() {
    const kept = placeOf(recall());
    const goOn = kept === null ? "" : `<button type="button" class="button button-strong" data-route="${kept.route.id}" data-card="${kept.card}">Go on: ${kept.route.label}, card ${kept.card + 1}</button>`;
    choice.innerHTML = goOn + ROUTES.map(({ id, label }) => `<button type="button" class="button" data-route="${id}" data-card="0">${label}</button>`).join("");
  }

  function enter(found) {
    at = found;
    keep({ route: at.route.id, card: at.card });
    setStage(at.route.cards[at.card]);
    show();
    place.querySelector("h2").focus();
  }

  function go(direction) {
    const card = at.card + direction;
    if (card >= 0 && card < at.route.cards.length) enter({ route: at.route, card });
  }

  function leave() {
    at = null;
    place.hidden = true;
    document.body.removeAttribute("data-route");
    offer();
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
    const facts = [["Press", press], ["Ask", ask], ["They should see", see]];
    const body = isEnding
      ? endingHtml(context.store.finished, predict.results())
      : `<dl class="route-facts">${facts.map(([term, text]) => `<div><dt>${term}</dt><dd>${text}</dd></div>`).join("")}</dl>`;
    place.innerHTML = `<div class="route-head">
        <p class="soft small">${route.label}, card ${card + 1} of ${route.cards.length}</p>
        <h2 tabindex="-1">${title}</h2></div>
      <div class="route-body">${body}</div>
      <div class="route-actions">
        <button type="button" class="button" data-route-action="back" ${card === 0 ? "disabled" : ""}>Back</button>
        ${isEnding ? "" : '<button type="button" class="button button-strong" data-route-action="next">Next</button>'}
        <button type="button" class="button" data-route-action="leave">${isEnding ? "Close" : "Leave"}</button>
      </div>`;
    place.dataset.card = String(card);
    place.hidden = false;
    document.body.dataset.route = route.id;
  }

  return { isOn: () => at !== null, go };
}

function recall() {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT));
  } catch {
    return null;
  }
}

function keep(value) {
  try {
    sessionStorage.setItem(KEPT, JSON.stringify(value));
  } catch {
    // Storage may be forbidden: the plan then lasts as long as the page.
  }
}
