/** The view Class on the teacher's page: how to join, and the latencies that all devices together have measured. */

import { countText, timeText } from "../shared/format.js";
import { markElement, markOutline } from "../shared/marks.js";
import { describe, presetButtons } from "../shared/presets.js";
import { runStatus } from "../shared/run_status.js";
import { axisRange, bars, logScale, medianPlaces, ticks } from "./class_geometry.js";
import { CLASS, SOLO } from "./class_template.js";

const MEDIAN_MARK_PX = 13;
const MEDIAN_ROWS = 2;
const MARK_RADIUS = 5;
const STATUS_PERIOD_MS = 250;
const SVG = "http://www.w3.org/2000/svg";

/** Why the server does not count a reported delivery, by the reasons in its `class` messages. */
const REASONS = {
  other_run: "of another run",
  not_assigned: "for a transport that the device never had",
  unknown_event: "of events that do not exist",
  not_sent: "of events that were not sent to the device",
  too_early: "from before they were sent",
  in_future: "from the future",
};

export function mount(section, context) {
  let view = null;
  const open = () => {
    if (context.mode !== "class") {
      section.innerHTML = SOLO;
      return;
    }
    if (!context.teacher) return;
    view ??= new ClassView(section, context);
    view.refresh();
  };
  context.on("hello", open);
  context.live.on("refused", () => {
    if (context.client === null && !context.live.hasKey) sendToJoinPage();
    view?.withdraw();
  });
  context.live.on("gone", () => view?.withdraw());
  context.on("settings", () => view?.showSettings());
  context.on("class", (message) => view?.show(message));
  context.on("theme", () => view?.draw());
  context.on("view", ({ view: shown }) => shown === "class" && view?.draw());
}

/** Go to the page for devices: whoever opens the address without the teacher's key wants to join. */
async function sendToJoinPage() {
  const { ok } = await fetch("/join");
  if (ok) window.location.replace("/join");
}

class ClassView {
  #section;
  #context;
  #latest = null;
  #devices = 0;
  #large = true;
  #presets;

