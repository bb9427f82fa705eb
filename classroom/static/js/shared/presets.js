/** The buttons of the presets, and a run's settings in words, for every place where runs are started. */

import { ARRIVALS, PRESETS, presetOf, presetSettings } from "./settings.js";

/** Add a button for each preset to `place`; `choose(settings)` is called with the settings of the pressed one.
 *
 * @returns {{show: (settings: object) => void}} `show` marks the preset that has these settings
 */
export function presetButtons(place, choose) {
  for (const [name, { label, line }] of Object.entries(PRESETS)) {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", className: "button", textContent: label, title: `${line} ${sentencesOf(presetSettings(name))}` });
    button.dataset.preset = name;
    button.setAttribute("aria-pressed", "false");
    button.addEventListener("click", () => choose(presetSettings(name)));
    place.append(button);
  }
  return {
    show(settings) {
      const preset = presetOf(settings);
      for (const button of place.querySelectorAll("[data-preset]")) button.setAttribute("aria-pressed", String(button.dataset.preset === preset));
    },
  };
}

/** Describe settings in sentences, which begin with the preset's own if a preset has them. */
export function describe(settings) {
  const preset = presetOf(settings);
  return (preset === null ? "" : `${PRESETS[preset].line} `) + sentencesOf(settings);
}

function sentencesOf(settings) {
  const { rate_per_s, arrival } = settings;
  const every = rate_per_s >= 1 ? `${rate_per_s} ${rate_per_s === 1 ? "event" : "events"} a second` : `an event every ${Math.round(100 / rate_per_s) / 100} s`;
  const text = arrival === "periodic" ? every.replace(/^a/, "A") : `About ${every}`;
  return [
    `${text}, ${ARRIVALS[arrival].toLowerCase()}.`,
    `A short poll asks every ${settings.poll_interval_s} s, a long poll waits up to ${settings.hold_s} s.`,
    settings.cursor ? null : "Polls do not say which events they have already.",
    `Network: ${settings.one_way_delay_ms} ms each way.`,
  ].filter(Boolean).join(" ").replaceAll(/(\d) /g, "$1\u00a0");
}
