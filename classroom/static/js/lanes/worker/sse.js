/** Server-sent events: one request whose answer never ends. The browser reconnects by itself and resumes by id. */

/** @param {import("./lane.js").Lane} lane @returns {() => void} closes it */
export function openSse(lane, run) {
  const n = lane.nextRequest();
  const source = new EventSource(lane.address({ after: 0, n }));
  lane.sent(n);
  source.onopen = () => {
    lane.answered(n, 200);
    lane.opened();
  };
  source.onmessage = ({ data }) => {
    const at_ns = lane.nowNs();
    const { seq, due_ns } = JSON.parse(data);
    lane.frame(seq, due_ns, at_ns);
  };
  source.onerror = () => {
    lane.closed(null);
    if (lane.ending.aborted) source.close(); // the browser would connect again
  };
  function close() {
    if (source.readyState === EventSource.CLOSED) return;
    source.close();
    lane.closed(null);
  }

  lane.whenDone(run, close);
  return close;
}
