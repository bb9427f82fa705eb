"""The locustfile with Locust's own command line, as a person uses it."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from contract.records import JsonObject
from loadtests.control_client import ControlClient
from system.processes import PROJECT_FOLDER
from tests.running import PATIENCE_S, running_server


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "locust", "-f", "loadtests/engine/locustfile.py", "--headless", *arguments]


def locust(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments), cwd=PROJECT_FOLDER, capture_output=True, text=True, timeout=4 * PATIENCE_S, check=False
    )


def wait_until(control: ControlClient, reached: Callable[[JsonObject], bool]) -> JsonObject:
    """The server's counters, once they say so."""
    deadline = time.monotonic() + 4 * PATIENCE_S
    while not reached(stats := control.stats()):
        assert time.monotonic() < deadline, stats
        time.sleep(0.1)
    return stats


def test_live_statistics_say_what_a_number_is(tmp_path: Path) -> None:
    words = command(
        "-u", "3", "-r", "3", "--json", "--loglevel", "ERROR",
        "--event-rate", "20", "--poll-interval", "0.2", "WebsocketUser", "LongPollUser", "ShortPollUser",
    )  # fmt: skip
    with running_server(tmp_path) as url, contextlib.closing(ControlClient(url)) as control:
        running = subprocess.Popen(
            [*words, "--host", url], cwd=PROJECT_FOLDER, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        try:
            # However long all three take to be there, two seconds of events are for them.
            there = wait_until(control, lambda stats: stats["channels"] == 1 and stats["requests"] >= 10)
            wait_until(control, lambda stats: len(stats["published"]) >= len(there["published"]) + 40)
        finally:
            running.terminate()
            said, complained = running.communicate(timeout=4 * PATIENCE_S)
    assert running.returncode == 0, complained
    rows = {row["name"]: row for row in json.loads(said[said.index("[") :])}
    assert {"WebSocket: staleness", "Long poll: staleness", "Short poll: staleness"} <= rows.keys()
    assert "Long poll: hold time (not latency)" in rows
    assert "Short poll: poll response time" in rows
    assert not [name for name in rows if "latency" in name and "not latency" not in name]
    assert all(row["num_failures"] == 0 for row in rows.values())
    assert rows["WebSocket: staleness"]["num_requests"] > 10


def test_mistakes_are_told_and_end_the_test(tmp_path: Path) -> None:
    with running_server(tmp_path, "sse") as url:
        unoffered = locust("--host", url, "-u", "1", "-t", "30s", "WebsocketUser")
        impossible = locust("--host", url, "-u", "1", "-t", "30s", "--event-rate", "0", "SseUser")
        no_seed = locust("--host", url, "-u", "1", "-t", "30s", "--seed", "once", "SseUser")
    assert unoffered.returncode == 2, unoffered.stderr
    assert "does not offer websocket (it offers sse" in unoffered.stderr
    assert impossible.returncode == 2
    assert "--event-rate 0.0: expected a number from 0.01" in impossible.stderr
    assert no_seed.returncode == 2
    assert "--seed=once: not a seed (expected a whole number from 0" in no_seed.stderr
    assert "Traceback" not in unoffered.stderr + impossible.stderr
