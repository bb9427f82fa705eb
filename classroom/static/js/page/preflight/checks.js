/**
 * The browser's half of the check before a lesson (the server's half is page/preflight.py).
 *
 * `probe` measures; `judge`, which is pure, returns a check {id, title, passed, found, remedy} for each requirement.
 */

import { busiestViews } from "../../lanes/busiest.js";
import { pictureIn } from "../../lanes/view.js";

const MAX_CLOCK_ERROR_MS = 5;
const MAX_TICK_MS = 0.5;
const MIN_FRAMES_PER_S = 24;

/** Return the checks for what `probe` has measured: {visible, clock_error_ms, ports: [{name, port, reached}], missing: [feature], tick_ms, frames_per_s}. */
export function judge(probed) {
  const closed = probed.ports.filter((port) => !port.reached);
  return [
    check("visible", "This tab is in front", probed.visible, probed.visible ? "the tab is visible" : "the tab is hidden",
      "Browsers slow hidden tabs down, and their figures are left out: bring this tab to the front, and keep the screen awake."),
    check("clock", "Browser and server agree on the time", probed.clock_error_ms !== null && probed.clock_error_ms <= MAX_CLOCK_ERROR_MS,
      probed.clock_error_ms === null ? "the server’s clock did not answer" : `to ± ${probed.clock_error_ms.toFixed(2)} ms`,
      `More than ± ${MAX_CLOCK_ERROR_MS} ms: every age here is uncertain by that much. Use a cable instead of a crowded Wi-Fi, or open the page on the server’s own machine.`),
    check("ports", "All ports can be reached", closed.length === 0,
      closed.length === 0 ? probed.ports.map(({ port }) => port).join(", ") : `no answer from ${closed.map(({ name, port }) => `${name} (${port})`).join(", ")}`,
      "A firewall or a proxy lets only some ports through: allow those named, choose others with make demo PORT=…, or show the recorded run."),
    check("features", "This browser has what the page needs", probed.missing.length === 0,
      probed.missing.length === 0 ? "workers, streams, WebSocket, canvas: all there" : `missing: ${probed.missing.join(", ")}`,
      "Use a current Chrome, Edge, Firefox or Safari."),
    check("tick", "The browser’s clock is fine enough", probed.tick_ms <= MAX_TICK_MS,
      `it moves in steps of ${probed.tick_ms.toFixed(3)} ms`,
      `Coarser than ${MAX_TICK_MS} ms: open the page as http://127.0.0.1 or http://localhost (other addresses get a coarser clock), and switch off “resist fingerprinting”.`),
    check("frames", "The picture moves smoothly", probed.frames_per_s >= MIN_FRAMES_PER_S,
      `${Math.round(probed.frames_per_s)} frames a second with 100 events in each`,
      "Make the window smaller or lower the projector’s resolution. The figures do not depend on it."),
  ];
}

function check(id, title, passed, found, remedy) {
  return { id, title, passed, found, remedy };
}

/** Measure everything that `judge` needs; takes about a second. `ports`: [{name, port, path, method}]. */
export async function probe(ports) {
  const visible = document.visibilityState === "visible";
  const [clockErrorMs, reached, framesPerS] = await Promise.all([
    measureClockErrorMs(new URL("/api/clock", location.href)),
    Promise.all(ports.map(isReached)),
    visible ? measureFramesPerSecond() : 0,
  ]);
  return {
    visible,
    clock_error_ms: clockErrorMs,
    ports: ports.map(({ name, port }, index) => ({ name, port, reached: reached[index] })),
    missing: missingFeatures(),
    tick_ms: measureTickMs(),
    frames_per_s: framesPerS,
  };
}

const EXCHANGES = 15;
const PATIENCE_MS = 4000;

/** Measure half the shortest round trip to the server's clock; null if it does not answer. */
function measureClockErrorMs(url) {
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return new Promise((resolve) => {
    const socket = new WebSocket(url);
    let sentAt = null;
    let left = EXCHANGES;
    let shortest = null;
    const ask = () => {
      sentAt = performance.now();
      socket.send(String(left));
    };
    const done = () => {
      clearTimeout(timer);
      socket.close();
      resolve(shortest === null ? null : shortest / 2);
    };
    const timer = setTimeout(done, PATIENCE_MS);
    socket.onopen = ask;
    socket.onerror = done;
    socket.onclose = done;
    socket.onmessage = () => {
      const taken = performance.now() - sentAt;
      shortest = shortest === null ? taken : Math.min(shortest, taken);
      left -= 1;
      if (left > 0) ask();
      else done();
    };
  });
}

/** Whether a port answers. Any answer counts; this request has no client number, and so is refused. */
async function isReached({ port, path, method = "GET" }) {
  try {
    await fetch(`${location.protocol}//${location.hostname}:${port}${path}`, { method, cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
    return true;
  } catch {
    return false;
  }
}

function missingFeatures() {
  const wanted = {
    workers: typeof Worker === "function",
    WebSocket: typeof WebSocket === "function",
    "server-sent events": typeof EventSource === "function",
    "streamed answers": typeof ReadableStream === "function" && "body" in Response.prototype,
    canvas: typeof CanvasRenderingContext2D === "function",
    dialogs: typeof HTMLDialogElement === "function",
  };
  return Object.keys(wanted).filter((name) => !wanted[name]);
}

/** Measure the smallest step of performance.now(). */
function measureTickMs() {
  let smallest = Infinity;
  for (let step = 0; step < 20; step += 1) {
    const before = performance.now();
    let after = performance.now();
    while (after === before) after = performance.now();
    smallest = Math.min(smallest, after - before);
  }
  return smallest;
}


/** Measure how many frames a second the browser draws of the busiest possible lanes (lanes/busiest.js). */
function measureFramesPerSecond() {
  const place = document.createElement("div");
  place.className = "preflight-picture lanes-window";
  place.setAttribute("aria-hidden", "true");
  document.body.append(place);
  const picture = pictureIn(place);
  const views = busiestViews();
  return new Promise((resolve) => {
    const startedAt = performance.now();
    let frames = 0;
    const finish = () => {
      clearTimeout(timer);
      place.remove();
      resolve((frames * 1000) / (performance.now() - startedAt));
    };
    const timer = setTimeout(finish, PATIENCE_MS);
    const count = () => {
      if (!place.isConnected) return;
      picture.draw(views[frames]);
      frames += 1;
      if (frames < views.length) requestAnimationFrame(count);
      else finish();
    };
    requestAnimationFrame(count);
  });
}
