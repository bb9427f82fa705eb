"""Workers that cannot serve as they should: of another version, too slow, on a machine that allows them too little."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from analysis.report.render import rerun_commands
from contract.records import load_run_info, worker_of_clients
from system.addresses import reserved_port
from system.processes import PROJECT_FOLDER
from tests.loadtests.distributed_runs import command, ended, scenario, trials
from tests.running import PATIENCE_S, running_server, wait_until
from tests.runs import summarized

pytestmark = pytest.mark.takes_s(35)

HERE = "127.0.0.1"


@pytest.fixture
def port() -> Iterator[str]:
    """On which a run's master is to listen; given to nobody else before and between its trials."""
    with reserved_port() as port:
        yield str(port)


def changed_checkout(folder: Path, *changes: tuple[str, str, str]) -> Path:
    """A copy of the project in which, in each of these files, one text stands in the place of another."""
    for name in ("contract", "system", "loadtests", "servers", "terminal"):
        # With its bytecode, of which Python uses what fits the source; not with what is being written beside it.
        shutil.copytree(PROJECT_FOLDER / name, folder / name, ignore=shutil.ignore_patterns("*.pyc.*"))
    shutil.copy(PROJECT_FOLDER / "pyproject.toml", folder)
    for name, old, new in changes:
        text = (folder / name).read_text(encoding="utf-8")
        assert text.count(old) == 1, (name, old)
        (folder / name).write_text(text.replace(old, new), encoding="utf-8")
    return folder


def test_a_server_that_already_runs_is_measured_by_workers_and_one_of_another_version_is_turned_away(
    port: str,
    tmp_path: Path,
) -> None:
    path = scenario(tmp_path, "long_poll")
    other = changed_checkout(tmp_path / "other", ("pyproject.toml", '\nversion = "', '\nversion = "7.'))
    log, results = tmp_path / "run.log", tmp_path / "results"
    words = ("--master", HERE, "--port", port, "--keep")
    with running_server(tmp_path) as url:
        load_processes = ("--processes", "1", "--workers", "1", "--listen", HERE, "--port", port)
        run = command("run", path, "--results", results, "--target", url, *load_processes, log=log)
        wrong = command("worker", *words, tmp_path / "no", log=tmp_path / "wrong.log", checkout=other)
        try:
            assert wrong.wait(10 * PATIENCE_S) == 2
            right = command("worker", *words, tmp_path / "yes", log=tmp_path / "right.log")
            ended(run, log)
            assert "the run is over" in ended(right, tmp_path / "right.log")
        finally:
            for process in (run, wrong):
                process.send_signal(signal.SIGINT)
    said = (tmp_path / "wrong.log").read_text()
    assert "is of version 7." in said
    assert "(expected the same: use one checkout on all machines)" in said
    assert "Traceback" not in said
    assert not (tmp_path / "no").exists()
    for trial in trials(results):
        assert [worker.end for worker in trial.info.workers] == ["complete", "complete"]
        assert len(trial.deliveries) == 5 * trial.info.expected_events
    summary = summarized(results / "latest")
    assert all(point["server_cpu_us_per_event"] is None for point in summary["points"])
    info = load_run_info(results / "latest")
    asked = f"/scenario.toml TARGET={url} PROCESSES=1 WORKERS=1 MASTER_PORT={port} SEED={info.seed}\n"
    assert asked in rerun_commands(info, (results / "latest").resolve())


def test_one_of_another_version_that_comes_before_all_others_does_not_end_the_run(port: str, tmp_path: Path) -> None:
    path = scenario(tmp_path, "websocket")
    other = changed_checkout(tmp_path / "other", ("pyproject.toml", '\nversion = "', '\nversion = "7.'))
    log, results = tmp_path / "run.log", tmp_path / "results"
    words = ("worker", "--master", HERE, "--port", port, "--keep", tmp_path / "kept")
    run = command("run", path, "--results", results, "--workers", "1", "--listen", HERE, "--port", port, log=log)
    try:
        assert command(*words, log=tmp_path / "wrong.log", checkout=other).wait(10 * PATIENCE_S) == 2
        right = command(*words, log=tmp_path / "right.log")
        ended(run, log)
        ended(right, tmp_path / "right.log")
    finally:
        run.send_signal(signal.SIGINT)
    (trial,) = trials(results)
    assert len(trial.deliveries) == 5 * trial.info.expected_events


def test_a_worker_that_falls_behind_is_waited_for_until_the_time_is_over(tmp_path: Path) -> None:
    slow = changed_checkout(
        tmp_path / "slow",
        (
            "loadtests/engine/worker.py",
            "        finished |= {",
            "        gevent.sleep(3600 * (self._folder.name == 'own-1'))\n        finished |= {",
        ),
        ("loadtests/engine/master.py", "SETTLE_S = 10.0", "SETTLE_S = 0.5"),
    )
    log, results = tmp_path / "log", tmp_path / "results"
    path = scenario(tmp_path, "websocket")
    ended(command("run", path, "--results", results, "--processes", "2", log=log, checkout=slow), log)
    (trial,) = trials(results)
    (behind,) = (worker for worker in trial.info.workers if worker.end != "complete")
    assert behind.end == "behind"
    theirs = worker_of_clients(trial.info.workers, trial.deliveries.client) == behind.index
    assert (~theirs).sum() == (5 - behind.clients) * trial.info.expected_events
    assert theirs.sum() == 0
    summary = summarized(results / "latest")
    assert not summary["valid"]
    said = " ".join(summary["points"][0]["invalid_reasons"])
    assert f"{behind.name} had not finished when the trial's time was over: there are no records of its" in said


def test_a_worker_whose_machine_allows_too_few_open_files_says_so_to_both_sides(port: str, tmp_path: Path) -> None:
    path = scenario(tmp_path, "websocket")
    log, near = tmp_path / "run.log", tmp_path / "worker.log"
    load_processes = ("--workers", "1", "--listen", HERE, "--port", port)
    run = command("run", path, "--results", tmp_path / "results", *load_processes, log=log)
    limited = ("sh", "-c", 'ulimit -n 100 && exec "$@"', "sh")
    keep = tmp_path / "kept"
    worker = command("worker", "--master", HERE, "--port", port, "--keep", keep, prefix=limited, log=near)
    try:
        assert run.wait(10 * PATIENCE_S) == 2
        sentence = (
            "clients = 5: a worker (one per client) must have 133 files open, the hard limit of open files is 100"
        )
        assert f"worker 0 on {os.uname().nodename}: {sentence}" in log.read_text()
        wait_until(lambda: sentence in " ".join(near.read_text().split()))
    finally:
        for process in (run, worker):
            process.send_signal(signal.SIGINT)
        worker.wait(PATIENCE_S)
    assert "Traceback" not in log.read_text() + near.read_text()
    assert not keep.exists(), "nothing was received, nothing is kept"
