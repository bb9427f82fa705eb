/** The lesson plans on the page: one card at a time. A plan can be left and resumed in the same tab.
 *
 * The class sees the cards on the projector, so each hides its answer until the teacher reveals it.
 */

import { presetSettings } from "../../shared/settings.js";
import { readStored, store } from "../../shared/tab_storage.js";
import { placeOf, ROUTES } from "./cards.js";
import { endingHtml } from "./ending.js";

const STORED_PLACE = "lesson-plan";

/**
 * @param {HTMLElement} place the element of the card
 * @param {HTMLElement} choice the element with a button for each plan
 * @param {import("../main.js").Context} context
 * @param {{results: () => object[], showQuestion: (index: number) => void}} predict the view Predict
 * @returns {{isOn: () => boolean, go: (direction: 1 | -1) => void, reveal: () => void}} `reveal` shows or hides the card's answer
 */
export function mountRoutes(place, choice, context, predict) {
  /** The current card, {route, card, revealed} (cards.js); null outside a lesson plan. */
  let at = null;
  /** Resolves when the server has started the run of the last card that has one. */
  let starting = Promise.resolve();

  offer();
  // What must be in sight with the card leaves room for it (css).
  new ResizeObserver(() => document.body.style.setProperty("--card-height", `${place.offsetHeight}px`)).observe(place);
  // The whole document, since the view Predict has a button for the next card, too.
  document.addEventListener("click", (event) => {
    const action = event.target.closest("[data-route-action]")?.dataset.routeAction;
    if (action === "next") go(1);
    else if (action === "back") go(-1);
    else if (action === "reveal") reveal();
    else if (action === "measure") preparePage(at.route.cards[at.card]);
    else if (action === "leave") leave();
  });
  choice.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button === null) return;
    choice.closest("dialog").close();
    enter(placeOf("goOn" in button.dataset ? readStored(STORED_PLACE) : { route: button.dataset.route, card: 0 }));
  });
  context.on("ended", () => at?.route.cards[at.card].isEnding && show());

  /** Offer the plans, and first of all to resume the one that was left. */
  function offer() {
    const left = placeOf(readStored(STORED_PLACE));
    const goOn = left === null ? "" : `<button type="button" class="button button-strong" data-go-on>Go on: ${left.route.label}, card ${left.card + 1}</button>`;
    choice.innerHTML = goOn + ROUTES.map(({ id, label }) => `<button type="button" class="button" data-route="${id}">${label}</button>`).join("");
  }

  function enter(found) {
    at = found;
    storePlace(at);
    offer();
    preparePage(at.route.cards[at.card]);
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
    storePlace(at);
    showAnswer();
    if (isShown) context.announce(route.cards[card].see);
  }

  function leave() {
    at = null;
    place.hidden = true;
    document.body.removeAttribute("data-route");
  }

  function preparePage({ view, preset, holds, question, knobs }) {
    context.show(view);
    if (preset && context.teacher) {
      const settings = presetSettings(preset);
      context.setSettings(settings);
      starting = context.startRun(settings).catch((error) => context.announce(error.message));
    }
    // A new run makes the picture live again, so it is frozen only after the run of the previous card has started.
    const card = at;
    if (holds) starting.then(() => at === card && context.hold());
    if (question !== undefined) predict.showQuestion(question);
    if (knobs) context.showKnobs();
  }

  function show() {
    const { route, card } = at;
    const { title, press, ask, see, isEnding } = route.cards[card];
    const body = isEnding
      ? endingHtml(context.store.whole ?? context.store.finished, predict.results())
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

function storePlace({ route, card, revealed }) {
  store(STORED_PLACE, { route: route.id, card, revealed: [...revealed] });
}
