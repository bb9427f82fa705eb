"""wrk: an HTTP load generator in C whose connections send the next request as soon as they get an answer."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from benchmarks.peers.tool import Job, Launch, Tool, ToolDescription, ToolReport, find_program, first_match, output_of
from benchmarks.peers.workloads import BEYOND_THE_STREAM, WorkName
from contract import wire

_STARTING_S = 60.0
_MS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 60e3}


class Wrk(Tool):
    """One thread with a connection per client."""

    name = "wrk"
    oldest = (4,)
    works: ClassVar[Mapping[WorkName, ToolDescription]] = {
        "poll": ToolDescription(
            "one thread, 50 connections, no pacing: each asks again as soon as it is answered; no cursor, so that "
            "every answer is empty",
            "from a poll's request to its answer, at full load",
            (
                "any rate but the highest: it has no pacing",
                "its own delay",
                "single polls, and what they carry",
                "how old an event is",
            ),
        )
    }

    def find(self) -> Path | None:
        return find_program("WRK", "wrk")

    def version(self, program: Path) -> str:
        return str(first_match(r"^wrk \D*(\d[\w.]*)", output_of([str(program), "-v"]), "version of wrk")[1])

    def launch(self, program: Path, job: Job) -> Launch:
        address = f"{job.url}{wire.SHORT_POLL_PATH}?after={BEYOND_THE_STREAM}"
        limit = f"-d{_STARTING_S + job.stay_s:.0f}s"
        return Launch(
            [str(program), "-t1", f"-c{job.work.clients}", limit, "--latency", address],
            {"HOME": str(job.home)},
            signal.SIGINT,
        )

    def read_report(self, job: Job, output: str) -> ToolReport:
        units = int(first_match(r"(\d+) requests in", output, "wrk's count of requests")[1])
        mean = first_match(r"Latency\s+([\d.]+)(us|ms|s|m)\b", output, "wrk's mean latency")
        median = first_match(r"50%\s+([\d.]+)(us|ms|s|m)\b", output, "wrk's median latency")
        return ToolReport(units, float(median[1]) * _MS[median[2]], float(mean[1]) * _MS[mean[2]])
