/** The panel that shows a lane's program in FastAPI, runs it, and says what it delivered. */

import { CodeView } from "../../lesson/code_view.js";
import { runProgram, WANTED } from "../../lesson/programs.js";
import { LessonSession } from "../../lesson/session.js";
import { countText } from "../../shared/format.js";
import { markElement } from "../../shared/marks.js";
import { LABELS } from "../../shared/transports.js";

/** Set up the panel. Returns {toggle(transport)}, which shows or hides the program of a lane. */
export function setUpCodePanel(panel, context) {
  const part = (selector) => panel.querySelector(selector);
  const code = new CodeView(part(".code"));
  /** The result of running each program as a sentence, by transport. */
  const results = new Map();
  const running = new Set();
  let session = null;
  let shown = null;

  part("#program-run").addEventListener("click", () => run(shown));
  part("#program-close").addEventListener("click", () => toggle(shown));

  function toggle(transport) {
    shown = transport === shown ? null : transport;
    panel.hidden = shown === null;
    if (shown === null) return;
    session ??= begin();
    draw();
    panel.scrollIntoView({ block: "nearest" });
  }

  function begin() {
    const begun = new LessonSession(() => context.serverNow(), draw);
    begun.follow();
    return begun;
  }

  function draw() {
    if (shown === null) return;
    const program = session.programs[shown];
    part("#program-title").replaceChildren(markElement(shown), `${LABELS[shown]} in FastAPI`);
    part(".code").hidden = program === undefined;
    if (program) code.render(program);
    part("#program-run").disabled = !session.ready || running.has(shown);
    part("#program-result").textContent = results.get(shown) ?? "";
  }

  async function run(transport) {
    const told = (text) => {
      results.set(transport, text);
      draw();
    };
    running.add(transport);
    told(`Running: waits for ${WANTED} items of news, one a second …`);
    try {
      told(sentence(await runProgram(session, transport, (counts) => told(`Running: ${sentence(counts)}`))));
    } catch (error) {
      told(error.message);
    }
    running.delete(transport);
    draw();
  }

  return { toggle };
}

/** Say how many items of news a run has delivered, and how many requests that took. */
function sentence({ news, requests, empty }) {
  return `${countText(news, "item")} of news with ${countText(requests, "request")}${empty ? `, ${empty} of them in vain` : ""}.`;
}
