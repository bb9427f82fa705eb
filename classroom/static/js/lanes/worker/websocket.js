/** One WebSocket: a handshake, and from then on frames that the server sends by itself. */

const RETRY_MS = 1000;
const NORMAL_CLOSE_CODE = 1000;

/** @param {import("./lane.js").Lane} lane @returns {() => void} closes it */
export function openWebSocket(lane, run) {
  let after = 0;
  let socket = null;
  let retry = null;
  let stopped = false;

  function connect() {
    const n = lane.nextRequest();
    socket = new WebSocket(lane.address({ after, n }));
    lane.sent(n);
    socket.onopen = () => {
      lane.answered(n, 101);
      lane.opened();
    };
    socket.onmessage = ({ data }) => {
      const at_ns = lane.nowNs();
      const { seq, due_ns } = JSON.parse(data);
      after = seq;
      lane.frame(seq, due_ns, at_ns);
    };
    socket.onclose = ({ code }) => {
      if (stopped) return;
      lane.closed(code);
      if (!lane.ending.aborted) retry = setTimeout(connect, RETRY_MS);
    };
  }

  function close() {
    if (stopped) return;
    stopped = true;
    clearTimeout(retry);
    socket.close();
    lane.closed(NORMAL_CLOSE_CODE);
  }

  connect();
  lane.whenDone(run, close);
  return close;
}
