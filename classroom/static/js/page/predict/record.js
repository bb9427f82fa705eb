/** What the page counted beside what the server recorded. Pure. */

/** Whether page and server agree on requests, deliveries and bytes of every lane, in a sentence. */
export function recordHtml(question, evidence, records) {
  const differences = question.runs.flatMap((run) => (records[run.id] ? compare(evidence[run.id].lanes, records[run.id]) : []));
  const compared = question.runs.filter((run) => records[run.id]).length;
  if (compared === 0) return "";
  const sentence = differences.length === 0
    ? "The server’s own record of this run has the same requests, deliveries and bytes, lane by lane."
    : `The server’s own record differs: ${differences.join("; ")}.`;
  return `<p class="predict-record small soft" data-agrees="${differences.length === 0}">${sentence}</p>`;
}

function compare(lanes, record) {
  return Object.entries(record).flatMap(([transport, { requests, delivered, up_bytes: up, down_bytes: down }]) => {
    const counted = lanes[transport];
    const pairs = [["requests", counted.requests, requests], ["delivered", counted.delivered, delivered.length], ["bytes", counted.bytes, up + down]];
    return pairs.filter(([, page, server]) => page !== server).map(([what, page, server]) => `${transport.replace("_", " ")}, ${what}: ${page} here, ${server} there`);
  });
}
