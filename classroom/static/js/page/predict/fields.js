/** How the figures of a lane are written: label, unit and digits of each. Pure. */

const COUNT = { unit: "", digits: 0 };
const MS = { unit: "ms", digits: 0 };

export const FIELDS = {
  requests: { label: "requests", ...COUNT },
  delivered: { label: "delivered", ...COUNT },
  missed: { label: "missed", ...COUNT },
  requests_per_event: { label: "requests per event", unit: "", digits: 2 },
  empty_ratio: { label: "empty answers", unit: "%", digits: 0, scale: 100 },
  header_bytes: { label: "header bytes", unit: "B", digits: 0 },
  payload_bytes: { label: "payload bytes", unit: "B", digits: 0 },
  bytes: { label: "bytes, both ways", unit: "B", digits: 0 },
  mean_ms: { label: "mean age", ...MS },
  p50_ms: { label: "median age", ...MS },
  p95_ms: { label: "95 % within", ...MS },
  max_ms: { label: "oldest", ...MS },
  devices: { label: "devices", ...COUNT },
  pace_ratio: { label: "pace while hidden", unit: "%", digits: 0, scale: 100 },
};

/** Format a value with its unit, such as "5.17", "52 ms" or "81 %"; an en dash if there is no value. */
export function format(value, field) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const { unit, digits, scale = 1 } = FIELDS[field];
  const scaled = value * scale;
  // Two decimals would turn a ratio of 0.004 into 0: ratios below one get two significant digits instead.
  const text = digits > 0 && Math.abs(scaled) < 1 ? significant(scaled) : scaled.toLocaleString("en", { maximumFractionDigits: digits });
  return unit ? `${text}\u00a0${unit}` : text;
}

/** Format a number with two significant digits. */
export function significant(value) {
  return Number(value.toPrecision(2)).toLocaleString("en", { maximumFractionDigits: 6 });
}
