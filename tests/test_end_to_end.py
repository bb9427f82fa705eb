"""The whole way as a person goes it: commands, real uvicorn, real Locust, a tiny scenario, a report."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from contract.records import Trial, finished_trial_folders, load_run_info
from loadtests.control_client import ControlClient
from loadtests.load.trial_spec import WINDOW_FILE
from system.processes import PROJECT_FOLDER
from system.processor import plan_cores
from tests.running import PATIENCE_S, at_import, running_server, wait_until
from tests.runs import (
    ECHOES,
    REPORTED,
    command,
    in_process,
    measured,
    measured_once,
    refused,
    report_in_words,
    scenario,
    sentence_of,
)

pytestmark = pytest.mark.takes_s(80)

MARK = "PUSH_VS_POLL_TEST_FOLDER"
"""Environment variable by which a test knows its own processes, while others run beside it."""


@pytest.fixture(autouse=True)
def _marked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that a test starts, and what that starts, carries the name of the test's folder."""
    monkeypatch.setenv(MARK, str(tmp_path))


def servers_left(folder: Path) -> set[int]:
    """Servers of the test with this folder that still run; those of other tests are none of its business."""
    return {process.pid for process in psutil.process_iter() if _is_server_of(process, folder)}


def _is_server_of(process: psutil.Process, folder: Path) -> bool:
    try:
        return "servers" in process.cmdline() and process.environ().get(MARK) == str(folder)
    except psutil.Error:
        return False


def test_from_scenario_to_report_over_an_emulated_network(tmp_path: Path) -> None:
    """Of a scenario and into a folder whose names are markup elsewhere; and what is called `latest` is left alone."""
    results = tmp_path / "results [/bold]"
    (results / "latest").mkdir(parents=True)
    path = scenario(tmp_path, transports='"websocket", "long_poll", "short_poll"', delay_ms=5)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n").replace(b"Every", b"[/ws] Every"))
    ran = command("loadtests", "run", "--report", path, "--results", results)
    assert ran.returncode in REPORTED, ran.stderr
    assert "tiny: [/ws] Every transport for a moment." in ran.stderr
    assert "points: 3, blocks: 1, trials: 3, about" in ran.stderr
    assert servers_left(tmp_path) == set()
    (run,) = results.glob("*-tiny")
    assert ran.stdout.endswith(f"{run}/report.html\n")
    assert list((results / "latest").iterdir()) == []
    assert [trial.transport for trial in load_run_info(run).plan] == [
        folder.name[4:] for folder in finished_trial_folders(run)
    ]
    checkout = load_run_info(run).checkout
    assert checkout is None or len(checkout["commit"]) == 40
    for folder in finished_trial_folders(run):
        assert not list(folder.glob("*.log")), "logs of a trial that went well are not kept"

    text = (run / "summary.json").read_text()
    summary = json.loads(text)
    points = {point["transport"]: point for point in summary["points"]}
    assert set(points) == {"websocket", "long_poll", "short_poll"}
    for point in points.values():
        ledger = point["ledger"]
        assert ledger["expected"] == ledger["delivered"] > 0
        assert ledger["lost"] == ledger["duplicate"] == ledger["reordered"] == 0
        assert point["latency_ms"]["mean"] > 5
        assert point["queue_model"]["reason"] is None
        assert sum(point["latency_split_ms"].values()) == pytest.approx(point["latency_ms"]["mean"], rel=1e-4)
    (long_poll,) = [Trial.load(folder) for folder in finished_trial_folders(run) if "long_poll" in folder.name]
    assert long_poll.info.capabilities["cpu_pinned"] == plan_cores().as_json()
    assert len(long_poll.info.fixed_work_ns) == 2
    assert summary["fixed_work_ms"]["value"] > 0
    assert long_poll.info.waking_ratio is not None
    assert 0 <= long_poll.info.waking_ratio <= 1
    assert points["websocket"]["requests_per_event"] == 0
    assert points["short_poll"]["requests_per_event"] > 0
    for name in ("report.html", "report.md"):
        assert summary["verdict"].split(".")[0][:40] in (run / name).read_text().replace("&#39;", "'")
    assert f"make bench SCENARIO='{run}/scenario.toml'" in (run / "report.md").read_text()
    assert list((run / "charts").glob("*.svg"))

    (run / "summary.json").unlink()
    report_in_words(run)
    assert (run / "summary.json").read_text() == text


