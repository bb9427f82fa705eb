/** The pre-flight check as a dialog: what holds, what does not, and what to do about it. */

import { judge, probe } from "./preflight/checks.js";
import { saveLastRun } from "./recorded.js";

/** Put a button into the page's header that opens the check. Gives {open()}. */
export function mountPreflight(tools, context) {
  const button = document.createElement("button");
  button.type = "button";
  button.id = "preflight-button";
  button.className = "button button-quiet";
  button.textContent = "Check";
  button.title = "Is everything ready for a lesson?";
  tools.prepend(button);
  const dialog = document.createElement("dialog");
  dialog.id = "preflight";
  dialog.className = "panel preflight";
  dialog.setAttribute("aria-labelledby", "preflight-title");
  dialog.innerHTML = `<div class="row preflight-head"><h2 id="preflight-title" tabindex="-1">Ready for the lesson?</h2>
      <button type="button" class="button" data-action="close">Close</button></div>
    <p class="preflight-sum" role="status"></p>
    <ul class="preflight-list"></ul>
    <div class="row"><button type="button" class="button button-strong" data-action="again">Check again</button>
      <a class="button" href="?recorded">Show the recorded run</a>
      <button type="button" class="button" data-action="save">Save the last run</button></div>
    <p class="soft small preflight-saved" role="status"></p>`;
  document.body.append(dialog);
  const again = () => check(dialog, context);
  const open = () => {
    if (!dialog.open) dialog.showModal();
    return again();
  };
  button.addEventListener("click", open);
  dialog.querySelector("[data-action=close]").addEventListener("click", () => dialog.close());
  dialog.querySelector("[data-action=again]").addEventListener("click", again);
  dialog.querySelector("[data-action=save]").addEventListener("click", () => {
    dialog.querySelector(".preflight-saved").textContent = saveLastRun(context);
  });
  return { open };
}

async function check(dialog, context) {
  const sum = dialog.querySelector(".preflight-sum");
  const again = dialog.querySelector("[data-action=again]");
  sum.textContent = "Checking …";
  again.disabled = true;
  const [probed, server] = await Promise.all([probe(portsOf(context)), serverChecks(context)]);
  const found = [...judge(probed), ...server];
  dialog.querySelector(".preflight-list").innerHTML = found.map(itemHtml).join("");
  const failed = found.filter((one) => !one.passed).length;
  sum.textContent = failed === 0 ? `All ${found.length} checks hold.` : `${failed} of ${found.length} checks need a look.`;
  dialog.dataset.failed = String(failed);
  again.disabled = false;
}

function portsOf({ lanes, lessonPort }) {
  const ports = lanes.map(({ label, port, path }) => ({ name: label, port, path }));
  return lessonPort ? [...ports, { name: "Lesson", port: lessonPort, path: "/" }] : ports;
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
    <div><strong>${escapeHtml(title)}</strong> <span class="visually-hidden">${passed ? "holds" : "does not hold"}</span>
    <p class="soft">${escapeHtml(found)}</p>
    ${passed ? "" : `<p>${escapeHtml(remedy)}</p>`}</div></li>`;
}

function escapeHtml(text) {
  return text.replace(/[&<>"]/g, (sign) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[sign]);
}
