"""What a callback raises is printed by gevent, which goes on: the trial says so, and keeps the log."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from loadtests.command_line import main
from loadtests.engine import load_processes
from loadtests.engine.tracebacks import traceback_problem
from tests.runs import report_in_words, scenario

pytestmark = pytest.mark.takes_s(15)

RAISING = """
from loadtests.clients.websocket import WebSocketClient
from loadtests.engine.locustfile import *

received = WebSocketClient.received

def received_and_raised(self, data, user_ns, kernel_ns):
    whole = received(self, data, user_ns, kernel_ns)
    if self.index == 0 and self.settled:
        raise ZeroDivisionError("on purpose")
    return whole

WebSocketClient.received = received_and_raised
"""


@pytest.mark.parametrize(
    ("processes", "transports", "log"),
    [("1", ("websocket", "sse"), "load.log"), ("2", ("websocket",), "own-*-load.log")],
)
def test_an_exception_in_a_callback_of_the_driver_is_told_and_its_log_kept(
    processes: str, transports: tuple[str, ...], log: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locustfile = tmp_path / "locustfile.py"
    locustfile.write_text(RAISING)
    monkeypatch.setattr(load_processes, "LOCUSTFILE", locustfile)
    results = tmp_path / "results"
    path = scenario(tmp_path, ", ".join(f'"{name}"' for name in transports))
    assert main(["run", str(path), "--results", str(results), "--processes", processes]) == 0
    run = results / "latest"
    trials = {path.parent.name[4:]: path.parent for path in (run / "trials").glob("*/trial.json")}
    [said] = json.loads((trials["websocket"] / "trial.json").read_text())["problems"]
    assert "printed a traceback of 'ZeroDivisionError: on purpose' (expected none)" in said
    [kept] = trials["websocket"].glob("*.log")
    assert kept.match(log)
    assert "on purpose" in kept.read_text()
    for other in transports[1:]:
        assert json.loads((trials[other] / "trial.json").read_text())["problems"] == []
        assert not list(trials[other].glob("*.log"))
    report_in_words(run)
    assert "ZeroDivisionError: on purpose" in (run / "report.md").read_text()
    assert json.loads((run / "summary.json").read_text())["verdict"].startswith("INVALID: WebSocket, trial")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", None),
        ("a warning\n", None),
        (
            "Traceback (most recent call last):\n  File x\n    y\nValueError: z\nlater\n",
            "it printed a traceback of 'ValueError: z'",
        ),
        (
            "so\nTraceback (most recent call last):\n  File x\nA\nTraceback (most recent call last):\n  File x\nB\n",
            "it printed 2 tracebacks, the first of 'A'",
        ),
        ("Traceback (most recent call last):\n  cut off", "it printed a traceback of 'an exception'"),
    ],
)
def test_the_first_of_a_logs_tracebacks_is_quoted(text: str, said: str | None, tmp_path: Path) -> None:
    log = tmp_path / "load.log"
    log.write_text(text)
    found = traceback_problem("it", log)
    assert found == said or (found is not None and said is not None and found.startswith(said))
    assert traceback_problem("it", tmp_path / "none.log") is None
