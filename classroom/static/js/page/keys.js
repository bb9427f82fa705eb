/** The page's keyboard shortcuts: Space or K freezes, arrows step, 1 to 4 change the view, F is full screen; Page Up, Page Down and S are for the
 * lesson plan. They are off in text fields and behind an open dialog, and a focused control keeps Space.
 */

const TAKES_SPACE = 'button, summary, a, input:not([type="range"])';
const TAKES_ARROWS = 'input, [role="tablist"], [role="radiogroup"]';

/** Listen to all shortcuts. `plan()` returns the lesson plans (routes/routes.js). */
export function listenToKeys({ plan, views, show, current, signals }) {
  document.addEventListener("keydown", (event) => {
    if (document.querySelector("dialog[open]") !== null) return;
    if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || isTyping(event.target)) return;
    const act = actionOf(event, { plan, views, show, current, signals });
    if (act === null) return;
    event.preventDefault();
    act();
  });
  // After a click a control would keep the focus and take Space and the arrow keys, which a user of the mouse wants for the page.
  document.addEventListener("click", (event) => event.detail > 0 && event.target.closest('button, input[type="range"]')?.blur());
  document.getElementById("fullscreen-button").addEventListener("click", toggleFullscreen);
}

function actionOf(event, { plan, views, show, current, signals }) {
  if ((event.key === "PageDown" || event.key === "PageUp") && plan()?.isOn() && !event.target.closest?.("input")) return () => plan().go(event.key === "PageDown" ? 1 : -1);
  if ((event.key === "s" || event.key === "S") && plan()?.isOn()) return plan().reveal;
  const freeze = () => signals.emit("freeze", { view: current() });
  if (event.key === "k" || event.key === "K") return freeze;
  if (event.key === " ") return event.target.closest?.(TAKES_SPACE) ? null : freeze;
  if (event.key === "Escape") return () => signals.emit("escape", { view: current() });
  if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
    const direction = event.key === "ArrowLeft" ? -1 : 1;
    return event.target.closest?.(TAKES_ARROWS) ? null : () => signals.emit("step", { view: current(), direction });
  }
  const position = Number(event.key) - 1;
  if (event.key.length === 1 && position in views) return () => show(views[position]);
  if (event.key === "f" || event.key === "F") return toggleFullscreen;
  return null;
}

function isTyping(target) {
  return target.closest?.('input:not([type="checkbox"], [type="radio"], [type="range"]), select, textarea, [contenteditable]') !== null;
}

function toggleFullscreen() {
  const change = document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen();
  change.catch(() => {}); // the browser refused
}
