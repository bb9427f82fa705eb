"""The locustfile with Locust's own command line, as a person uses it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from loadtests.processes import PROJECT_FOLDER
from tests.running import PATIENCE_S, running_server


def locust(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "locust", "-f", "loadtests/locustfile.py", "--headless", *arguments]
    return subprocess.run(
        command, cwd=PROJECT_FOLDER, capture_output=True, text=True, timeout=4 * PATIENCE_S, check=False
    )


def test_live_statistics_say_what_a_number_is(tmp_path: Path) -> None:
    with running_server(tmp_path) as url:
        ran = locust(
            "--host", url, "-u", "3", "-r", "3", "-t", "3s", "--json", "--loglevel", "ERROR",
            "--event-rate", "20", "--poll-interval", "0.2", "WebsocketUser", "LongPollUser", "ShortPollUser",
        )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    rows = {row["name"]: row for row in json.loads(ran.stdout[ran.stdout.index("[") :])}
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
    assert unoffered.returncode == 2, unoffered.stderr
    assert "does not offer websocket (it offers sse" in unoffered.stderr
    assert impossible.returncode == 2
    assert "--event-rate 0.0: expected a number from 0.01" in impossible.stderr
    assert "Traceback" not in unoffered.stderr + impossible.stderr
