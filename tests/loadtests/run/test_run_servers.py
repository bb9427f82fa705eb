"""Servers that a scenario names, started by a command for each trial, measured beside others and ended."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from contract.errors import UserError
from contract.records import SampleRole, Trial, finished_trial_folders, load_run_info
from loadtests.control_client import ControlClient
from loadtests.load.trial_spec import WINDOW_FILE
from loadtests.run import run_servers
from system import process_tree
from system.processes import PROJECT_FOLDER
from tests.running import PATIENCE_S, running_server, wait_until
from tests.runs import in_process, measured, measured_once, refused, scenario

pytestmark = pytest.mark.takes_s(25)

MARK = "PUSH_VS_POLL_TEST_FOLDER"
"""Environment variable by which a test knows its own processes, while others run beside it."""
WRAPPED = f"{sys.executable} -m tests.loadtests.run.wrapped_server all --port {{port}}"


@pytest.fixture(autouse=True)
def _marked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that a test starts, and what that starts, carries the name of the test's folder."""
    monkeypatch.setenv(MARK, str(tmp_path))


def left_running(folder: Path) -> list[str]:
    """Programs of the test with this folder that still run."""
    return [shown for process in psutil.process_iter() if (shown := _command_of(process, folder))]


def _command_of(process: psutil.Process, folder: Path) -> str:
    try:
        own = process.environ().get(MARK) == str(folder) and process.status() != psutil.STATUS_ZOMBIE
        return " ".join(process.cmdline()) if own else ""
    except psutil.Error:
        return ""


def with_servers(folder: Path, servers: str, transports: str = '"websocket"', measured_s: float = 0.6) -> Path:
    path = scenario(folder, transports, measured_s=measured_s)
    path.write_text(f"{path.read_text()}\n[servers]\n{servers}\n")
    return measured_once(path)


def test_a_command_is_measured_beside_a_stack_and_a_url_in_the_same_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process_tree, "_GRACE_S", 0.5)
    with running_server(tmp_path, "all") as url:
        before = sorted(left_running(tmp_path))
        servers = f'plain = {{stack = "asgi"}}\nwrapped = {{command = "{WRAPPED}"}}\nrunning = {{url = "{url}"}}'
        said = measured(with_servers(tmp_path, servers, measured_s=1.5), "--results", tmp_path / "results")
        assert "points: 3, blocks: 1, trials: 3" in said
        assert sorted(left_running(tmp_path)) == before, "also what ignores SIGTERM has ended"
    run = (tmp_path / "results" / "latest").resolve()
    info = load_run_info(run)
    assert info.servers == ("plain", "wrapped", "running")
    assert info.target is None
    assert f"server wrapped ({WRAPPED})" in info.settings["servers"]
    trials = {
        trial.info.parameters.server: trial for folder in finished_trial_folders(run) if (trial := Trial.load(folder))
    }
    assert trials.keys() == {"plain", "wrapped", "running"}
    for name, trial in trials.items():
        assert len(trial.deliveries) == 4 * trial.info.expected_events > 0
        assert not trial.info.problems
        cpu_ns = trial.samples.cpu_ns[trial.samples.role == SampleRole.SERVER]
        if name == "running":
            assert len(cpu_ns) == 0, "nobody knows what a server that is already running uses"
        else:
            assert cpu_ns[-1] > cpu_ns[0] > 0
    options = {name: trial.info.server_stats["options"]["stack"] for name, trial in trials.items()}
    assert options == {"plain": "asgi", "wrapped": "fastapi", "running": "fastapi"}
    document = json.loads((run / "run.json").read_text())
    assert document["scenario"]["servers"]["wrapped"] == {"command": WRAPPED}


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("./missing --port {port}", "starting a process: ./missing: No such file or directory (expected it to exist)"),
        (
            f"{sys.executable} -c 'import sys; sys.exit(\\\"no licence\\\")' {{port}}",
            "ended at once with exit status 1: no licence (expected a server that runs until it is ended)",
        ),
        (f"{sys.executable} -m servers sse --port {{port}}", "): does not offer websocket (it offers sse)"),
    ],
)  # fmt: skip
def test_a_command_that_is_no_server_is_said_in_one_sentence(command: str, said: str, tmp_path: Path) -> None:
    path = with_servers(tmp_path, f'own = {{stack = "asgi"}}\nnew = {{command = "{command}"}}')
    told = refused("loadtests", "run", path, "--results", tmp_path / "results")
    assert told.startswith("error: server new (")
    assert said in told
    assert not (tmp_path / "results").exists()
    assert left_running(tmp_path) == []