def test_settings_of_the_users_for_other_work_reach_no_trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy of the project, as ./locust.conf would lie in it."""
    checkout, home = tmp_path / "checkout", tmp_path / "home"
    for folder in ("contract", "system", "servers", "loadtests", "terminal"):
        shutil.copytree(PROJECT_FOLDER / folder, checkout / folder, ignore=shutil.ignore_patterns("__pycache__"))
    home.mkdir()
    (checkout / "locust.conf").write_text("run-time = 1s\nno-such-option = 1\n")
    (home / ".locust.conf").write_text("users = 7\nworker = true\n")
    for name, value in {
        "HOME": str(home), "LOCUST_RUN_TIME": "1s", "LOCUST_USERS": "9", "LOCUST_LOCUSTFILE": "/nowhere.py",
        "PYTHONWARNINGS": "error", "GEVENT_LOOP": "nonsense", "WEB_CONCURRENCY": "many", "PYTHONOPTIMIZE": "2",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    results = tmp_path / "results"
    path = scenario(tmp_path, transports='"websocket"', measured_s=1.5)
    ran = subprocess.run(
        [sys.executable, "-m", "loadtests", "run", path, "--results", results],
        cwd=checkout, capture_output=True, text=True, timeout=10 * PATIENCE_S, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    trials = [Trial.load(folder) for folder in finished_trial_folders(results / "latest")]
    assert [trial.info.end for trial in trials] == ["complete"]
    assert all(len(trial.deliveries) == 4 * trial.info.expected_events for trial in trials)


def test_a_wrong_way_says_so_first_and_last(tmp_path: Path) -> None:
    path = scenario(tmp_path, transports='"long_poll", "short_poll"', delay_ms=20, measured_s=1.5)
    text = path.read_text().replace("repeats = 1", 'repeats = 1\nwrong_way = "Nobody keeps a cursor; keep one."')
    path.write_text(text + 'cursor = false\npacing = "pause"\nphase = "locked"\n')
    said = measured(measured_once(path), "--results", tmp_path / "results")
    assert said.index("WRONG WAY on purpose: Nobody keeps a cursor; keep one.") < said.index("points: 2")
    run = tmp_path / "results" / "latest"
    assert report_in_words(run).startswith("WRONG WAY on purpose: Nobody keeps a cursor; keep one.")
    summary = json.loads((run / "summary.json").read_text())
    assert not summary["valid"]
    for point in summary["points"]:
        assert any("polls without a cursor lose events on purpose" in reason for reason in point["invalid_reasons"])
        ledger = point["ledger"]
        assert 0 < ledger["lost"] == ledger["expected"] - ledger["delivered"]
        assert ledger["duplicate"] == ledger["reordered"] == point["requests"]["errors"] == 0
        assert 0 < point["loss"]["model_ratio"] < 1
        assert point["loss"]["ratio"] > 0
    for name in ("report.html", "report.md"):
        assert "What the wrong way says, and what is true" in (run / name).read_text()


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server that is already running, and goes on."""
    with running_server(tmp_path_factory.mktemp("target")) as url:
        yield url


