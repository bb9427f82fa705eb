/** The controls of a run: presets, fields for its settings, start and stop. */

import { describe, presetButtons } from "../../shared/presets.js";
import { ARRIVALS, DEFAULT_SETTINGS, NUMBER_FIELDS, sameSettings } from "../../shared/settings.js";

/** Set up the controls, which show the page's settings.
 *
 * @param {HTMLFormElement} form @param {import("../main.js").Context} context
 * @returns {{showRun: (run: object|null) => void}} `showRun`: show the settings of a frozen or replayed run instead; null: the page's again
 */
export function setUpControls(form, context) {
  const part = (id) => form.querySelector(`#${id}`);
  const inputs = buildFields(part("settings-fields"));
  /** Fields that somebody has typed in since the last start: settings of runs that others start do not replace what is in them. */
  const edited = new Set();
  let heldRun = null;

  const presets = presetButtons(part("presets"), start);
  part("settings-button").addEventListener("click", () => showFields(part("settings-fields").hidden));
  part("stop-button").addEventListener("click", () => tell(context.stopRun()));
  form.addEventListener("input", (event) => {
    edited.add(event.target.name);
    showDifference();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const found = readFields(inputs);
    if (found.complaint) showError(found.complaint, found.input);
    else start(found.settings);
  });
  context.on("settings", (settings) => {
    writeFields(inputs, settings, edited);
    showSettings();
    showError("");
    showDifference();
  });
  context.on("hello", () => allow(context.teacher));
  return {
    showRun(run) {
      if (run?.id === heldRun?.id) return;
      heldRun = run;
      showSettings();
    },
  };

  function start(settings) {
    edited.clear();
    context.setSettings(settings);
    tell(context.startRun(settings, { auto: true }));
  }

  async function tell(request) {
    try {
      await request;
      showError("");
    } catch (error) {
      showError(error.message);
    }
  }

  function showError(text, input = null) {
    for (const each of Object.values(inputs)) each.removeAttribute("aria-invalid");
    if (input) {
      input.setAttribute("aria-invalid", "true");
      showFields(true);
      input.focus();
    }
    part("controls-error").textContent = text;
    part("controls-error").hidden = text === "";
  }

  function showFields(shown) {
    part("settings-fields").hidden = !shown;
    part("settings-button").setAttribute("aria-expanded", String(shown));
    part("settings-button").textContent = shown ? "Hide settings" : "Settings";
  }

  function showSettings() {
    const settings = heldRun?.settings ?? context.settings();
    presets.show(settings);
    part("settings-summary").textContent = (heldRun === null ? "" : `Run ${heldRun.id}: `) + describe(settings);
  }

  /** Let the start button say whether the fields differ from the present settings. */
  function showDifference() {
    const found = readFields(inputs);
    const differs = found.complaint || !sameSettings(found.settings, context.settings());
    part("start-button").textContent = differs ? "Start with these" : "Start again";
  }

  function allow(teacher) {
    for (const control of form.querySelectorAll("input, select, button:not(#settings-button)")) control.disabled = !teacher;
    part("controls-note").hidden = teacher;
  }
}

function buildFields(place) {
  const inputs = {};
  const add = (name, label, input) => {
    const field = document.createElement("div");
    field.className = "field";
    const title = document.createElement("label");
    Object.assign(title, { htmlFor: `setting-${name}`, textContent: label });
    Object.assign(input, { id: `setting-${name}`, name });
    field.append(title, input);
    place.append(field);
    inputs[name] = input;
  };
  for (const { name, label, min, max, step } of NUMBER_FIELDS) {
    const input = document.createElement("input");
    Object.assign(input, { type: "number", min, max, step, required: true, inputMode: "decimal" });
    add(name, label, input);
    if (name === "rate_per_s") add("arrival", "They come", choiceOf(ARRIVALS));
  }
  const choice = choiceOf({ true: "With a cursor", false: "Without" });
  add("cursor", "Polls ask", choice);
  const seed = document.createElement("input");
  Object.assign(seed, { type: "number", min: 0, step: 1, placeholder: "new" });
  add("seed", "Seed", seed);
  return inputs;
}

function choiceOf(options) {
  const select = document.createElement("select");
  for (const [value, text] of Object.entries(options)) select.append(new Option(text, value));
  return select;
}

function readFields(inputs) {
  const settings = { ...DEFAULT_SETTINGS, arrival: inputs.arrival.value, cursor: inputs.cursor.value === "true" };
  for (const { name, label, min, max, step } of NUMBER_FIELDS) {
    const input = inputs[name];
    const value = input.valueAsNumber;
    if (!(value >= min && value <= max) || (step === 1 && !Number.isInteger(value))) {
      const kind = step === 1 ? "a whole number" : "a number";
      return { input, complaint: `“${label}” must be ${kind} from ${min} to ${max}${input.value === "" ? "" : `, not ${input.value}`}.` };
    }
    settings[name] = value;
  }
  const { seed } = inputs;
  if (seed.value !== "" && !(Number.isSafeInteger(seed.valueAsNumber) && seed.valueAsNumber >= 0)) {
    return { input: seed, complaint: "“Seed” must be a whole number from 0, or empty." };
  }
  settings.seed = seed.value === "" ? null : seed.valueAsNumber;
  return { settings };
}

function writeFields(inputs, settings, edited) {
  for (const [name, input] of Object.entries(inputs)) {
    if (!edited.has(name)) input.value = settings[name] === null ? "" : String(settings[name]);
  }
}
