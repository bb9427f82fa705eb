/** Facts of a run that follow from its rows (rows.js): who closed it, what was answered, how many bytes. Pure. */

/** Return the first row of a kind, or null. */
export function first(rows, kind) {
  return rows.find((row) => row.kind === kind) ?? null;
}

/** Return the rows of a kind. */
export function all(rows, kind) {
  return rows.filter((row) => row.kind === kind);
}

/** Return the sum of the rows' bytes, as far as they are known. */
export function totalBytes(rows) {
  return rows.reduce((sum, row) => sum + (row.bytes ?? 0), 0);
}

/** Return who ended the connection: "browser", "server", "handler" (it returned without closing), "network"; null while it is open. */
export function endedBy(rows) {
  const began = rows.find((row) => row.kind === "close" || row.kind === "server_close" || isSilentEnd(row)
    || (row.kind === "failed" && row.direction === "down"));
  if (began) return { close: "browser", end: "handler" }[began.kind] ?? "server";
  return first(rows, "closed") ? "network" : null;
}

/** Whether a row is the end of a handler without a close from either side. */
export function isSilentEnd(row) {
  return row.kind === "end" && row.bytes === 0;
}

/** Return the row that answers the first received message; null if there is none, as for a server that speaks first. */
export function firstAnswer(rows) {
  const received = first(rows, "receive");
  return received && (rows.find((row) => row.kind === "server_send" && row.number > received.number) ?? null);
}

/** Return the row at which the handler waits after the last of these rows; null if it does not wait. */
export function waiting(rows) {
  const server = rows.filter((row) => row.side === "server");
  const latest = server.at(-1);
  return latest?.waits ? latest : null;
}

/** Return what polling took to learn the messages that the server has pushed: requests, and the mean delay against the push. */
export function pollsToLearn(exchanges) {
  const answered = exchanges.filter((one) => one.learned !== undefined && one.answered_ns !== null);
  const until = answered.findLastIndex((one) => one.learned.length > 0);
  const counted = answered.slice(0, until + 1);
  const lags = counted.flatMap((one) => one.learned.map((message) => message.lag_ms).filter((lag) => lag !== null));
  return {
    requests: counted.length,
    empty: counted.filter((one) => one.learned.length === 0).length,
    learned: counted.reduce((sum, one) => sum + one.learned.length, 0),
    meanLag_ms: lags.length ? lags.reduce((sum, lag) => sum + lag, 0) / lags.length : null,
  };
}
