/** What is known of one run: the server's truth, and per lane what was asked, answered and delivered. Pure, no DOM.
 *
 * It takes the same messages whether they come from the network, a file or a test. All times are nanoseconds of the
 * server's clock. Rows may come twice and in any order: the server's and the browser's side of a request meet here.
 */

import { TRANSPORTS } from "./transports.js";

const LATE_START_NS = 1000e6;
const TRANSITS_TO_CONNECT = 4;
/** A request that takes so much longer than that to reach the server has waited for a connection; a busy machine takes less. */
const WAITED_NS = 1500e6;
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
  /** The same rows as they became known, which is nearly the order of time: what is newest is found without a look at all. */
  requestRows = [];
  deliveryRows = [];
  /** Spans in which a request waited for a connection until its run was over: {from_ns, to_ns} */
  waits = [];
  /** Bytes in this run so far, as the relay counted them: {now_ns, up, down, payload}, in the order of time. */
  bytes = [];
  /** {at_ns, open} */
  changes = [];

  addRequest(key, row) {
    this.requests.set(key, row);
    this.requestRows.push(row);
    return row;
  }

  addDelivery(row) {
    this.deliveries.set(row.seq, row);
    this.deliveryRows.push(row);
    return row;
  }

  /** Drop what the server does not know of. */
  keepRecorded() {
    this.requestRows = this.requestRows.filter(({ arrived_ns }) => arrived_ns !== null);
    this.deliveryRows = this.deliveryRows.filter(({ written_ns }) => written_ns !== null);
    for (const [key, { arrived_ns }] of this.requests) if (arrived_ns === null) this.requests.delete(key);
    for (const [seq, { written_ns }] of this.deliveries) if (written_ns === null) this.deliveries.delete(seq);
  }
}

export class RunData {
  #heard = false;
  #lastTick_ns = null;
  /** For each reader (`changedSince`), the earliest moment about which something became known since it asked last. */
  #unread = new Map();

  /** @param {object} run as the server announces it */
  constructor(run) {
    this.run = run;
    /** @type {Map<number, {seq: number, due_ns: number, published_ns: number, event_bytes: number}>} */
    this.published = new Map();
    /** The same events in the order of publication. */
    this.publishedRows = [];
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

  /** Whether it went its length, and all of it with the same settings. */
  get isWhole() {
    return this.ended && this.cut_ns === null && this.changes.length === 0;
  }

  /** From when on figures count: all of the run, or since its settings were changed last. */
  get figures_from_ns() {
    return this.changes.at(-1) ?? -Infinity;
  }

  /** The run goes on with other settings. */
  change(run) {
    this.run = run;
    this.changes.push(run.changed_ns);
    this.#noteChange(-Infinity);
  }

  /** The earliest moment about which something became known since this reader asked last: -Infinity the first time, Infinity if nothing did. */
  changedSince(reader) {
    const from_ns = this.#unread.get(reader) ?? -Infinity;
    this.#unread.set(reader, Infinity);
    return from_ns;
  }

  /** When the first of the events was due that directly precede this one and had not arrived by `until_ns`; Infinity if its predecessor had. */
  overtakenNs(transport, seq, until_ns = Infinity) {
    const { deliveries } = this.lanes[transport];
    let first_ns = Infinity;
    for (let earlier = seq - 1; this.published.has(earlier); earlier -= 1) {
      const received_ns = deliveries.get(earlier)?.received_ns ?? null;
      if (received_ns !== null && received_ns <= until_ns) break;
      first_ns = this.published.get(earlier).due_ns;
    }
    return first_ns;
  }

  /** The run is over: all that the server counts of it is known. What it does not know of is not of this run. */
  end() {
    if (this.ended) return;
    this.ended = true;
    const last_ns = this.#lastTick_ns ?? this.run.t0_ns;
    if (last_ns < this.over_ns - CUT_NS) this.cut_ns = Math.max(last_ns, this.run.t0_ns);
    for (const [transport, lane] of Object.entries(this.lanes)) {
      lane.waits = lane.requestRows.flatMap((request) => {
        const wait = this.waitOf(transport, request);
        return wait !== null && request.arrived_ns === null ? [{ ...wait, to_ns: this.over_ns }] : [];
      });
      lane.keepRecorded();
    }
    this.#noteChange(-Infinity);
  }

  /** The span in which a request waited in the browser for a free connection, up to what is known; null where it did not.
   *
   * A browser opens six connections to a server, and shares them among its tabs; WebSockets are counted apart. Where no lane is
   * heard of the server cannot be reached, and nothing is known of connections.
   */
  waitOf(transport, { sent_ns, arrived_ns }) {
    if (transport === "websocket" || sent_ns === null) return null;
    const transit_ns = this.settings.one_way_delay_ms * 1e6;
    const until_ns = arrived_ns ?? this.#lastTick_ns;
    if (until_ns === null || until_ns - sent_ns < WAITED_NS + TRANSITS_TO_CONNECT * transit_ns) return null;
    const isReached = Object.values(this.lanes).some(({ requestRows }) => requestRows.some((request) => request.arrived_ns !== null));
    if (!isReached) return null;
    return { from_ns: sent_ns, to_ns: arrived_ns === null ? null : arrived_ns - transit_ns };
  }

  /** Whether the newest request of a lane waits for a free connection. */
  isWaiting(transport) {
    const newest = this.lanes[transport].requestRows.at(-1);
    return newest !== undefined && newest.arrived_ns === null && this.waitOf(transport, newest) !== null;
  }

  addTick(tick) {
    if (!this.#heard && tick.now_ns > this.run.t0_ns) {
      this.counts_from_ns = tick.now_ns + LATE_START_NS + TRANSITS_TO_CONNECT * this.settings.one_way_delay_ms * 1e6;
      this.#noteChange(this.run.t0_ns);
    }
    this.#heard = true;
    this.#lastTick_ns = tick.now_ns;
    for (const [seq, due_ns, published_ns, event_bytes] of tick.published) {
      if (!this.published.has(seq)) this.#publish({ seq, due_ns, published_ns, event_bytes });
    }
    for (const [transport, news] of Object.entries(tick.lanes)) {
      const lane = this.lanes[transport];
      for (const row of news.requests) this.#noteRequest(lane, addServerRow(lane, row));
      for (const [seq, written_ns] of news.written) {
        const delivery = this.#delivery(lane, seq);
        delivery.written_ns ??= written_ns;
        this.#noteChange(delivery.due_ns, written_ns);
      }
      lane.bytes.push({ now_ns: tick.now_ns, up: news.up_bytes, down: news.down_bytes, payload: news.payload_bytes });
    }
  }

  /** @param {number|null} uncertainty_ms of the clock that the message's time was read from */
  addTraffic(message, uncertainty_ms = null) {
    if (uncertainty_ms !== null) this.uncertainty_ms = Math.max(this.uncertainty_ms ?? 0, uncertainty_ms);
    takers[message.kind]?.(this.lanes[message.transport], message, this.ended);
    this.#noteTraffic(message);
  }

  addHidden(from_ns, to_ns) {
    this.hidden.push([from_ns, to_ns]);
    this.#noteChange(from_ns);
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
    checkSnapshot(snapshot);
    const data = new RunData(snapshot.run);
    data.ended = snapshot.ended;
    data.cut_ns = snapshot.cut_ns ?? null;
    data.uncertainty_ms = snapshot.uncertainty_ms;
    data.hidden = snapshot.hidden;
    data.changes = snapshot.changes ?? [];
    data.counts_from_ns = snapshot.counts_from_ns ?? -Infinity;
    for (const event of snapshot.published) data.#publish(event);
    for (const [transport, stored] of Object.entries(snapshot.lanes)) {
      const lane = data.lanes[transport];
      for (const request of stored.requests) lane.addRequest(keyOf(lane, request.n, request.arrived_ns), request);
      for (const delivery of stored.deliveries) lane.addDelivery(delivery);
      lane.bytes = stored.bytes;
      lane.changes = stored.changes;
    }
    return data;
  }

  #publish(event) {
    this.published.set(event.seq, event);
    this.publishedRows.push(event);
    this.#noteChange(event.due_ns, event.published_ns);
  }

