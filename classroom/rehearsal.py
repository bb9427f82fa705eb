"""`python -m classroom.rehearsal [--devices 60] [--rate 5] [--seconds 10]`: a class of simulated devices, on loopback.

Opens a classroom that other machines can reach (with a code that is not shown), lets the devices join over loopback,
each with its own clock exchange, live socket and transport, and prints the server's resources and the latencies that
the class measured. It shows a teacher whether the laptop is fast enough for the class.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import numpy as np
import psutil
import websockets

from classroom.joining.simulated_device import SimulatedDevice
from classroom.lanes.definitions import LANES
from classroom.limits import MAX_CLIENTS
from classroom.run_settings import RunSettings

_SETTLE_S = 2.5
"""Time after a run for the last reports, and for the teacher's messages about them."""
_PATIENCE_S = 30.0


@dataclass(frozen=True)
class Rehearsed:
    """The results of a rehearsal."""

    devices: int
    events: int
    seconds: float
    cpu_ratio: float
    """Share of one core that the classroom's process used during the run."""
    rss_mb: float
    published_late_ms: dict[str, float]
    """`p50`, `p99` and `max` of published − due."""
    measured: dict[str, Any]
    """The last `class` message to the teacher's page."""

    def lines(self) -> list[str]:
        """Return the results as lines of text."""
        late = self.published_late_ms
        lines = [
            f"{self.devices} devices, {self.events} events in {self.seconds:.1f} s",
            f"server: {self.cpu_ratio:.0%} of one core, {self.rss_mb:.0f} MB; events published "
            f"{late['p50']:.2f} ms after they were due (median; 99 % within {late['p99']:.2f}, "
            f"all within {late['max']:.2f})",
        ]
        for lane in LANES:
            figures = self.measured["transports"][lane.transport]
            age = figures["latency_ms"]
            lines.append(
                f"{lane.label + ':':12}{figures['devices']:3} devices, {figures['deliveries']:6} deliveries, "
                f"median {_ms(age['p50'])}, 95 % within {_ms(age['p95'])}, oldest {_ms(age['max'])}, "
                f"missed {figures['missed']}"
            )
        refused = sum(self.measured["refused"].values())
        clocks = self.measured["clock_uncertainty_ms"]
        lines.append(
            f"refused: {refused}; clocks agree to ±{_ms(clocks['p50'])} on half of the devices, "
            f"to ±{_ms(clocks['max'])} on all"
        )
        return lines


def _ms(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f} ms"


@contextmanager
def opened_for_a_class() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run a classroom that devices can join, on free ports; yield its process and the text it printed."""
    command = [sys.executable, "-m", "classroom", "--host", "0.0.0.0", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            welcome = ""
            while "Ports:" not in welcome:
                line = process.stdout.readline()
                if not line:
                    raise RuntimeError("the classroom did not open")
                welcome += line
            yield process, welcome
        finally:
            process.terminate()
            process.wait(_PATIENCE_S)


async def rehearse(process: psutil.Process, welcome: str, devices: int, settings: RunSettings) -> Rehearsed:
    """Let devices join the classroom of this process, run one stream, and return the results."""
    port = int(_found(r"page (\d+)", welcome))
    key, code = _found(r"key=(\S+)", welcome), _found(r"code (\w+)", welcome)
    origin = f"http://127.0.0.1:{port}"
    teacher = {"Origin": origin, "X-Teacher-Key": key}
    async with (
        httpx.AsyncClient(base_url=origin, headers=teacher, timeout=_PATIENCE_S) as http,
        websockets.connect(f"ws://127.0.0.1:{port}/api/live?key={key}", origin=websockets.Origin(origin)) as live,
    ):
        await http.post("/api/stop", json={})
        class_devices = [SimulatedDevice(port) for _ in range(devices)]
        await asyncio.gather(*(device.join(code) for device in class_devices))
        taking_part = [asyncio.create_task(device.take_part()) for device in class_devices]
        try:
            await asyncio.wait_for(asyncio.gather(*(device.ready.wait() for device in class_devices)), _PATIENCE_S)
            measured, cpu_s, seconds = await _one_run(http, live, process, settings)
        finally:
            for task in taking_part:
                task.cancel()
            await asyncio.gather(*taking_part, return_exceptions=True)
        record = (await http.get("/api/record")).json()
    late_ms = [(published_ns - due_ns) / 1e6 for _, due_ns, published_ns, _ in record["published"]]
    median, p99, latest = np.quantile(late_ms, [0.5, 0.99, 1])
    return Rehearsed(
        devices=devices,
        events=len(late_ms),
        seconds=seconds,
        cpu_ratio=cpu_s / seconds,
        rss_mb=process.memory_info().rss / 2**20,
        published_late_ms={"p50": float(median), "p99": float(p99), "max": float(latest)},
        measured=measured,
    )


async def _one_run(
    http: httpx.AsyncClient, live: websockets.ClientConnection, process: psutil.Process, settings: RunSettings
) -> tuple[dict[str, Any], float, float]:
    """Return the last class message of one run, the server's CPU seconds, and the seconds over which it used them."""
    loop = asyncio.get_running_loop()
    started, cpu_before = loop.time(), _cpu_s(process)
    answer = await http.post("/api/run", json=settings.model_dump() | {"auto": False})
    answer.raise_for_status()
    run = answer.json()["id"]
    measured: dict[str, Any] = {}
    until: float | None = None
    cpu_s = seconds = 0.0
    while until is None or loop.time() < until:
        message = json.loads(await asyncio.wait_for(live.recv(), settings.duration_s + _PATIENCE_S))
        if message["type"] == "class" and message["run"] == run:
            measured = message
        if message["type"] == "ended" and message["run"] == run:
            cpu_s, seconds = _cpu_s(process) - cpu_before, loop.time() - started
            until = loop.time() + _SETTLE_S
    return measured, cpu_s, seconds


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    assert match is not None, text
    return match[1]


def main(arguments: list[str] | None = None) -> int:
    """Rehearse once, print the figures, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m classroom.rehearsal", description=__doc__)
    parser.add_argument("--devices", type=_whole(1, MAX_CLIENTS), default=60)
    parser.add_argument("--rate", type=_number(0.05, 100), default=5.0, help="events per second (%(default)s)")
    parser.add_argument("--seconds", type=_number(3, 300), default=10.0, help="length of the run (%(default)s)")
    options = parser.parse_args(arguments)
    settings = RunSettings(rate_per_s=options.rate, duration_s=options.seconds)
    with opened_for_a_class() as (process, welcome):
        rehearsed = asyncio.run(rehearse(psutil.Process(process.pid), welcome, options.devices, settings))
    print("\n".join(rehearsed.lines()))
    return 0


def _whole(low: int, high: int) -> Any:
    def read(text: str) -> int:
        if text.isdecimal() and text.isascii() and low <= int(text) <= high:
            return int(text)
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {low} to {high}")

    return read


def _number(low: float, high: float) -> Any:
    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if low <= value <= high:
            return value
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from {low:g} to {high:g}")

    return read


if __name__ == "__main__":
    sys.exit(main())
