// The variables at the moments of a handler: as they were from each moment until the next. Pure.

/** How many of the repeated moments have room: the latest. What answers a message is longer than news, and needs wider columns. */
const LATEST = { answers: 2, news: 4 };
const REPEATED = { receive: "after receive", server_send: "after send" };

/**
 * The spans of a run up to a step, each from a moment on: [{moment, title, values}]. `values` are the variables at the end of
 * the span. The last one, from when the connection is no longer open, is the end.
 */
export function history(rows, current) {
  const seen = rows.slice(0, current + 1);
  const times = { receive: 0, server_send: 0 };
  let isOver = false;
  const spans = seen.flatMap((row, from) => {
    if (isOver) return [];
    isOver = ["closing", "closed"].includes(row.variables.state);
    if (isOver) return [{ moment: "end", title: "end", from }];
    if (row.kind in REPEATED) {
      times[row.kind] += 1;
      const again = times[row.kind] > 1 ? ` ${times[row.kind]}` : "";
      return [{ moment: row.kind, title: `${REPEATED[row.kind]}${again}`, from }];
    }
    if (row.kind === "accept") return [{ moment: "accept", title: "after accept", from }];
    return from === 0 ? [{ moment: "start", title: "start", from }] : [];
  });
  const whole = spans.map(({ moment, title }, index) => ({ moment, title, values: seen[(spans[index + 1]?.from ?? seen.length) - 1].variables }));
  const leftOut = whole.filter(({ moment }) => moment in REPEATED).slice(0, -LATEST[times.receive > 0 ? "answers" : "news"]);
  return whole.filter((span) => !leftOut.includes(span));
}
