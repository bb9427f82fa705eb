"""The check before a lesson: whether the teacher's machine is fast and idle enough for the page's figures.

The browser's half of the check (tab, clock, ports, features) is js/page/preflight/checks.js; the page shows both.
"""

from __future__ import annotations

import asyncio
import os
import resource
import socket
import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from fastapi import APIRouter, Depends

from classroom.state import require_teacher

router = APIRouter(dependencies=[Depends(require_teacher)])

_ROUND_TRIPS = 40
_SLEEPS = 20
_SLEEP_S = 0.005
_PATIENCE_S = 5.0

MAX_FLOOR_MS = 2.0
"""A round trip over bare loopback above this is visible in the figures beside a delay of 50 ms."""
MAX_TIMER_LATENESS_MS = 10.0
MIN_DESCRIPTORS = 2048
"""Enough for 100 devices with four lanes each, and a reserve: a connection takes two descriptors in the relay and one
in the lane's server."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Measurements of the machine that runs the classroom."""

    floor_p50_ms: float
    """Median round trip of one byte over bare loopback."""
    floor_max_ms: float
    timer_lateness_ms: float
    """The largest delay of several short sleeps: the jitter of event loop and machine."""
    load_per_core: float
    """Average number of runnable processes in the last minute, per core; above 1 some of them waited."""
    descriptors: int
    """How many files and connections this process may have open; -1 for any number."""


@dataclass(frozen=True, slots=True)
class Check:
    """One requirement, as the page shows it."""

    id: str
    title: str
    passed: bool
    found: str
    remedy: str
    """What to do if it is not met."""


def checks(measured: Measured) -> list[Check]:
    """Return what the measurements mean for a lesson."""
    return [
        Check(
            "floor",
            "This machine adds little to an age",
            measured.floor_p50_ms <= MAX_FLOOR_MS,
            f"a round trip over loopback takes {measured.floor_p50_ms:.2f} ms "
            f"(median; longest {measured.floor_max_ms:.2f} ms): no figure of the page can be truer than that",
            f"More than {MAX_FLOOR_MS:g} ms: close other programs, or plug a laptop in, and check again.",
        ),
        Check(
            "timers",
            "Events are published on time",
            measured.timer_lateness_ms <= MAX_TIMER_LATENESS_MS,
            f"the latest of {_SLEEPS} timers was {measured.timer_lateness_ms:.2f} ms late",
            f"More than {MAX_TIMER_LATENESS_MS:g} ms: the machine is busy; close other programs and check again.",
        ),
        Check(
            "load",
            "The processor has time",
            measured.load_per_core <= 1,
            f"load in the last minute: {measured.load_per_core:.2f} per core",
            "More than 1 per core: something else is at work. Wait until it is done, or close it.",
        ),
        Check(
            "descriptors",
            "A whole class can connect",
            measured.descriptors < 0 or measured.descriptors >= MIN_DESCRIPTORS,
            "any number of connections at once"
            if measured.descriptors < 0
            else f"up to {measured.descriptors} connections and files at once",
            f"Fewer than {MIN_DESCRIPTORS}: `ulimit -n {MIN_DESCRIPTORS}` before `make demo`, "
            "or let fewer devices join; one browser alone needs far fewer.",
        ),
    ]


async def measure() -> Measured:
    """Measure the machine, which takes about a fifth of a second; the event loop keeps running meanwhile."""
    round_trips_ms = await _round_trips_ms(_ROUND_TRIPS)
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return Measured(
        floor_p50_ms=statistics.median(round_trips_ms),
        floor_max_ms=max(round_trips_ms),
        timer_lateness_ms=max(await _lateness_ms(_SLEEPS)),
        load_per_core=os.getloadavg()[0] / (os.cpu_count() or 1),
        descriptors=-1 if soft == resource.RLIM_INFINITY else soft,
    )


@router.get("/api/preflight")
async def preflight() -> dict[str, Any]:
    """Return the server's half of the pre-flight check."""
    async with _ONE_AT_A_TIME:
        measured = await measure()
    return {"checks": [asdict(check) for check in checks(measured)], "measured": asdict(measured)}


_ONE_AT_A_TIME = asyncio.Lock()
"""Two measurements at once would measure each other."""


async def _round_trips_ms(count: int) -> Sequence[float]:
    """Return the times of sending one byte there and back over a loopback connection, repeatedly."""
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        near = socket.create_connection(listener.getsockname(), timeout=_PATIENCE_S)
        far, _ = listener.accept()
    with near, far:
        for end in (near, far):
            end.setblocking(False)
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        taken_ms = []
        for _ in range(count):
            started_ns = time.perf_counter_ns()
            await loop.sock_sendall(near, b"x")
            await loop.sock_sendall(far, await loop.sock_recv(far, 1))
            await loop.sock_recv(near, 1)
            taken_ms.append((time.perf_counter_ns() - started_ns) / 1e6)
    return taken_ms


async def _lateness_ms(count: int) -> Sequence[float]:
    late_ms = []
    for _ in range(count):
        started_ns = time.perf_counter_ns()
        await asyncio.sleep(_SLEEP_S)
        late_ms.append(max(0.0, (time.perf_counter_ns() - started_ns) / 1e6 - _SLEEP_S * 1000))
    return late_ms
