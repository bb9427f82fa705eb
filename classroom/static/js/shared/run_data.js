/** What is known of one run: the server's truth, and per lane what was asked, answered and delivered. Pure, no DOM.
 *
 * It takes the same messages whether they come from the network, a file or a test. All times are nanoseconds of the
 * server's clock. Rows may come twice and in any order: the server's and the browser's side of a request meet here.
 */

import { TRANSPORTS } from "./transports.js";

const LATE_START_NS = 1000e6;
const TRANSITS_TO_CONNECT = 4;
/** A run that is over so long before its time was cut short; less is the server's timer. */
const CUT_NS = 50e6;

export const SNAPSHOT_FORMAT = "push-vs-poll/classroom-run";
export const SNAPSHOT_VERSION = 1;

/** One request of a lane; null where a side has not told yet.
 * @typedef {{n: number, sent_ns: number|null, arrived_ns: number|null, answered_ns: number|null,
 *   received_ns: number|null, status: number|null, seqs: number[]}} RequestRow
 */

/** One event's way to this browser; `n` is the poll that brought it, null for a frame.
 * @typedef {{seq: number, due_ns: number, written_ns: number|null, received_ns: number|null, n: number|null}} Delivery
 */

export class LaneData {
  /** @type {Map<string, RequestRow>} */
  requests = new Map();
  /** @type {Map<number, Delivery>} */
  deliveries = new Map();
  /** Bytes in this run so far, as the relay counted them: {now_ns, up, down, payload}, in the order of time. */
  bytes = [];
  /** {at_ns, open} */
  changes = [];
}

export class RunData {
  #heard = false;
  #lastTick_ns = null;

  /** @param {object} run as the server announces it */
  constructor(run) {
    this.run = run;
    /** @type {Map<number, {seq: number, due_ns: number, published_ns: number, event_bytes: number}>} */
    this.published = new Map();
    this.lanes = Object.fromEntries(TRANSPORTS.map((transport) => [transport, new LaneData()]));
    /** Spans in which this page could not be seen: [from_ns, to_ns] */
    this.hidden = [];
    this.ended = false;
    /** When it was over, where that was before its time: it was stopped, or the server was lost. */
    this.cut_ns = null;
    /** By how much a time of this browser in this run can be off the server's clock, at worst; null: no time yet. */
    this.uncertainty_ms = null;
    /** Events due before it count in no time: this page came into a run that was on. */
    this.counts_from_ns = -Infinity;
    /** Moments at which the run went on with other settings. */
    this.changes = [];
  }

  get settings() {
    return this.run.settings;
  }

  /** The end of all that can be seen of it. */
  get over_ns() {
    return this.cut_ns ?? this.run.end_ns + this.run.drain_ns;
  }

  /** From when on figures count: all of the run, or since its settings were changed last. */
  get figures_from_ns() {
    return this.changes.at(-1) ?? -Infinity;
  }

  /** The run goes on with other settings. */
  change(run) {
    this.run = run;
    this.changes.push(run.changed_ns);
  }

  /** The run is over: all that the server counts of it is known. What it does not know of is not of this run. */
  end() {
    if (this.ended) return;
    this.ended = true;
    const last_ns = this.#lastTick_ns ?? this.run.t0_ns;
    if (last_ns < this.over_ns - CUT_NS) this.cut_ns = Math.max(last_ns, this.run.t0_ns);
    for (const lane of Object.values(this.lanes)) {
      for (const [key, { arrived_ns }] of lane.requests) if (arrived_ns === null) lane.requests.delete(key);
      for (const [seq, { written_ns }] of lane.deliveries) if (written_ns === null) lane.deliveries.delete(seq);
    }
  }

  addTick(tick) {
    if (!this.#heard && tick.now_ns > this.run.t0_ns) {
      this.counts_from_ns = tick.now_ns + LATE_START_NS + TRANSITS_TO_CONNECT * this.settings.one_way_delay_ms * 1e6;
    }
    this.#heard = true;
    this.#lastTick_ns = tick.now_ns;
    for (const [seq, due_ns, published_ns, event_bytes] of tick.published) {
      this.published.set(seq, { seq, due_ns, published_ns, event_bytes });
    }
    for (const [transport, news] of Object.entries(tick.lanes)) {
      const lane = this.lanes[transport];
      for (const row of news.requests) addServerRow(lane, row);
      for (const [seq, written_ns] of news.written) this.#delivery(lane, seq).written_ns ??= written_ns;
      lane.bytes.push({ now_ns: tick.now_ns, up: news.up_bytes, down: news.down_bytes, payload: news.payload_bytes });
    }
  }

  /** @param {number|null} uncertainty_ms of the clock that the message's time was read from */
  addTraffic(message, uncertainty_ms = null) {
    if (uncertainty_ms !== null) this.uncertainty_ms = Math.max(this.uncertainty_ms ?? 0, uncertainty_ms);
    takers[message.kind]?.(this.lanes[message.transport], message, this.ended);
  }

  addHidden(from_ns, to_ns) {
    this.hidden.push([from_ns, to_ns]);
  }

