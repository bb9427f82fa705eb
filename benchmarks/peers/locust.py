"""Stock Locust: the users of peers/locust_users/, run headless by the Locust that the harness itself uses."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import ClassVar

import numpy as np

from benchmarks.peers.tool import Job, Launch, Tool, ToolDescription, ToolError, ToolReport
from benchmarks.peers.workloads import WorkName

_USERS = Path(__file__).parent / "locust_users"
_STARTING_S = 60.0
"""Locust's own time limit beyond a job's stay, in case it is not stopped."""
_BLIND = (
    "its own delay: the time in which a message waits for its turn in the process counts as the server's",
    "single deliveries: times are kept in a histogram, rounded to two digits",
    "lost, duplicate or reordered events",
)
_WEBSOCKET = ToolDescription(
    "one user per client, one greenlet reads, each message is decoded and fired as a request",
    "from when the event was due to when the user's code has the message",
    _BLIND,
)
_POLLS = ToolDescription(
    "no wait_time, a cursor",
    "from a poll's request to its answer",
    (*_BLIND, "how old an event is: a poll's response time does not tell"),
)


class _Locust(Tool):
    """The base of all stock Locust users."""

    file: ClassVar[str]
    user: ClassVar[str]

    def find(self) -> Path | None:
        return Path(sys.executable)

    def version(self, program: Path) -> str:
        return version("locust")

    def launch(self, program: Path, job: Job) -> Launch:
        clients = str(job.work.clients)
        command = [str(program), "-m", "locust", "-f", str(_USERS / self.file), "--headless", "--host", job.url]
        command += ["-u", clients, "-r", clients, "--run-time", f"{_STARTING_S + job.stay_s:.0f}s"]
        command += ["--only-summary", "--json", "--loglevel", "WARNING", self.user]
        return Launch(command, {"HOME": str(job.home)}, signal.SIGTERM)

    def read_report(self, job: Job, output: str) -> ToolReport:
        start = output.find("[\n")
        try:
            entries, _ = json.JSONDecoder().raw_decode(output[start:]) if start >= 0 else ([], 0)
        except ValueError:
            entries = []
        if not entries:
            raise ToolError("locust printed no statistics when it was ended")
        times = {float(ms): count for entry in entries for ms, count in entry["response_times"].items()}
        units = sum(entry["num_requests"] for entry in entries)
        total_ms = sum(entry["total_response_time"] for entry in entries)
        every_ms = np.repeat(np.array(list(times)), np.array(list(times.values()), dtype=np.int64))
        p50_ms = float(np.quantile(every_ms, 0.5)) if len(every_ms) else None
        return ToolReport(units, p50_ms, total_ms / units if units else None)


class LocustWebSocketClient(_Locust):
    """Uses websocket-client with its defaults."""

    name = "locust websocket-client"
    works: ClassVar[Mapping[WorkName, ToolDescription]] = {"websocket": _WEBSOCKET}
    file, user = "websocket_client.py", "WebSocketClientUser"


class LocustUncheckedWebSocketClient(_Locust):
    """Uses websocket-client without its check of UTF-8."""

    name = "locust websocket-client unchecked"
    works: ClassVar[Mapping[WorkName, ToolDescription]] = {
        "websocket": ToolDescription(
            _WEBSOCKET.settings + "; skip_utf8_validation", _WEBSOCKET.reports, (*_BLIND, "text that is not UTF-8")
        )
    }
    file, user = "websocket_client.py", "UncheckedWebSocketClientUser"


class LocustHttpUser(_Locust):
    """Uses requests."""

    name = "locust HttpUser"
    works: ClassVar[Mapping[WorkName, ToolDescription]] = {"poll": _POLLS}
    file, user = "polling_users.py", "HttpPoller"


class LocustFastHttpUser(_Locust):
    """Uses geventhttpclient."""

    name = "locust FastHttpUser"
    works: ClassVar[Mapping[WorkName, ToolDescription]] = {"poll": _POLLS}
    file, user = "polling_users.py", "FastHttpPoller"