def test_a_command_that_never_answers_is_given_up_with_its_last_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed = tmp_path / "printed"

    def asked_when_it_has_printed(_: ControlClient) -> list[str]:
        wait_until(printed.exists)
        raise UserError("nobody there")

    monkeypatch.setattr(run_servers, "START_PATIENCE_S", 0)
    monkeypatch.setattr(ControlClient, "transports", asked_when_it_has_printed)
    program = f'import pathlib, time; print(7 * 6, flush=True); pathlib.Path(\\"{printed}\\").touch(); time.sleep(600)'
    idle = f"{sys.executable} -c '{program}' {{port}}"
    told = refused("loadtests", "run", with_servers(tmp_path, f'slow = {{command = "{idle}"}}'))
    assert told.endswith("not ready within 0 s: nobody there; its last output: 42\n")
    assert left_running(tmp_path) == []


def failing(what: str, folder: Path) -> Path:
    command = f"{sys.executable} -m tests.loadtests.run.failing_server {what} {{port}}"
    return with_servers(folder, f'new = {{command = "{command}"}}', '"sse"')


def test_a_command_that_stops_answering_in_a_trial_is_quoted(tmp_path: Path) -> None:
    results = tmp_path / "results"
    ran = in_process("loadtests", "run", failing("statistics", tmp_path), "--results", results)
    assert ran.returncode == 2
    told = ran.stderr.splitlines()[-1]
    assert told.startswith("error: 000-sse: http://127.0.0.1:")
    assert "/stats: answered 503 " in told
    assert "; the server's last output: the licence has expired (its log: " in told
    assert left_running(tmp_path) == []


def test_a_trial_whose_events_a_command_did_not_send_has_its_last_output(tmp_path: Path) -> None:
    measured(failing("events", tmp_path), "--results", tmp_path / "results")
    [folder] = finished_trial_folders((tmp_path / "results" / "latest").resolve())
    assert Trial.load(folder).info.problems == (
        "the server's last output: no space left on the disk (its log was kept)",
    )
    assert set((folder / "server.log").read_text().splitlines()) == {"no space left on the disk"}


def test_a_target_and_faults_are_refused_where_a_scenario_names_servers(tmp_path: Path) -> None:
    path = with_servers(tmp_path, f'new = {{command = "{WRAPPED}"}}')
    told = refused("loadtests", "run", path, "--target", "http://127.0.0.1:1")
    assert "TARGET=http://127.0.0.1:1: scenario tiny names its own servers (expected no TARGET)" in told
    assert "--fault drop:seq=1: not for server new (" in refused("loadtests", "run", path, "--fault", "drop:seq=1")
    gone = with_servers(tmp_path, 'gone = {url = "http://127.0.0.1:1"}')
    assert "servers.gone.url = http://127.0.0.1:1: cannot connect to port 1" in refused("loadtests", "run", gone)


def test_ctrl_c_leaves_nothing_of_a_command_behind(tmp_path: Path) -> None:
    path = with_servers(tmp_path, f'new = {{command = "{WRAPPED}"}}', measured_s=20)
    results = tmp_path / "results"
    with subprocess.Popen(
        [sys.executable, "-m", "loadtests", "run", str(path), "--results", str(results)],
        cwd=PROJECT_FOLDER, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    ) as running:  # fmt: skip
        wait_until(lambda: any(results.glob(f"latest/trials/*/{WINDOW_FILE}")))
        running.send_signal(signal.SIGINT)
        began_s = time.monotonic()
        _, said = running.communicate(timeout=2 * PATIENCE_S)
    assert running.returncode == 130
    assert "Traceback" not in said
    assert time.monotonic() - began_s < PATIENCE_S
    assert left_running(tmp_path) == []