  /** Whether a time lies in a span that was hidden, or before this page was there. */
  isExcluded(due_ns, received_ns) {
    if (due_ns < Math.max(this.counts_from_ns, this.figures_from_ns)) return true;
    return this.hidden.some(([from_ns, to_ns]) => due_ns <= to_ns && received_ns >= from_ns);
  }

  /** Everything as plain data, for a file; `restore` is its inverse. */
  snapshot() {
    return {
      format: SNAPSHOT_FORMAT,
      version: SNAPSHOT_VERSION,
      run: this.run,
      ended: this.ended,
      cut_ns: this.cut_ns,
      uncertainty_ms: this.uncertainty_ms,
      counts_from_ns: Number.isFinite(this.counts_from_ns) ? this.counts_from_ns : null,
      published: [...this.published.values()],
      hidden: this.hidden,
      changes: this.changes,
      lanes: Object.fromEntries(Object.entries(this.lanes).map(([transport, lane]) => [transport, {
        requests: [...lane.requests.values()],
        deliveries: [...lane.deliveries.values()],
        bytes: lane.bytes,
        changes: lane.changes,
      }])),
    };
  }

  /** @throws {Error} where it is no snapshot of a version that is known */
  static restore(snapshot) {
    if (snapshot?.format !== SNAPSHOT_FORMAT) throw new Error("This is no recorded run.");
    if (snapshot.version > SNAPSHOT_VERSION) throw new Error(`This recording has version ${snapshot.version}; this page knows ${SNAPSHOT_VERSION}.`);
    const data = new RunData(snapshot.run);
    data.ended = snapshot.ended;
    data.cut_ns = snapshot.cut_ns ?? null;
    data.uncertainty_ms = snapshot.uncertainty_ms;
    data.hidden = snapshot.hidden;
    data.changes = snapshot.changes ?? [];
    data.counts_from_ns = snapshot.counts_from_ns ?? -Infinity;
    data.published = new Map(snapshot.published.map((event) => [event.seq, event]));
    for (const [transport, stored] of Object.entries(snapshot.lanes)) {
      const lane = data.lanes[transport];
      for (const request of stored.requests) lane.requests.set(keyOf(lane, request.n, request.arrived_ns), request);
      lane.deliveries = new Map(stored.deliveries.map((delivery) => [delivery.seq, delivery]));
      lane.bytes = stored.bytes;
      lane.changes = stored.changes;
    }
    return data;
  }

  #delivery(lane, seq) {
    const known = lane.deliveries.get(seq);
    if (known) return known;
    const delivery = { seq, due_ns: this.published.get(seq)?.due_ns ?? null, written_ns: null, received_ns: null, n: null };
    lane.deliveries.set(seq, delivery);
    return delivery;
  }
}

/** After the end of a run only what was under way comes in: requests and deliveries that the server knows of. */
const takers = {
  sent(lane, { n, at_ns }, isOver) {
    if (!isOver || lane.requests.has(String(n))) requestOf(lane, n).sent_ns = at_ns;
  },
  answered(lane, { n, at_ns, status, events }, isOver) {
    if (isOver && !lane.requests.has(String(n))) return;
    const request = requestOf(lane, n);
    request.received_ns = at_ns;
    request.status ??= status;
    for (const { seq, due_ns } of events) receive(lane, seq, due_ns, at_ns, n, isOver);
  },
  frame(lane, { seq, due_ns, at_ns }, isOver) {
    receive(lane, seq, due_ns, at_ns, null, isOver);
  },
  opened(lane, { at_ns }) {
    lane.changes.push({ at_ns, open: true });
  },
  closed(lane, { at_ns }) {
    lane.changes.push({ at_ns, open: false });
  },
};

/** The first time counts: without a cursor a poll may bring again what is here already. */
function receive(lane, seq, due_ns, received_ns, n, isOver) {
  const known = lane.deliveries.get(seq);
  if (!known && isOver) return;
  if (!known) lane.deliveries.set(seq, { seq, due_ns, written_ns: null, received_ns, n });
  else if (known.received_ns === null) Object.assign(known, { due_ns, received_ns, n });
}

/** A request is told of when it arrives, and again when it is answered. The browser's own reconnects repeat the number of their request: a second arrival is a request of its own. */
function addServerRow(lane, [n, arrived_ns, answered_ns, status, seqs]) {
  const request = requestOf(lane, n, arrived_ns);
  request.arrived_ns = arrived_ns;
  if (answered_ns !== null) Object.assign(request, { answered_ns, status, seqs });
}

function requestOf(lane, n, arrived_ns = null) {
  const key = keyOf(lane, n, arrived_ns);
  if (!lane.requests.has(key)) {
    lane.requests.set(key, { n, sent_ns: null, arrived_ns: null, answered_ns: null, received_ns: null, status: null, seqs: [] });
  }
  return lane.requests.get(key);
}

function keyOf(lane, n, arrived_ns) {
  const known = lane.requests.get(String(n));
  const isOther = arrived_ns !== null && known && known.arrived_ns !== null && known.arrived_ns !== arrived_ns;
  return isOther ? `${n}@${arrived_ns}` : String(n);
}