def test_echo_and_a_target_that_is_already_running(target: str, tmp_path: Path) -> None:
    path = scenario(tmp_path, transports=ECHOES)
    measured(path, "--results", tmp_path / "results", "--target", target)
    run = tmp_path / "results" / "latest"
    report_in_words(run)
    summary = json.loads((run / "summary.json").read_text())
    points = {point["transport"]: point for point in summary["points"]}
    assert set(points) == {"echo_websocket", "echo_post", "echo_post_new"}
    for path in (run / "trials").glob("*/trial.json"):
        capabilities = json.loads(path.read_text())["capabilities"]
        assert capabilities["cpu_pinned"] is None, "whoever started the server has put it on some core or none"
        assert capabilities["server_address"] == target.removeprefix("http://")
    for point in points.values():
        assert point["ledger"]["delivered"] == point["ledger"]["expected"] > 0
        assert point["server_cpu_us_per_event"] is None
        assert "stack" not in point["parameters"], "nobody knows what another server stands on"
        assert point["latency_ms"]["mean"] > 0


def test_a_target_tells_nobody_of_the_trial_before(target: str, tmp_path: Path) -> None:
    """Of whichever transport it is: the first trial of the run has one before it too."""
    control = ControlClient(target)
    control.start_stream(0, [0] * 12, ["of before"])
    wait_until(lambda: len(control.stats()["published"]) == 12)
    control.close()
    path = scenario(tmp_path)
    measured(path, "--results", tmp_path / "results", "--target", target)
    run = tmp_path / "results" / "latest"
    assert in_process("analysis", "summary", run).returncode == 0
    for point in json.loads((run / "summary.json").read_text())["points"]:
        assert point["ledger"]["delivered"] == point["ledger"]["expected"] > 0
        assert point["ledger"]["duplicate"] == 0
        assert point["trials"] == 1


def test_a_traced_run_tells_the_servers_part(tmp_path: Path) -> None:
    results = tmp_path / "results"
    path = scenario(tmp_path, transports='"websocket", "long_poll", "echo_post"')
    measured(path, "--results", results, "--trace")
    run = results / "latest"
    assert load_run_info(run).settings["trace"].startswith("on")
    report_in_words(run)
    summary = json.loads((run / "summary.json").read_text())
    points = {point["transport"]: point for point in summary["points"]}
    assert points["echo_post"]["parts_ms"]["queue"] is None
    assert points["echo_post"]["freshness"] is None
    for name in ("websocket", "long_poll"):
        parts = points[name]["parts_ms"]
        until_arrival = sum(parts[part]["mean"] for part in ("server_lag", "queue", "delivery"))
        assert until_arrival == pytest.approx(points[name]["latency_ms"]["mean"], rel=1e-4)
        assert 0 <= points[name]["freshness"]["older_than_1_s_ratio"] <= 1
    markdown = (run / "report.md").read_text()
    assert "charts/time.svg" in markdown
    assert "charts/freshness.svg" in markdown


def test_a_target_without_a_trace_is_told_so(target: str, tmp_path: Path) -> None:
    assert "start it with --trace" in refused("loadtests", "run", scenario(tmp_path), "--target", target, "--trace")


def test_a_stack_cannot_be_set_on_a_target_that_is_already_running(target: str, tmp_path: Path) -> None:
    path = scenario(tmp_path)
    path.write_text(path.read_text() + 'stack = "asgi"\n')
    assert 'stack = "asgi" cannot be set' in refused("loadtests", "run", path, "--target", target)


def test_a_server_of_two_processes_is_measured_as_one(tmp_path: Path) -> None:
    # So long that a sampler which a busy machine holds up for a while has still seen most of the window.
    path = scenario(tmp_path, '"short_poll"', measured_s=2)
    path.write_text(path.read_text() + "server_processes = 2\n")
    measured(path, "--results", tmp_path / "results")
    run = tmp_path / "results" / "latest"
    report_in_words(run)
    for point in json.loads((run / "summary.json").read_text())["points"]:
        assert point["ledger"]["delivered"] == point["ledger"]["expected"] > 0
        assert point["ledger"]["duplicate"] == point["ledger"]["reordered"] == 0
        assert point["parameters"]["server_processes"] == 2
        assert point["server_cpu_us_per_event"] > 0


