/** The rows of the execution table of one connection, from the records of browser, server and relay. Pure; times are in ns of the server's clock.
 *
 * A connection ("run") is {run, sample, browser: [note], server: [note], units: {up: [unit], down: [unit]}}. The notes of each side are in their
 * own order. Both sides are merged by time, except that no message arrives before it was sent: the two clocks agree only to within the
 * error that the page states.
 */

/** The states of a connection in plain words, in their order. */
export const STATES = ["asked", "open", "closing", "closed"];

/** Return the rows in the order of execution, each with the states and variables after it. */
export function buildRows(connection) {
  const steps = merge(browserSteps(connection), serverSteps(connection));
  const start_ns = steps.length ? steps[0].at_ns : 0;
  let variables = {
    state: null, application_state: null, client_state: null, ready_state: null, received: null, sent: null,
  };
  return steps.map((step, index) => {
    const was = variables.state;
    variables = { ...variables, ...step.sets, state: later(was, stateAfter(step)) };
    const plain = { before: { state: was }, after: { state: variables.state } };
    return { ...step, plain, number: index + 1, since_ms: (step.at_ns - start_ns) / 1e6, variables };
  });
}

/** Return the plain state that a step leads to; null if it changes none. */
function stateAfter({ kind }) {
  return {
    connect: "asked", accept: "open", open: "open", close: "closing", server_close: "closing", failed: "closing", end: "closing", closed: "closed",
  }[kind] ?? null;
}

/** Return the later of two plain states: a side that learns late of the end does not undo it. */
function later(one, other) {
  return STATES[Math.max(STATES.indexOf(one), STATES.indexOf(other))] ?? null;
}

function browserSteps({ browser, units }) {
  const bytes = bytesInOrder(units.up);
  return browser.map((note) => ({
    side: "browser",
    at_ns: note.at_ns,
    line: null,
    waits: false,
    before: { ready_state: note.before },
    after: { ready_state: note.after },
    sets: { ready_state: note.after },
    text: note.text ?? null,
    code: note.code ?? null,
    clean: note.clean ?? null,
    ...BROWSER[note.kind](note, bytes),
  }));
}

const BROWSER = {
  connect: (note, bytes) => ({
    kind: "connect", action: "new WebSocket(…)", message: `GET ${note.path}, Upgrade: websocket`,
    direction: "up", ...bytes("http"),
  }),
  open: () => ({ kind: "open", action: "onopen", message: "open", direction: null, ...NO_BYTES }),
  send: (note, bytes) => ({
    kind: "send", action: "send()", message: quoted(note.text), direction: "up", ...bytes("text"),
  }),
  message: (note) => ({
    kind: "message", action: "onmessage", message: quoted(note.text), direction: "down", ...NO_BYTES,
  }),
  close: (note, bytes) => ({
    kind: "close", action: `close(${note.code})`, message: `close frame ${note.code}`, direction: "up", ...bytes("close"),
  }),
  closed: (note) => ({
    kind: "closed", action: "onclose", direction: null, ...NO_BYTES,
    message: `code ${note.code}, ${note.clean ? "clean" : "not clean"}`,
  }),
};

function serverSteps({ server, units }) {
  const bytes = bytesInOrder(units.down);
  const closing = firstClose(units);
  return server.flatMap((note, index) => {
    const shown = serverStep(note, bytes, closing, server.slice(0, index));
    if (shown === null) return [];
    return [{
      side: "server", at_ns: note.at_ns, line: note.line, code: note.code, text: note.text, clean: null, waits: false,
      before: note.before, after: note.after, ...shown,
      sets: { ...note.after, ...(shown.sets ?? {}) },
    }];
  });
}

/** Return the direction of the first close frame; null if there is none yet. */
function firstClose({ up, down }) {
  const [byBrowser, byServer] = [up, down].map((units) => units.find((unit) => unit.kind === "close")?.at_ns ?? Infinity);
  if (byBrowser === Infinity && byServer === Infinity) return null;
  return byBrowser < byServer ? "up" : "down";
}

