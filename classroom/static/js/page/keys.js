/** The keys of a presenter: Space, arrows, 1 to 4, F, and page keys for a lesson plan. They never take a key from a field that
 * is being filled in, and none acts behind a dialog. `plan()`: the lesson plans (routes.js).
 */

export function listenToKeys({ plan, views, show, current, signals }) {
  document.addEventListener("keydown", (event) => {
    if (document.querySelector("dialog[open]") !== null) return;
    if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || isTyping(event.target)) return;
    const act = actionOf(event, { plan, views, show, current, signals });
    if (act === null) return;
    event.preventDefault();
    act();
  });
  // A button that was clicked keeps the focus, and Space would press it again: who clicks wants Space to freeze.
  document.addEventListener("click", (event) => event.detail > 0 && event.target.closest("button")?.blur());
  document.getElementById("fullscreen-button").addEventListener("click", toggleFullscreen);
}

function actionOf(event, { plan, views, show, current, signals }) {
  if ((event.key === "PageDown" || event.key === "PageUp") && plan()?.isOn()) return () => plan().go(event.key === "PageDown" ? 1 : -1);
  const usesArrows = event.target.closest?.('[role="tablist"], [role="radiogroup"], [role="slider"]');
  if (event.key === " ") {
    return event.target.closest?.("button, summary, a") ? null : () => signals.emit("freeze", { view: current() });
  }
  if (event.key === "Escape") return () => signals.emit("escape", { view: current() });
  if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
    const direction = event.key === "ArrowLeft" ? -1 : 1;
    return usesArrows ? null : () => signals.emit("step", { view: current(), direction });
  }
  const position = Number(event.key) - 1;
  if (event.key.length === 1 && position in views) return () => show(views[position]);
  if (event.key === "f" || event.key === "F") return toggleFullscreen;
  return null;
}

function isTyping(target) {
  return target.closest?.('input:not([type="checkbox"], [type="radio"], [type="button"]), select, textarea, [contenteditable]') !== null;
}

function toggleFullscreen() {
  const change = document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen();
  change.catch(() => {}); // refused by the browser or its owner: the page is as usable in its window
}
