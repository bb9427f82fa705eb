/** What the page's URL contains: the settings of a run and the followed event, but never for long the teacher's key. */

import { ARRIVALS, DEFAULT_SETTINGS, NUMBER_FIELDS } from "../shared/settings.js";

const KEY_NAME = "teacher-key";
const EVENT_NAME = "event";

/** Read the settings in a URL, with defaults for the others; null if it has no valid setting. */
export function settingsOfUrl({ search }) {
  const query = new URLSearchParams(search);
  const found = {};
  for (const name of Object.keys(DEFAULT_SETTINGS)) {
    const value = query.has(name) ? settingOfText(name, query.get(name)) : undefined;
    if (value !== undefined) found[name] = value;
  }
  return Object.keys(found).length === 0 ? null : { ...DEFAULT_SETTINGS, ...found };
}

/** Read the sequence number of the followed event; null if the URL has none. */
export function eventOfUrl({ search }) {
  const given = new URLSearchParams(search).get(EVENT_NAME) ?? "";
  return /^[1-9]\d{0,5}$/.test(given) ? Number(given) : null;
}

/** Return a query with the followed event and all settings that differ from the defaults; "" if there are none. */
function queryOf(settings, event = null) {
  const query = new URLSearchParams();
  for (const [name, usual] of Object.entries(DEFAULT_SETTINGS)) {
    const value = settings[name] ?? null;
    if (value !== usual && value !== null) query.set(name, String(value));
  }
  if (event !== null) query.set(EVENT_NAME, String(event));
  const text = query.toString();
  return text === "" ? "" : `?${text}`;
}

export function writeToUrl(settings, event, location, history) {
  history.replaceState(history.state, "", location.pathname + queryOf(settings, event) + location.hash);
}

/** Return the teacher's key; null if there is none. It is moved from the URL to the tab's storage, so that no copied link contains it. */
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

/** Parse a setting; undefined if it is invalid, so that a mistyped link has the default instead of an error. */
function settingOfText(name, text) {
  if (name === "arrival") return text in ARRIVALS ? text : undefined;
  if (name === "cursor") return { true: true, false: false }[text];
  if (text.trim() === "" || !Number.isFinite(Number(text))) return undefined;
  if (name === "seed") return Number.isSafeInteger(Number(text)) ? Number(text) : undefined;
  const { min, max, step } = NUMBER_FIELDS.find((field) => field.name === name);
  const value = Number(text);
  return value >= min && value <= max && (step === "any" || Number.isInteger(value)) ? value : undefined;
}
