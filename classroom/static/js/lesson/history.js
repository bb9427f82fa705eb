// The variables at the moments of a handler: as they were from each moment until the next. Pure.

import { first } from "./facts.js";

/**
 * Five spans of a run up to a step: [{moment, title, values}]; `values` are the variables at the end of the span, null
 * where the run has not come so far. After a further message, the spans are those of its round.
 */
export function history(rows, current) {
  const seen = rows.slice(0, current + 1);
  const [accept, firstReceive, firstSend, end] = ["accept", "receive", "server_send", "end"].map((kind) => indexOf(seen, first(seen, kind)));
  const receive = seen.findLastIndex((row) => row.kind === "receive");
  const send = seen.findLastIndex((row, index) => row.kind === "server_send" && index > receive);
  const round = seen.filter((row) => row.kind === (receive < 0 ? "server_send" : "receive")).length;
  const again = round > 1 ? ` ${round}` : "";
  const spans = [
    { moment: "start", title: "start", from: seen.length ? 0 : -1, to: [accept, end] },
    { moment: "accept", title: "after accept", from: accept, to: [firstReceive, firstSend, end] },
    { moment: "receive", title: `after receive${receive < 0 ? "" : again}`, from: receive, to: [send, end] },
    { moment: "send", title: `after send${again}`, from: send, to: [end] },
    { moment: "end", title: "end", from: end, to: [] },
  ];
  return spans.map(({ moment, title, from, to }) => {
    const until = Math.min(seen.length, ...to.filter((index) => index > from));
    return { moment, title, values: from < 0 ? null : seen[until - 1].variables };
  });
}

function indexOf(rows, row) {
  return row === null ? -1 : rows.indexOf(row);
}