def test_faults_are_refused_where_they_could_not_be_exact(tmp_path: Path) -> None:
    path = scenario(tmp_path)
    path.write_text(path.read_text() + "server_processes = 2\n")
    said = refused("loadtests", "run", path, "--fault", "drop:seq=2")
    assert "--fault drop:seq=2: not with server_processes = 2 (expected 1" in said


def start(path: Path, results: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "loadtests", "run", str(path), "--results", str(results)],
        cwd=PROJECT_FOLDER, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def wait_for_trials(results: Path, count: int) -> None:
    """Wait until so many are finished and the next one publishes its stream."""
    run = results / "latest"
    wait_until(lambda: len(finished_trial_folders(run)) >= count and any(_publishing(run)))


def _publishing(run: Path) -> Iterator[Path]:
    return (path for path in run.glob(f"trials/*/{WINDOW_FILE}") if not (path.parent / "trial.json").exists())


@pytest.mark.parametrize("signal_sent", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_keeps_what_it_measured_and_leaves_nothing_running(
    signal_sent: signal.Signals, tmp_path: Path
) -> None:
    results = tmp_path / "results"
    path = scenario(tmp_path, measured_s=0.5)
    # So many that it is not over when a busy machine lets this test go on.
    path.write_text(path.read_text().replace("repeats = 1", "repeats = 20"))
    running = start(measured_once(path), results)
    wait_for_trials(results, 1)
    running.send_signal(signal_sent)
    _, said = running.communicate(timeout=PATIENCE_S)
    assert running.returncode == 130
    assert "Traceback" not in said
    kept = len(finished_trial_folders(results / "latest"))
    assert f"{kept} finished trial" in said
    assert f"kept: make report RUN={(results / 'latest').resolve()}" in said
    assert servers_left(tmp_path) == set()
    report_in_words(results / "latest")
    summary = json.loads((results / "latest" / "summary.json").read_text())
    assert 1 <= summary["finished_trials"] < summary["planned_trials"] == 80


def test_ctrl_c_while_the_report_is_made_says_what_is_kept(tmp_path: Path) -> None:
    to_all = "os.killpg(os.getpgid(os.getppid()), signal.SIGINT); time.sleep(60)"
    path, results = scenario(tmp_path, '"sse"'), tmp_path / "results"
    ran = subprocess.run(
        [sys.executable, "-m", "loadtests", "run", "--report", path, "--results", results], cwd=PROJECT_FOLDER,
        env=at_import("analysis.command_line", to_all, tmp_path), start_new_session=True,
        capture_output=True, text=True, timeout=10 * PATIENCE_S, check=False,
    )  # fmt: skip
    assert ran.returncode == 130, ran.stderr
    kept = f"1 finished trial is kept: make report RUN={(results / 'latest').resolve()}"
    assert ran.stderr.splitlines()[-2:] == [kept, "interrupted"]
    assert "Traceback" not in ran.stderr


def test_a_server_that_dies_in_mid_trial_is_one_sentence(tmp_path: Path) -> None:
    results = tmp_path / "results"
    running = start(scenario(tmp_path, measured_s=3), results)
    wait_for_trials(results, 1)
    [server] = (p for p in psutil.Process(running.pid).children() if _is_server_of(p, tmp_path))
    server.kill()
    _, said = running.communicate(timeout=PATIENCE_S)
    assert running.returncode == 2
    assert "Traceback" not in said
    assert "the server ended in mid-trial with exit status -9" in " ".join(said.split())
    assert servers_left(tmp_path) == set()
    report_in_words(results / "latest")


def test_a_killed_harness_leaves_no_server_behind(tmp_path: Path) -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("only Linux tells a child that its parent is gone")
    running = start(scenario(tmp_path, delay_ms=5, measured_s=3), tmp_path / "results")
    wait_for_trials(tmp_path / "results", 0)
    assert len(servers_left(tmp_path)) == 2, "a server and a relay"
    running.kill()
    running.communicate()
    wait_until(lambda: not servers_left(tmp_path))


def test_a_run_with_faults_is_measured_to_its_end_and_invalid(tmp_path: Path) -> None:
    path = scenario(tmp_path, transports='"sse", "long_poll"')
    faults = ["--fault", "duplicate:seq=3", "--fault", "delay:ms=20.0,client=1"]
    measured(path, "--results", tmp_path / "results", *faults)
    run = tmp_path / "results" / "latest"
    assert list(load_run_info(run).settings["faults"]) == ["duplicate:seq=3", "delay:ms=20,client=1"]
    report_in_words(run)
    summary = json.loads((run / "summary.json").read_text())
    assert summary["valid"] is False
    assert summary["verdict"].startswith("INVALID")
    said = "faults were injected on purpose: duplicate:seq=3 delay:ms=20,client=1"
    assert said in summary["verdict"] or said in " ".join(summary["invalid_reasons"])
    for point in summary["points"]:
        assert any(reason.startswith(said) or said in reason for reason in point["invalid_reasons"])
        assert point["ledger"]["duplicate"] == point["parameters"]["clients"]
        assert point["ledger"]["lost"] == 0


def test_faults_that_cannot_be_injected_are_refused_before_anything_is_measured(tmp_path: Path) -> None:
    good, results = scenario(tmp_path), tmp_path / "results"
    run = ("loadtests", "run", good, "--results", results, "--fault")
    assert "--fault drop: '' is not one of seq=…, client=…" in refused(*run, "drop")
    assert "--fault drop:seq=x: seq=x is not" in refused(*run, "drop:seq=x")
    assert "is started)" in refused(*run, "drop:seq=1", "--target", "http://127.0.0.1:1")
    echoes = scenario(tmp_path, transports=ECHOES)
    assert "carries no event stream" in refused("loadtests", "run", echoes, "--fault", "drop:seq=1")
    assert not results.exists()


def test_a_run_that_is_refused_says_nothing_of_the_one_before(tmp_path: Path) -> None:
    good, results = scenario(tmp_path), tmp_path / "results"
    finished = results / "earlier" / "trials" / "000-sse"
    finished.mkdir(parents=True)
    (finished / "trial.json").write_text("{}")
    (results / "latest").symlink_to("earlier", target_is_directory=True)
    words = ("loadtests", "run", good, "--results", results, "--fault", "drop")
    assert "--fault drop" in sentence_of(command(*words)) == refused(*words)


def test_what_cannot_be_done_is_told_in_one_sentence(tmp_path: Path) -> None:
    good = scenario(tmp_path)
    bad = tmp_path / "bad.toml"
    bad.write_text(good.read_text().replace("clients = 4", "clients = -4"))
    assert "parameters.clients = -4" in refused("loadtests", "run", bad)
    assert "expected one of" in refused("loadtests", "run", "nonsense")
    assert "expected http://host:port" in refused("loadtests", "run", good, "--target", "localhost")
    nobody = "http://127.0.0.1:1"
    assert "expected a running server" in refused("loadtests", "run", good, "--target", nobody)
    (tmp_path / "file").write_text("")
    assert "cannot be made" in refused("loadtests", "run", good, "--results", tmp_path / "file")
    many = tmp_path / "many.toml"
    many.write_text(good.read_text().replace("clients = 4", "clients = 100000"))
    limited = (
        "import resource, runpy, sys; resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096)); "
        f"sys.argv = ['', 'run', {str(many)!r}]; runpy.run_module('loadtests', run_name='__main__')"
    )
    ran = subprocess.run(
        [sys.executable, "-c", limited], cwd=PROJECT_FOLDER, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 2
    assert "ulimit -n 100128" in ran.stderr
    assert "not a run folder" in refused("analysis", "report", tmp_path)


def test_a_target_that_does_not_speak_the_contract(tmp_path: Path) -> None:
    (tmp_path / "health").write_text("{}")
    with running_server(tmp_path, "websocket") as url:
        said = refused("loadtests", "run", scenario(tmp_path), "--target", url)
        assert "does not offer sse" in said
