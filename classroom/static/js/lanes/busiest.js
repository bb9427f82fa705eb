/** The busiest lanes that the settings allow: a hundred events a second for ten seconds, with the shortest poll interval. Pure; for checks of drawing. */

import { RunData, SNAPSHOT_FORMAT, SNAPSHOT_VERSION } from "../shared/run_data.js";
import { NUMBER_FIELDS, DEFAULT_SETTINGS } from "../shared/settings.js";
import { polls, TRANSPORTS } from "../shared/transports.js";

const BUSIEST_S = 10;
const FRAMES = 20;
const FRAME_NS = 33e6;
const SPACING_NS = 1e9 / NUMBER_FIELDS.find(({ name }) => name === "rate_per_s").max;
const POLL_NS = 1e9 * NUMBER_FIELDS.find(({ name }) => name === "poll_interval_s").min;
const TRANSIT_NS = 1e6 * DEFAULT_SETTINGS.one_way_delay_ms;

/** Build a run that lasts BUSIEST_S seconds from moment 0. */
export function busiestRun() {
  const end_ns = BUSIEST_S * 1e9;
  const published = Array.from({ length: end_ns / SPACING_NS }, (_, index) => {
    const due_ns = index * SPACING_NS;
    return { seq: index + 1, due_ns, published_ns: due_ns, event_bytes: DEFAULT_SETTINGS.payload_bytes };
  });
  return RunData.restore({
    format: SNAPSHOT_FORMAT,
    version: SNAPSHOT_VERSION,
    run: { id: 0, t0_ns: 0, end_ns, drain_ns: 0, seed: 0, auto: false, settings: { ...DEFAULT_SETTINGS, rate_per_s: 1e9 / SPACING_NS, poll_interval_s: POLL_NS / 1e9, duration_s: BUSIEST_S } },
    ended: true,
    cut_ns: null,
    uncertainty_ms: 0,
    counts_from_ns: null,
    published,
    hidden: [],
    lanes: Object.fromEntries(TRANSPORTS.map((transport) => [transport, { bytes: [], changes: [], ...(polls(transport) ? polled(published, end_ns) : pushed(published)) }])),
  });
}

/** Build the views of consecutive frames, the last of which ends with that run. */
export function busiestViews() {
  const datas = [busiestRun()];
  return Array.from({ length: FRAMES }, (_, index) => {
    const to_ns = 1e9 * BUSIEST_S - (FRAMES - 1 - index) * FRAME_NS;
    return { datas, from_ns: to_ns - 1e9 * BUSIEST_S, to_ns, hiddenSince: null };
  });
}

function pushed(published) {
  return { requests: [], deliveries: published.map(({ seq, due_ns }) => ({ seq, due_ns, written_ns: due_ns, received_ns: due_ns + TRANSIT_NS, n: null })) };
}

function polled(published, end_ns) {
  const requests = Array.from({ length: end_ns / POLL_NS }, (_, index) => {
    const sent_ns = index * POLL_NS;
    const at = (transits) => sent_ns + transits * TRANSIT_NS;
    return { n: index + 1, sent_ns, arrived_ns: at(1), answered_ns: at(1.5), received_ns: at(2), status: 200, seqs: [] };
  });
  const deliveries = published.flatMap(({ seq, due_ns }) => {
    const by = requests.find(({ answered_ns }) => answered_ns >= due_ns);
    return by === undefined ? [] : [{ seq, due_ns, written_ns: by.answered_ns, received_ns: by.received_ns, n: by.n }];
  });
  return { requests, deliveries };
}
