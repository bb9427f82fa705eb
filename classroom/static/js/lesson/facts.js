// What a run shows, read off its rows: who closed, how often who sent, what the wire carried. Pure.

/** The first row of a kind, or null. */
export function first(rows, kind) {
  return rows.find((row) => row.kind === kind) ?? null;
}

/** The last row of a kind, or null. */
export function last(rows, kind) {
  return rows.findLast((row) => row.kind === kind) ?? null;
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

/** The row that answers the first message, or null. */
export function firstAnswer(rows) {
  return first(rows, "answer");
}

/** The row after which the handler was waiting when these rows end, or null where it was not. */
export function waiting(rows) {
  const server = rows.filter((row) => row.side === "server");
  const latest = server.at(-1);
  return latest?.kind === "wait" ? latest : null;
}
