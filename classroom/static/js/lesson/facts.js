// What a run shows, read off its rows: who closed, how often who sent, what the wire carried. Pure.

/** The first row of a kind, or null. */
export function first(rows, kind) {
  return rows.find((row) => row.kind === kind) ?? null;
}

/** Rows of a kind. */
export function all(rows, kind) {
  return rows.filter((row) => row.kind === kind);
}

/** Sum of the bytes that are known, of these rows. */
export function totalBytes(rows) {
  return rows.reduce((sum, row) => sum + (row.bytes ?? 0), 0);
}

/** Who ended the connection, as far as these rows go: "browser", "server", "handler" (returned without a word) or null. */
export function endedBy(rows) {
  const began = rows.find((row) => row.kind === "close" || row.kind === "server_close" || isSilentEnd(row)
    || (row.kind === "failed" && row.direction === "down"));
  if (began) return { close: "browser", end: "handler" }[began.kind] ?? "server";
  return first(rows, "closed") ? "network" : null;
}

/** Whether this is the end of a handler that neither closed nor was told of a close. */
export function isSilentEnd(row) {
  return row.kind === "end" && row.bytes === 0;
}

/** The row that answers the first message that was received, or null: a server that speaks first answers nothing. */
export function firstAnswer(rows) {
  const received = first(rows, "receive");
  return received && (rows.find((row) => row.kind === "server_send" && row.number > received.number) ?? null);
}

/** The row after which the handler was waiting when these rows end, or null where it was not. */
export function waiting(rows) {
  const server = rows.filter((row) => row.side === "server");
  const latest = server.at(-1);
  return latest?.waits ? latest : null;
}

/** What polling took to learn what a server has pushed: requests until the last message was known, and how much later. */
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
