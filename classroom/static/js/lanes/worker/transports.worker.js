/** All transports and the clock of this page, in a thread that drawing does not delay.
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

/** How long the last answers of a run may take to arrive, beyond the network's delay: a browser may be busy. */
const LAST_ANSWERS_MS = 2000;

let lanes = [];
let clock = null;
let wanted = null;
/** The lanes of the present run. @type {Lane[]} */
let running = [];
/** End all traffic of the present run at once. */
let stop = () => {};
/** Aborts when the present run ends and nothing new is to be sent. */
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