  constructor(section, context) {
    this.#section = section;
    this.#context = context;
    section.innerHTML = CLASS;
    this.#makeRows();
    this.#setLarge(true);
    this.#find(".class-size").addEventListener("click", () => this.#setLarge(!this.#large));
    this.#presets = presetButtons(this.#find(".class-presets"), (settings) => {
      context.setSettings(settings);
      this.#attempt(context.startRun(settings));
    });
    this.#find('[data-run="start"]').addEventListener("click", () => this.#attempt(context.startRun(context.settings())));
    this.#find('[data-run="stop"]').addEventListener("click", () => this.#attempt(context.stopRun()));
    this.showSettings();
    setInterval(() => {
      if (!section.hidden && !document.hidden) this.#showStatus();
    }, STATUS_PERIOD_MS);
    for (const button of section.querySelectorAll("[data-assign]")) {
      button.addEventListener("click", () => this.#assign(button.dataset.assign));
    }
    new ResizeObserver(() => this.draw()).observe(this.#find(".class-rows"));
  }

  /** Read address, code and QR code again, since a restarted server may have others. */
  async refresh() {
    try {
      this.#invite(await this.#context.request("/api/class"));
    } catch (error) {
      this.#find(".class-address").textContent = error.message;
    }
  }

  /** Hide address and code while the server is gone: it may return with another code. */
  withdraw() {
    this.#section.classList.add("class-away");
    this.#find(".class-away-note").hidden = false;
  }

  /** Show a `class` message. */
  show(message) {
    this.#latest = message;
    this.#showDevices(message);
    this.#field("uncertainty_p50_ms").textContent = timeText(message.clock_uncertainty_ms.p50);
    this.#field("uncertainty_max_ms").textContent = timeText(message.clock_uncertainty_ms.max);
    this.#pressAssign(message.assign);
    this.#showRefused(message);
    this.#showTable(message);
    this.draw();
  }

  /** Draw the distributions at the rows' current size. */
  draw() {
    if (this.#latest === null || this.#section.hidden || this.#large) return;
    const { transports } = this.#latest;
    const range = axisRange(transports);
    for (const [transport, one] of Object.entries(transports)) this.#drawRow(transport, one, range);
    this.#drawAxis(range);
  }

  #find(selector) {
    return this.#section.querySelector(selector);
  }

  #fields(name) {
    return this.#section.querySelectorAll(`[data-field="${name}"]`);
  }

  #field(name) {
    return this.#find(`[data-field="${name}"]`);
  }

  #makeRows() {
    for (const lane of this.#context.lanes) {
      const row = document.createElement("section");
      row.className = "class-row";
      row.dataset.transport = lane.transport;
      row.innerHTML = `
        <div class="class-row-name"><h3></h3>
          <p class="soft small"><span data-field="transport_devices"></span><br><span data-field="deliveries"></span></p></div>
        <svg class="class-plot" role="img"></svg>
        <dl class="class-row-numbers"><dt>median</dt><dd class="class-median" data-field="p50_ms">–</dd>
          <dt>95 % within</dt><dd data-field="p95_ms">–</dd><dt>oldest</dt><dd data-field="max_ms">–</dd></dl>`;
      row.querySelector("h3").append(markElement(lane.transport), lane.label);
      this.#find(".class-rows").append(row);
    }
  }

  #invite({ address, other_addresses: others, code, qr_svg: qr, assign }) {
    this.#section.classList.remove("class-away");
    this.#find(".class-away-note").hidden = true;
    this.#find(".class-qr").innerHTML = qr;
    this.#field("join_address").textContent = address.replace("http://", "");
    this.#field("join_code").textContent = code;
    const other = this.#find(".class-others");
    other.hidden = others.length === 0;
    other.textContent = `Cannot be reached? Try ${others.map((each) => each.replace("http://", "")).join(" or ")}.`;
    this.#pressAssign(assign);
  }

  #pressAssign(assign) {
    for (const button of this.#section.querySelectorAll("[data-assign]")) {
      button.setAttribute("aria-pressed", String(button.dataset.assign === assign));
    }
  }

  async #assign(assign) {
    try {
      this.#invite(await this.#context.request("/api/class", { method: "POST", body: { assign } }));
      this.#context.announce(assign === "all" ? "Every device now has all four transports." : "Every device now has one transport.");
    } catch (error) {
      this.#context.announce(error.message);
    }
  }

  #showDevices({ devices, transports }) {
    for (const field of this.#fields("devices")) field.textContent = devices;
    for (const field of this.#fields("devices_word")) field.textContent = devices === 1 ? "device" : "devices";
    const counted = this.#context.lanes.filter(({ transport }) => transports[transport].devices > 0);
    this.#find(".class-joined-by").replaceChildren(
      ...counted.map(({ transport, label }) => {
        const one = document.createElement("span");
        one.title = label;
        one.append(markElement(transport), transports[transport].devices);
        return one;
      }),
    );
    if (devices !== this.#devices && this.#context.view() === "class") {
      this.#context.announce(`${countText(devices, "device")} in the class.`);
    }
    this.#devices = devices;
  }

  /** Show the settings of the current run and of the next. */
  showSettings() {
    const settings = this.#context.settings();
    this.#presets.show(settings);
    this.#find(".class-run-settings").textContent = describe(settings);
  }

  #showStatus() {
    const status = this.#find(".class-run-status");
    const text = runStatus(this.#context.store.current, this.#context.serverNow(), this.#context);
    if (status.textContent !== text) status.textContent = text;
  }

  /** Show the error of a request to start or stop a run; clear it on success. */
  async #attempt(request) {
    const problem = await request.then(() => "", (error) => error.message);
    this.#find(".class-run-error").textContent = problem;
    this.#find(".class-run-error").hidden = problem === "";
  }

  #setLarge(large) {
    this.#large = large;
    this.#section.classList.toggle("class-large", large);
    this.#find(".class-size").classList.toggle("button-strong", large);
    this.#find(".class-size").textContent = large ? "Show what the class measures" : "Show the code large";
    this.draw();
  }

  #showRefused({ refused, refused_devices: devices, clock_unknown_devices: unsure }) {
    const reasons = Object.entries(refused).map(([reason, count]) => `${count} ${REASONS[reason] ?? reason}`);
    const whose = devices.length > 0 ? ` (${namesOf(devices)})` : "";
    this.#note(".class-refused", reasons.length > 0 && `Not counted, because it cannot be true: ${reasons.join(", ")}${whose}.`);
    this.#note(".class-unsure", unsure.length > 0 && `Left out for now, because the clock is not known precisely enough: ${namesOf(unsure)}. A better network helps.`);
  }

  #note(selector, text) {
    this.#find(selector).hidden = !text;
    this.#find(selector).textContent = text || "";
  }

  #showTable({ transports }) {
    const rows = this.#context.lanes.map(({ transport, label }) => {
      const one = transports[transport];
      const row = document.createElement("tr");
      row.dataset.transport = transport;
      row.innerHTML = '<th scope="row"></th>';
      row.firstChild.append(markElement(transport), label);
      const { p50, p95, max } = one.latency_ms;
      for (const text of [one.devices, one.deliveries.toLocaleString("en"), timeText(p50), timeText(p95), timeText(max), one.missed]) {
        row.insertCell().textContent = text;
      }
      return row;
    });
    this.#find(".class-table tbody").replaceChildren(...rows);
  }

  #drawRow(transport, one, range) {
    const row = this.#find(`.class-row[data-transport="${transport}"]`);
    const put = (name, text) => (row.querySelector(`[data-field="${name}"]`).textContent = text);
    put("transport_devices", countText(one.devices, "device"));
    put("deliveries", countText(one.deliveries, "delivery", "deliveries"));
    put("p50_ms", timeText(one.latency_ms.p50));
    put("p95_ms", timeText(one.latency_ms.p95));
    put("max_ms", timeText(one.latency_ms.max));

    const svg = row.querySelector("svg.class-plot");
    const { width, height } = svg.getBoundingClientRect();
    const strip = MEDIAN_ROWS * MEDIAN_MARK_PX + 6;
    const floor = height - strip;
    const scale = logScale(range, width);
    const { label } = this.#context.lanes.find((lane) => lane.transport === transport);
    const drawn = ticks(range).filter((tick) => tick.label).map((tick) => line("class-grid-line", scale(tick.ms), 0, scale(tick.ms), height));
    for (const bar of bars(one.histogram, scale, floor - 4)) {
      const rect = shape("rect", "class-bar", { x: bar.x, y: bar.y + 4, width: bar.width, height: bar.height });
      rect.append(title(`${timeText(bar.lo)} to ${timeText(bar.hi)}: ${countText(bar.count, "delivery", "deliveries")}`));
      drawn.push(rect);
    }
    drawn.push(line("class-base-line", 0, floor, width, floor));
    if (one.latency_ms.p50 !== null) drawn.push(line("class-median-line", scale(one.latency_ms.p50), 0, scale(one.latency_ms.p50), floor + 4));
    for (const place of medianPlaces(one.device_medians_ms, scale, MEDIAN_MARK_PX, MEDIAN_ROWS)) {
      const y = floor + 9 + place.row * MEDIAN_MARK_PX;
      const mark = deviceMark(transport, place.x, y);
      mark.append(title(`Device ${place.name}: ${timeText(place.ms)}`));
      drawn.push(mark);
    }
    svg.setAttribute("aria-label", `${label}: median ${timeText(one.latency_ms.p50)}, 95 % within ${timeText(one.latency_ms.p95)}, ${countText(one.deliveries, "delivery", "deliveries")}`);
    svg.replaceChildren(...drawn);
  }

  #drawAxis(range) {
    const svg = this.#find(".class-axis svg");
    const { width } = svg.getBoundingClientRect();
    const scale = logScale(range, width);
    const all = ticks(range);
    svg.replaceChildren(
      ...all.flatMap(({ ms, label }) => {
        const x = scale(ms);
        const made = [line("", x, 0, x, label ? 8 : 4)];
        if (label) {
          const text = shape("text", "", { x, y: 24, "text-anchor": "middle" });
          text.textContent = label;
          made.push(text);
        }
        return made;
      }),
    );
  }
}

/** Return the first ten devices as "device 3" or "devices 3, 4, 7". */
function namesOf(devices) {
  return `${devices.length === 1 ? "device" : "devices"} ${devices.slice(0, 10).join(", ")}`;
}

function shape(name, className, attributes) {
  const element = document.createElementNS(SVG, name);
  if (className) element.setAttribute("class", className);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, typeof value === "number" ? value.toFixed(1) : value);
  return element;
}

function line(className, x1, y1, x2, y2) {
  return shape("line", className, { x1, y1, x2, y2 });
}

function title(text) {
  const element = document.createElementNS(SVG, "title");
  element.textContent = text;
  return element;
}

function deviceMark(transport, x, y) {
  return shape("path", "class-device-mark", { d: markOutline(transport, MARK_RADIUS), transform: `translate(${x.toFixed(1)} ${y})` });
}
