/** The teacher's dialog: lesson plans, hand-out, recorded run, and the check before the lesson. */

import { escapeHtml } from "../../shared/html.js";
import { saveLastRun } from "../recorded/recorded.js";
import { judge, probe } from "./checks.js";

/** Build the dialog, and the button in the page's header (`tools`) that opens it. Returns the dialog. */
export function mountPreflight(tools, context, handout) {
  const button = document.createElement("button");
  button.type = "button";
  button.id = "teacher-button";
  button.className = "button button-quiet";
  button.textContent = "Teacher";
  button.title = "Lesson plans, hand-out, check, recorded run";
  tools.prepend(button);
  const dialog = document.createElement("dialog");
  dialog.id = "preflight";
  dialog.className = "panel preflight";
  dialog.setAttribute("aria-labelledby", "preflight-title");
  dialog.innerHTML = TEMPLATE;
  document.body.append(dialog);
  const find = (action) => dialog.querySelector(`[data-action=${action}]`);
  button.addEventListener("click", () => {
    dialog.showModal();
    check(dialog, context);
  });
  find("close").addEventListener("click", () => dialog.close());
  find("again").addEventListener("click", () => check(dialog, context));
  find("print").addEventListener("click", async () => {
    find("print").disabled = true;
    await handout.print();
    find("print").disabled = false;
  });
  find("save").addEventListener("click", () => {
    dialog.querySelector(".preflight-said").textContent = saveLastRun(context);
  });
  return dialog;
}

const TEMPLATE = `<div class="row preflight-head"><h2 id="preflight-title">For the teacher</h2>
    <button type="button" class="button" data-action="close">Close</button></div>
  <h3>A lesson plan on the page, card by card</h3>
  <div class="row" data-routes></div>
  <h3>To hand out, to show, to keep</h3>
  <div class="row">
    <button type="button" class="button" data-action="print">Print the hand-out</button>
    <a class="button" href="?recorded">Show the recorded run</a>
    <button type="button" class="button" data-action="save">Save the last run</button>
  </div>
  <p class="soft small preflight-said" role="status"></p>
  <div class="row preflight-head"><h3>Ready for the lesson? <span class="preflight-sum" role="status"></span></h3>
    <button type="button" class="button" data-action="again">Check again</button></div>
  <ul class="preflight-list" aria-label="Checks"></ul>`;

async function check(dialog, context) {
  const sum = dialog.querySelector(".preflight-sum");
  const again = dialog.querySelector("[data-action=again]");
  sum.textContent = "Checking …";
  again.disabled = true;
  const [probed, server] = await Promise.all([probe(portsOf(context)), serverChecks(context)]);
  // What needs a look comes first, so that its advice is in sight.
  const found = [...judge(probed), ...server].sort((one, other) => Number(one.passed) - Number(other.passed));
  dialog.querySelector(".preflight-list").innerHTML = found.map(itemHtml).join("");
  const failed = found.filter((one) => !one.passed).length;
  sum.textContent = failed === 0 ? `All ${found.length} checks hold.` : `${failed} of ${found.length} checks need a look.`;
  dialog.dataset.failed = String(failed);
  again.disabled = false;
}

function portsOf({ lanes, lessonPort }) {
  const ports = lanes.map(({ label, port, path }) => ({ name: label, port, path }));
  return lessonPort ? [...ports, { name: "Lesson", port: lessonPort, path: "/lesson/echo", method: "POST" }] : ports;
}

async function serverChecks(context) {
  try {
    const answer = await context.request("/api/preflight");
    return answer.checks;
  } catch (error) {
    return [{ id: "server", title: "The server checks itself", passed: false, found: error.message, remedy: "Is make demo still running? Start it again, and reload this page." }];
  }
}

function itemHtml({ id, title, passed, found, remedy }) {
  return `<li data-check="${id}" data-passed="${passed}"><span class="preflight-mark" aria-hidden="true">${passed ? "✓" : "✗"}</span>
    <div><strong>${escapeHtml(title)}</strong> <span class="visually-hidden">${passed ? "holds" : "does not hold"}:</span>
    <span class="soft small">${escapeHtml(found)}</span>
    ${passed ? "" : `<p class="small">${escapeHtml(remedy)}</p>`}</div></li>`;
}