  /** Note for all readers that something became known about these moments (null: a moment that is itself unknown). */
  #noteChange(...moments_ns) {
    const from_ns = Math.min(...moments_ns.filter((at_ns) => at_ns !== null));
    for (const [reader, unread_ns] of this.#unread) if (from_ns < unread_ns) this.#unread.set(reader, from_ns);
  }

  #noteTraffic({ kind, transport, n, seq, events = [], at_ns }) {
    if (!(kind in takers)) return;
    const { requests, deliveries } = this.lanes[transport];
    if (requests.has(String(n))) this.#noteRequest(this.lanes[transport], requests.get(String(n)));
    for (const come of seq === undefined ? events : [{ seq }]) {
      const delivery = deliveries.get(come.seq);
      // An event that is brought again changes nothing.
      if (delivery?.received_ns === at_ns) this.#noteChange(delivery.due_ns, delivery.written_ns, this.overtakenNs(transport, come.seq));
    }
  }

  /** Note that something became known about a request, and so about the gap before it, which began when the answer before it left the server. */
  #noteRequest({ requests }, { n, sent_ns, arrived_ns }) {
    const before = requests.get(String(n - 1));
    this.#noteChange(sent_ns, arrived_ns, before?.answered_ns ?? null, before?.received_ns ?? null);
  }

  #delivery(lane, seq) {
    return lane.deliveries.get(seq)
      ?? lane.addDelivery({ seq, due_ns: this.published.get(seq)?.due_ns ?? null, written_ns: null, received_ns: null, n: null });
  }
}

/** @throws {Error} where it is no snapshot of a version that is known */
export function checkSnapshot(snapshot) {
  if (snapshot?.format !== SNAPSHOT_FORMAT) throw new Error("This is no recorded run.");
  const { version } = snapshot;
  if (!(Number.isInteger(version) && version >= 1 && version <= SNAPSHOT_VERSION)) {
    throw new Error(`This recording has version ${version ?? "none"}; this page knows ${SNAPSHOT_VERSION}.`);
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
  if (!known) lane.addDelivery({ seq, due_ns, written_ns: null, received_ns, n });
  else if (known.received_ns === null) Object.assign(known, { due_ns, received_ns, n });
}

/** The server sends a message when a request arrives, and another when it is answered. The browser's own reconnects repeat the number of their request: a second arrival is a request of its own. */
function addServerRow(lane, [n, arrived_ns, answered_ns, status, seqs]) {
  const request = requestOf(lane, n, arrived_ns);
  request.arrived_ns = arrived_ns;
  if (answered_ns !== null) Object.assign(request, { answered_ns, status, seqs });
  return request;
}

function requestOf(lane, n, arrived_ns = null) {
  const key = keyOf(lane, n, arrived_ns);
  return lane.requests.get(key)
    ?? lane.addRequest(key, { n, sent_ns: null, arrived_ns: null, answered_ns: null, received_ns: null, status: null, seqs: [] });
}

function keyOf(lane, n, arrived_ns) {
  const known = lane.requests.get(String(n));
  const isOther = arrived_ns !== null && known && known.arrived_ns !== null && known.arrived_ns !== arrived_ns;
  return isOther ? `${n}@${arrived_ns}` : String(n);
}
