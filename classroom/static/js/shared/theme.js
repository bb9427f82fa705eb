/** Set up the button for light and dark; until it is pressed, the page follows the system's preference. */
export function setUpTheme(onChange) {
  const button = document.getElementById("theme-button");
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const chosen = () => document.documentElement.dataset.theme;
  const isDark = () => (chosen() ? chosen() === "dark" : system.matches);

  function show() {
    button.setAttribute("aria-pressed", String(isDark()));
    onChange();
  }

  button.addEventListener("click", () => {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
    try {
      localStorage.setItem("theme", chosen());
    } catch {
      // Storage may be forbidden: the choice then lasts as long as the page.
    }
    show();
  });
  system.addEventListener("change", show);
  show();
}

/** Return the value of a custom property of theme.css, for canvases. */
export function token(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}
