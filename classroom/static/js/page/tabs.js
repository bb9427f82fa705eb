/** The views as tabs, after the WAI-ARIA pattern: the arrow keys move, and only the selected tab is in the tab order. */

/** Set up the tabs of these views. The URL's hash names the current view, so the browser's Back button returns to the previous one. */
export function setUpTabs(names, onShow) {
  const tabOf = (name) => document.getElementById(`tab-${name}`);
  let current = names[0];

  function show(name, { focus = false, isNew = true } = {}) {
    current = name;
    for (const each of names) {
      const selected = each === name;
      tabOf(each).setAttribute("aria-selected", String(selected));
      tabOf(each).tabIndex = selected ? 0 : -1;
      document.getElementById(`view-${each}`).hidden = !selected;
    }
    if (focus) tabOf(name).focus();
    if (window.location.hash !== `#${name}`) window.history[isNew ? "pushState" : "replaceState"](null, "", `#${name}`);
    onShow(name);
  }

  function showByHash() {
    const name = window.location.hash.slice(1);
    show(names.includes(name) ? name : names[0], { isNew: false });
  }

  for (const name of names) tabOf(name).addEventListener("click", () => show(name));
  document.querySelector('[role="tablist"]').addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    show(names[(names.indexOf(current) + step + names.length) % names.length], { focus: true });
  });
  window.addEventListener("popstate", showByHash);
  showByHash();
  return { show, current: () => current };
}
