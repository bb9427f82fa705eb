/** All transports and the clock of this page in one thread, away from drawing.
 *
 * In: {kind: "setup", clockUrl, lanes: [{transport, url, client}]}, {kind: "begin", run},
 * {kind: "change", run}, {kind: "end"}.
 * Out: what Lane reports ({kind: "sent" | "answered" | "frame" | "opened" | "closed", transport, run, at_ns, …}) and
 * {kind: "clock", offset_ns, uncertainty_ms, now_ns}. All at_ns are on the server's clock.
 */

import { Clock } from "./clock.js";
import { Lane } from "./lane.js";
import { runLongPoll } from "./long_poll.js";
import { runShortPoll } from "./short_poll.js";
import { openSse } from "./sse.js";
import { openWebSocket } from "./websocket.js";

const STARTERS = { websocket: openWebSocket, sse: openSse, long_poll: runLongPoll, short_poll: runShortPoll };

/** For what is under way at the end of a run, beyond the time that the network takes: browsers may be busy. */
const LAST_ANSWERS_MS = 2000;

let lanes = [];
let clock = null;
let wanted = null;
/** Those of the run that is on. @type {Lane[]} */
let running = [];
/** Ends the traffic of the run that is on, at once. */
let stop = () => {};
/** Ends the asking of the run that is on. */
let ending = new AbortController();

const commands = {
  setup({ clockUrl, lanes: given }) {
    lanes = given;
    clock = new Clock(clockUrl, (estimate) => postMessage({ kind: "clock", ...estimate, now_ns: performance.now() * 1e6 + estimate.offset_ns }));
  },
  async begin({ run }) {
    stop();
    wanted = run;
    await clock.ready;
    if (wanted !== run) return;
    ending = new AbortController();
    const report = (message) => postMessage(message);
    running = lanes.map((lane) => new Lane({ ...lane, run, clock, ending: ending.signal }, report));
    const stoppers = lanes.map(({ transport }, index) => STARTERS[transport](running[index], run));
    stop = () => stoppers.forEach((stopLane) => stopLane());
  },
  change({ run }) {
    if (wanted?.id !== run.id) return;
    Object.assign(wanted, run);
    for (const lane of running) lane.wake();
  },
  end() {
    if (wanted === null) return;
    ending.abort();
    setTimeout(stop, 2 * wanted.settings.one_way_delay_ms + LAST_ANSWERS_MS);
    wanted = null;
  },
};

onmessage = ({ data }) => commands[data.kind](data);
