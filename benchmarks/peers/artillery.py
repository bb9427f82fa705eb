"""Artillery on Node.js: scenarios in JSON for its ws and http engines, with hooks in JavaScript."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from benchmarks.peers.tool import (
    Job,
    Launch,
    Tool,
    ToolDescription,
    ToolError,
    ToolReport,
    find_program,
    first_match,
    output_of,
)
from benchmarks.peers.workloads import WorkName
from contract import wire

_REPORT = "report.json"
_ARRIVALS_S = {"websocket": 2, "poll": 1}
_CONNECTING_S = 1.0
_QUIET = {"ARTILLERY_DISABLE_TELEMETRY": "true"}
_BLIND = (
    "its own delay: the time in which a message waits for its turn in the process counts as the server's",
    "single deliveries: times are kept in a histogram of 1 % steps",
    "lost, duplicate or reordered events",
)

_LISTEN = """\
module.exports = { listen };

function listen(context, ee, next) {
  context.ws.on('message', (message) => {
    const event = JSON.parse(message);
    ee.emit('histogram', 'staleness', Number(process.hrtime.bigint() - BigInt(event.due_ns)) / 1e6);
  });
  return next();
}
"""
_FOLLOW = """\
module.exports = { begin, follow, goOn };

function begin(context, ee, next) {
  context.vars.cursor = 0;
  context.vars.endsAt = Date.now() + 1000 * context.vars.stay_s;
  return next();
}

function goOn(context, next) {
  return next(Date.now() < context.vars.endsAt);
}

function follow(request, response, context, ee, next) {
  if (response.statusCode === 200) context.vars.cursor = JSON.parse(response.body).next;
  return next();
}
"""


class Artillery(Tool):
    """One virtual user per client."""

    name = "artillery"
    oldest = (2, 0)
    works: ClassVar[Mapping[WorkName, ToolDescription]] = {
        "websocket": ToolDescription(
            "ws engine; a function of the scenario listens, decodes each message and emits its staleness as a "
            "custom histogram",
            "from when the event was due to when the user's code has the message",
            _BLIND,
        ),
        "poll": ToolDescription(
            "http engine; a loop of polls without think time, a cursor kept by an afterResponse hook",
            "from a poll's request to its answer",
            (*_BLIND, "how old an event is"),
        ),
    }

    def find(self) -> Path | None:
        return find_program("ARTILLERY", "artillery")

    def version(self, program: Path) -> str:
        return str(first_match(r"Artillery: (\S+)", output_of([str(program), "--version"], _QUIET), "its version")[1])

    def launch(self, program: Path, job: Job) -> Launch:
        listens = job.work.name == "websocket"
        (job.folder / "hooks.js").write_text(_LISTEN if listens else _FOLLOW, encoding="utf-8")
        scenario = job.folder / "scenario.json"
        scenario.write_text(json.dumps(_scenario(job), indent=1), encoding="utf-8")
        command = [str(program), "run", "--quiet", "--output", str(job.folder / _REPORT), str(scenario)]
        return Launch(command, {**_QUIET, "HOME": str(job.home)})

    def read_report(self, job: Job, output: str) -> ToolReport:
        try:
            aggregate = json.loads((job.folder / _REPORT).read_text(encoding="utf-8"))["aggregate"]
        except (OSError, ValueError, KeyError) as error:
            raise ToolError(f"artillery left no report: {_last_line(output) or error}") from error
        summary = aggregate["summaries"].get("staleness" if job.work.name == "websocket" else "http.response_time")
        if summary is None:
            raise ToolError(f"artillery counted no {job.work.unit} in its report")
        return ToolReport(int(summary["count"]), float(summary["p50"]), float(summary["mean"]))


def _scenario(job: Job) -> dict[str, Any]:
    arrivals = {"duration": _ARRIVALS_S[job.work.name], "arrivalCount": job.work.clients}
    config: dict[str, Any] = {"processor": "./hooks.js", "phases": [arrivals]}
    # The first client stays until the last has finished.
    stay_s = job.stay_s + _ARRIVALS_S[job.work.name] + _CONNECTING_S
    if job.work.name == "websocket":
        target = f"ws://{job.host}:{job.port}"
        flow: list[dict[str, Any]] = [
            {"connect": target + wire.WEBSOCKET_PATH},
            {"function": "listen"},
            {"think": math.ceil(stay_s)},
        ]
        return {"config": {"target": target, **config}, "scenarios": [{"engine": "ws", "flow": flow}]}
    poll = {"get": {"url": wire.SHORT_POLL_PATH + "?after={{ cursor }}", "afterResponse": "follow"}}
    flow = [{"function": "begin"}, {"loop": [poll], "whileTrue": "goOn"}]
    config["variables"] = {"stay_s": math.ceil(stay_s)}
    return {"config": {"target": job.url, **config}, "scenarios": [{"flow": flow}]}


def _last_line(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1] if lines else ""