function serverStep(note, bytes, closing, earlier) {
  if (note.kind === "start") {
    return { kind: "start", action: "the upgrade request arrives", message: "the handler starts", direction: "up", ...NO_BYTES };
  }
  if (note.kind === "call" && note.action === "receive_text") {
    return { kind: "wait", action: "receive_text() waits", message: "", direction: null, waits: true, ...NO_BYTES };
  }
  if (note.kind === "wait") return { kind: "sleep", action: `${note.action} waits`, message: "", direction: null, waits: true, ...NO_BYTES };
  if (note.kind === "end") return end(note, earlier);
  if (note.kind === "failed") return failed(note, bytes, closing);
  if (note.kind === "done") return DONE[note.action]?.(note, bytes) ?? null;
  return null;
}

const DONE = {
  accept: (_note, bytes) => ({
    kind: "accept", action: "accept()", message: "101 Switching Protocols", direction: "down", ...bytes("http"),
  }),
  receive_text: (note) => ({
    kind: "receive", action: "receive_text() returns", message: quoted(note.text), direction: "up", ...NO_BYTES,
    sets: { received: note.text },
  }),
  send_text: (note, bytes) => ({
    kind: "server_send", action: "send_text()", message: quoted(note.text), direction: "down", ...bytes("text"),
    sets: { sent: note.text },
  }),
  close: (note, bytes) => ({
    kind: "server_close", action: "close()", message: `close frame ${note.code}`, direction: "down", ...bytes("close"),
  }),
};

function failed(note, bytes, closing) {
  const action = `${note.action}() raises${note.code === null ? "" : " WebSocketDisconnect"}`;
  const isClose = note.action === "receive_text" && note.code !== null;
  if (isClose && closing === "down") {
    return { kind: "failed", action, message: `refused, close frame ${note.code}`, direction: "down", ...bytes("close") };
  }
  if (isClose) return { kind: "failed", action, message: `closed, code ${note.code}`, direction: "up", ...NO_BYTES };
  return { kind: "failed", action, message: note.code === null ? "" : "nobody is there any more", direction: null, ...NO_BYTES };
}

function end(note, earlier) {
  const action = note.action === "return" ? "the handler returns" : `the handler ends: ${note.action}`;
  const closed = earlier.some((before) => before.kind === "failed" || (before.kind === "done" && before.action === "close"));
  if (closed) return { kind: "end", action, message: "", direction: null, ...NO_BYTES };
  // uvicorn ends the TCP stream when a handler returns without closing: there is no close frame to count.
  return { kind: "end", action, message: "end of stream, no close frame", direction: "down", bytes: 0, payload_bytes: 0 };
}

const NO_BYTES = { bytes: null, payload_bytes: null };

/** Return a function that gives the bytes of the next unit of a kind: the k-th message sent is the k-th frame at the relay. */
function bytesInOrder(units) {
  const taken = {};
  return (kind) => {
    const ofKind = units.filter((unit) => unit.kind === kind);
    const index = taken[kind] ?? 0;
    taken[kind] = index + 1;
    const unit = ofKind[index];
    return unit ? { bytes: unit.total_bytes, payload_bytes: unit.payload_bytes } : NO_BYTES;
  };
}

function quoted(text) {
  return text === null || text === undefined ? "" : `“${text}”`;
}

function merge(browser, server) {
  const merged = [];
  let [b, s] = [0, 0];
  while (b < browser.length && s < server.length) {
    const takeBrowser = browser[b].at_ns <= server[s].at_ns;
    const blocked = takeBrowser ? waitsFor(browser, b, server, s) : waitsFor(server, s, browser, b);
    if (takeBrowser !== blocked) merged.push(browser[b++]);
    else merged.push(server[s++]);
  }
  return merged.concat(browser.slice(b), server.slice(s));
}

const CAUSE = {
  start: ["connect"], open: ["accept"], receive: ["send"], message: ["server_send"], failed: ["close"],
};

/** Whether a step must wait for its cause, which is still ahead on the other side. */
function waitsFor(own, at, other, otherAt) {
  const step = own[at];
  if (step.kind === "closed") {
    // If the server closed the connection, its close() or the end of its handler comes first.
    const began = other.findIndex((o) => o.kind === "server_close" || (o.kind === "end" && o.bytes === 0));
    return began >= otherAt;
  }
  const causes = CAUSE[step.kind];
  if (!causes) return false;
  const nth = own.slice(0, at).filter((o) => o.kind === step.kind).length;
  const positions = other.flatMap((o, index) => (causes.includes(o.kind) ? [index] : []));
  return nth < positions.length && positions[nth] >= otherAt;
}
