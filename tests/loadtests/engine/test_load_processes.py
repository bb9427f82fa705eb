"""How many load processes a run has and where they meet; and what a callback in one of them raises is reported."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from loadtests.command_line import main
from loadtests.engine import load_processes
from loadtests.engine.load_processes import LoadProcesses, parse_load_processes, traceback_problem
from tests.runs import report_in_words, scenario

pytestmark = pytest.mark.takes_s(15)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--processes", "0"), "PROCESSES=0: not a number of load processes (expected a whole number, at least 1)"),
        (("--processes", "two"), "PROCESSES=two: not a number"),
        (("--processes", "9999"), "too few for 9999 load processes"),
        (("--listen", "203.0.113.1"), "LISTEN=203.0.113.1: nothing can listen there"),
        (("--listen", "0.0.0.0"), "LISTEN=0.0.0.0: no address that others can connect to"),
        (("--workers", "x"), "WORKERS=x: not a number of load processes (expected a whole number, at least 0)"),
        (("--workers", "1", "--port", "abc"), "MASTER_PORT=abc: not a port (expected 1 to 65535)"),
        (("--workers", "1", "--port", "9" * 5000), "not a port (expected 1 to 65535)"),
        (("--workers", "1", "--port", "99999"), "MASTER_PORT=99999: not a port (expected 1 to 65535)"),
    ],
)
def test_a_mistake_is_one_sentence(
    words: tuple[str, ...], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "quick", "--results", str(tmp_path / "results"), *words]) == 2
    printed = capsys.readouterr().err
    assert said in printed
    assert printed.startswith("error: ")
    assert printed.count("\n") == 1
    assert not (tmp_path / "results").exists()


def test_a_master_that_has_no_name_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["worker", "--master", "no-such-host.invalid", "--keep", str(tmp_path / "kept")]) == 2
    assert capsys.readouterr().err.startswith("error: MASTER=no-such-host.invalid: no such host")
    assert not (tmp_path / "kept").exists()


@pytest.mark.parametrize(
    ("processes", "workers", "expected", "shared_by"),
    [
        ("", "", LoadProcesses(), 0),
        ("1", "0", LoadProcesses(), 0),
        ("4", "", LoadProcesses(4), 4),
        ("", "2", LoadProcesses(0, 2), 2),
        ("1", "2", LoadProcesses(1, 2), 3),
    ],
)
def test_a_single_process_needs_no_master(
    processes: str, workers: str, expected: LoadProcesses, shared_by: int
) -> None:
    load_processes = parse_load_processes(processes, workers, "", "")
    assert load_processes == expected
    assert load_processes.workers == shared_by
    assert bool(load_processes.as_settings()) == bool(load_processes.make_variables()) == bool(shared_by)


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"PROCESSES": "4"},
        {"WORKERS": "2"},
        {"PROCESSES": "1", "WORKERS": "2", "MASTER_PORT": "6000"},
    ],
)
def test_what_was_asked_for_makes_the_same_team_again(asked: dict[str, str]) -> None:
    load_processes = parse_load_processes(
        *(asked.get(name, "") for name in ("PROCESSES", "WORKERS", "LISTEN", "MASTER_PORT"))
    )
    assert load_processes.make_variables() == asked
    assert dataclasses.replace(load_processes, listen="192.0.2.1").make_variables() == {**asked, "LISTEN": "192.0.2.1"}


@pytest.mark.parametrize(
    ("load_processes", "said"),
    [
        (LoadProcesses(), None),
        (LoadProcesses(local=4), None),
        (LoadProcesses(remote=1), "for a worker: make worker MASTER=127.0.0.1 on each machine"),
        (
            LoadProcesses(local=0, remote=3, listen="10.0.0.1", port=6000),
            "for 3 workers: make worker MASTER=10.0.0.1 MASTER_PORT=6000 on each machine",
        ),
    ],
)
def test_a_run_says_which_workers_it_waits_for(load_processes: LoadProcesses, said: str | None) -> None:
    message = load_processes.waiting_message()
    assert message is None if said is None else (message or "").endswith(said)


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
