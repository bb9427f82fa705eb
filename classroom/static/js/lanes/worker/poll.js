/** One poll, the same for long and short polling. */

/** The part of a poll's query that tells the server which events this page has; a run can be set to do without. */
export function cursorQuery(run, after) {
  return run.settings.cursor ? { after } : { cursor: "none" };
}

/** Send one request, and report it and its answer.
 *
 * @param {import("./lane.js").Lane} lane
 * @returns {Promise<{ok: boolean, next: number|null}>} `next`: the cursor to ask after, where the answer brought events
 */
export async function poll(lane, query, signal) {
  const n = lane.nextRequest();
  const address = lane.address({ ...query, n });
  lane.sent(n);
  try {
    const response = await fetch(address, { signal });
    const text = await response.text();
    const at_ns = lane.nowNs();
    const reply = response.status === 200 ? JSON.parse(text) : { events: [], next: null };
    lane.answered(n, response.status, reply.events, at_ns);
    return { ok: response.ok, next: reply.next };
  } catch (error) {
    if (!signal.aborted) lane.answered(n, 0);
    return { ok: false, next: null };
  }
}
