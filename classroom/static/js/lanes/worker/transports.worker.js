/** All transports and the clock of this page in one thread, away from drawing.
 *
 * In: {kind: "setup", clockUrl, lanes: [{transport, url, client}]}, {kind: "begin", run}, {kind: "stop"}.
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

let lanes = [];
let clock = null;
let wanted = null;
let stoppers = [];

const commands = {
  setup({ clockUrl, lanes: given }) {
    lanes = given;
    clock = new Clock(clockUrl, (estimate) => postMessage({ kind: "clock", ...estimate, now_ns: performance.now() * 1e6 + estimate.offset_ns }));
  },
  async begin({ run }) {
    commands.stop();
    wanted = run.id;
    await clock.ready;
    if (wanted !== run.id) return;
    stoppers = lanes.map((lane) => STARTERS[lane.transport](new Lane({ ...lane, run, clock }, (message) => postMessage(message)), run));
  },
  stop() {
    wanted = null;
    for (const stop of stoppers) stop();
    stoppers = [];
  },
};

onmessage = ({ data }) => commands[data.kind](data);
