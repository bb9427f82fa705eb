/** The settings of a run: names, units, defaults, limits and presets, all as in classroom/run_settings.py. */

export const DEFAULT_SETTINGS = Object.freeze({
  rate_per_s: 1,
  arrival: "poisson",
  poll_interval_s: 1,
  hold_s: 30,
  one_way_delay_ms: 50,
  payload_bytes: 100,
  cursor: true,
  duration_s: 30,
  seed: null,
});

export const ARRIVALS = Object.freeze({ periodic: "Evenly spaced", poisson: "At random", burst: "In bursts" });

/** The numeric settings in the order of the controls, with the server's limits. */
export const NUMBER_FIELDS = Object.freeze([
  { name: "rate_per_s", label: "Events per s", min: 0.05, max: 100, step: "any" },
  { name: "poll_interval_s", label: "Poll every (s)", min: 0.1, max: 10, step: "any" },
  { name: "hold_s", label: "Hold up to (s)", min: 1, max: 60, step: "any" },
  { name: "one_way_delay_ms", label: "One way (ms)", min: 0, max: 500, step: "any" },
  { name: "payload_bytes", label: "Payload (B)", min: 0, max: 10000, step: 1 },
  { name: "duration_s", label: "Run for (s)", min: 3, max: 300, step: "any" },
]);

export const PRESETS = Object.freeze({
  steady: { label: "Steady", line: "An event a second: the settings to come back to.", settings: {} },
  chat: { label: "Chat", line: "Short messages, now and then.", settings: { rate_per_s: 0.5, arrival: "poisson", poll_interval_s: 1, payload_bytes: 40 } },
  ticker: { label: "Ticker", line: "Prices that change ten times a second.", settings: { rate_per_s: 10, arrival: "periodic", poll_interval_s: 1, payload_bytes: 120 } },
  idle: { label: "Idle", line: "Hardly anything happens.", settings: { rate_per_s: 0.05, arrival: "poisson" } },
  burst: { label: "Burst", line: "Nothing for a while, then many at once.", settings: { rate_per_s: 5, arrival: "burst" } },
});

/** Return all settings of a preset. */
export function presetSettings(name) {
  return { ...DEFAULT_SETTINGS, ...PRESETS[name].settings };
}

/** Return the name of the preset with these settings, whatever their seed; null if there is none. */
export function presetOf(settings) {
  return Object.keys(PRESETS).find((name) => sameSettings(presetSettings(name), { ...settings, seed: null })) ?? null;
}

export function sameSettings(one, other) {
  return Object.keys(DEFAULT_SETTINGS).every((name) => (one[name] ?? null) === (other[name] ?? null));
}
