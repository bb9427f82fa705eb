/** Settings in the address, so that a link brings the same run; the teacher's key out of it, so that no link tells it. */

import { ARRIVALS, DEFAULT_SETTINGS, NUMBER_FIELDS } from "../shared/settings.js";

const KEY_NAME = "teacher-key";

/** Settings named in the query over the defaults; null where it names none that can be used. */
export function settingsOfUrl({ search }) {
  const query = new URLSearchParams(search);
  const found = {};
  for (const name of Object.keys(DEFAULT_SETTINGS)) {
    const value = query.has(name) ? settingOfText(name, query.get(name)) : undefined;
    if (value !== undefined) found[name] = value;
  }
  return Object.keys(found).length === 0 ? null : { ...DEFAULT_SETTINGS, ...found };
}

/** What differs from the defaults, as a query; "" where nothing does. */
export function queryOfSettings(settings) {
  const query = new URLSearchParams();
  for (const [name, usual] of Object.entries(DEFAULT_SETTINGS)) {
    const value = settings[name] ?? null;
    if (value !== usual && value !== null) query.set(name, String(value));
  }
  const text = query.toString();
  return text === "" ? "" : `?${text}`;
}

export function writeSettingsToUrl(settings, location, history) {
  history.replaceState(history.state, "", location.pathname + queryOfSettings(settings) + location.hash);
}

/** The teacher's key, from `?key=` once and then from this tab's storage; null where there is none. */
export function teacherKeyOfUrl(location, history, storage) {
  const query = new URLSearchParams(location.search);
  if (query.has("key")) {
    storage.setItem(KEY_NAME, query.get("key"));
    query.delete("key");
    const rest = query.toString();
    history.replaceState(history.state, "", location.pathname + (rest === "" ? "" : `?${rest}`) + location.hash);
  }
  return storage.getItem(KEY_NAME);
}

/** A setting's value, or undefined where the text is none: a mistyped link shows the default rather than an error. */
function settingOfText(name, text) {
  if (name === "arrival") return text in ARRIVALS ? text : undefined;
  if (name === "cursor") return { true: true, false: false }[text];
  if (text.trim() === "" || !Number.isFinite(Number(text))) return undefined;
  if (name === "seed") return Number.isSafeInteger(Number(text)) ? Number(text) : undefined;
  const { min, max, step } = NUMBER_FIELDS.find((field) => field.name === name);
  const value = Number(text);
  return value >= min && value <= max && (step === "any" || Number.isInteger(value)) ? value : undefined;
}
