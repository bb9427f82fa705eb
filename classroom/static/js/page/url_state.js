/** Settings in the address, so that a link brings the same run; the teacher's key out of it, so that no link tells it. */

import { ARRIVALS, DEFAULT_SETTINGS, NUMBER_FIELDS } from "../shared/settings.js";

const KEY_NAME = "teacher-key";
const EVENT_NAME = "event";

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

/** The event that is followed, by its number; null where the query names none. */
export function eventOfUrl({ search }) {
  const given = new URLSearchParams(search).get(EVENT_NAME) ?? "";
  return /^[1-9]\d{0,5}$/.test(given) ? Number(given) : null;
}

/** What differs from the defaults, and the event that is followed, as a query; "" where there is nothing to name. */
export function queryOf(settings, event = null) {
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
