"""Several load processes over Locust's master and workers: on one machine, and on hosts of their own.

Hosts are network namespaces, each joined to the server's by one link; the second worker's clock is a time namespace
of its own, a thousand seconds ahead.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from contract.records import Deliveries, worker_of_clients
from loadtests.engine.messages import WORKER_VARIABLE
from loadtests.load.trial_spec import TRIAL_VARIABLE, WINDOW_FILE, MeasuredWindow
from tests.loadtests.distributed_runs import command, ended, scenario, trials
from tests.running import PATIENCE_S, wait_until
from tests.runs import summarized

pytestmark = pytest.mark.takes_s(70)

SKEW_S = 1000
ADDRESS = "10.78.1.1"


def test_two_processes_share_the_clients_and_their_records_are_one_trial(tmp_path: Path) -> None:
    path = scenario(tmp_path, "websocket")
    log = tmp_path / "log"
    ended(command("run", path, "--results", tmp_path / "results", "--processes", "2", log=log), log)
    for trial in trials(tmp_path / "results"):
        workers = trial.info.workers
        assert [(w.index, w.first_client, w.clients, w.end) for w in workers] == [
            (0, 0, 2, "complete"), (1, 2, 3, "complete"),
        ]  # fmt: skip
        assert [(w.offset_ns, w.uncertainty_ns) for w in workers] == [(0, 0), (0, 0)], "one machine has one clock"
        assert trial.clients.client.tolist() == list(range(5))
        received = set(zip(trial.deliveries.client.tolist(), trial.deliveries.seq.tolist(), strict=True))
        assert len(received) == len(trial.deliveries) == 5 * trial.info.expected_events
        assert {int(w) for w in trial.samples.worker} == {0, 1}
    assert not list((tmp_path / "results").glob("*/trials/*/workers"))
    for point in summarized(tmp_path / "results" / "latest")["points"]:
        assert point["ledger"]["lost"] == 0
        assert point["load_cpu_us_per_event"] > 0


def process_where(is_wanted: Callable[[psutil.Process], bool]) -> Iterator[psutil.Process]:
    """Of all processes, as far as they may be asked and have not just ended."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if is_wanted(process):
                yield process


def load_process(folder: Path) -> psutil.Process:
    """The Locust worker whose own folder is this one or below it."""
    return next(process_where(lambda process: str(folder) in process.environ().get(WORKER_VARIABLE, "")))


def wait_for_stream(results: Path) -> None:
    """Until the server has been told to publish, and every client of every worker is connected."""
    wait_until(lambda: any(results.glob(f"latest/trials/*/{WINDOW_FILE}")))


def wait_for_half_of_the_window(results: Path) -> None:
    """Until half of the measured window is over, and events have come by any chance."""
    wait_for_stream(results)
    (folder,) = results.glob("latest/trials/*")
    window = MeasuredWindow.read(folder)
    assert window is not None
    wait_until(lambda: 2 * time.monotonic_ns() > window.start_ns + window.end_ns)


@pytest.mark.parametrize("transport", ["websocket", "short_poll"])
def test_a_trial_with_a_worker_that_was_killed_ends_in_time_and_is_invalid(transport: str, tmp_path: Path) -> None:
    path, results, log = scenario(tmp_path, transport, measured_s=4), tmp_path / "results", tmp_path / "log"
    run = command("run", path, "--results", results, "--processes", "2", log=log)
    try:
        wait_for_stream(results)
        load_process(next(results.glob("2*/trials/*/workers/own-1"))).kill()
        ended(run, log)
    finally:
        run.send_signal(signal.SIGINT)
    (trial,) = trials(results)
    (dead,) = (worker for worker in trial.info.workers if worker.end != "complete")
    assert dead.end == "died"
    theirs = worker_of_clients(trial.info.workers, trial.deliveries.client) == dead.index
    assert theirs.sum() == 0
    assert len(trial.deliveries) == (5 - dead.clients) * trial.info.expected_events
    summary = summarized(results / "latest")
    (point,) = summary["points"]
    assert not summary["valid"]
    assert point["ledger"]["lost"] == dead.clients * trial.info.expected_events
    said = " ".join(point["invalid_reasons"])
    assert (
        f"worker {dead.index} on {dead.host} died in mid-trial: there are no records of its {dead.clients} clients"
        in said
    )
    assert "does not keep its promise" not in said


@dataclass(frozen=True)
class Hosts:
    """Three namespaces; each of the workers' is joined to the server's by a link of its own."""

    server: tuple[str, ...]
    """The words before a command that make it run there."""
    near: tuple[str, ...]
    skewed: tuple[str, ...]
    """With a monotonic clock that is SKEW_S ahead."""


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


@pytest.fixture
def hosts() -> Iterator[Hosts]:
    if (
        not sys.platform.startswith("linux")
        or os.geteuid() != 0
        or not (shutil.which("ip") and shutil.which("unshare"))
    ):
        pytest.skip("needs root, iproute2 and unshare, to make namespaces")
    names = [f"pvd{os.getpid()}{role}" for role in "sab"]
    server, *others = names
    try:
        try:
            for name in names:
                ip("netns", "add", name)
                ip("-n", name, "link", "set", "lo", "up")
            for i, other in enumerate(others, start=1):
                ends = (("name", f"eth{i}", "netns", server), ("name", "eth0", "netns", other))
                ip("link", "add", *ends[0], "type", "veth", "peer", *ends[1])
                for name, interface, host in ((server, f"eth{i}", 1), (other, "eth0", 2)):
                    ip("-n", name, "addr", "add", f"10.78.{i}.{host}/24", "dev", interface)
                    ip("-n", name, "link", "set", interface, "up")
            ip("-n", others[1], "route", "add", f"{ADDRESS}/32", "via", "10.78.2.1")
            skew = ("unshare", "--time", "--monotonic", str(SKEW_S), "--fork", "--kill-child")
            subprocess.run([*skew, "true"], check=True, capture_output=True, text=True)
        except subprocess.CalledProcessError as error:
            pytest.skip(f"namespaces cannot be made here: {error.stderr.strip()}")
        at = [("ip", "netns", "exec", name) for name in names]
        yield Hosts(at[0], at[1], (*at[2], *skew))
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


class Run:
    """A run on the server's host and a worker on each of the other two."""

    def __init__(self, hosts: Hosts, folder: Path, path: Path, *options: str) -> None:
        self.results, self.folder = folder / "results", folder
        self.log, self.logs = folder / "run.log", (folder / "near.log", folder / "skewed.log")
        self._started: list[subprocess.Popen[bytes]] = []
        words: tuple[str | Path, ...] = ("run", path, "--results", self.results, "--workers", "2")
        words = (*words, "--listen", ADDRESS, *options)
        self.run = self._start(*words, prefix=hosts.server, log=self.log)
        self.near = self.worker(hosts.near, "near")
        self.skewed = self.worker(hosts.skewed, "skewed")

    def worker(self, host: tuple[str, ...], name: str) -> subprocess.Popen[bytes]:
        words: tuple[str | Path, ...] = ("worker", "--master", ADDRESS, "--keep", self.folder / name)
        return self._start(*words, prefix=host, log=self.folder / f"{name}.log")

    def said(self, name: str) -> str:
        return " ".join((self.folder / f"{name}.log").read_text().split())

    def master_process(self) -> psutil.Process:
        """The Locust master of the trial."""
        own = str(self.results)
        return next(
            process_where(
                lambda p: "--master" in p.cmdline() and own in p.environ().get(TRIAL_VARIABLE, ""),
            )
        )

    def kept_deliveries(self, name: str) -> Deliveries:
        """What a worker has kept; its folder must be the one that it names."""
        (folder,) = (self.folder / name).glob("*")
        assert f"are kept in{folder}" in self.said(name).replace(" /", "/")
        return Deliveries.load(folder)

    def _start(self, *words: str | Path, prefix: tuple[str, ...], log: Path) -> subprocess.Popen[bytes]:
        self._started.append(command(*words, prefix=prefix, log=log))
        return self._started[-1]

    def __enter__(self) -> Run:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._started:
            children = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
            for child in children:
                with contextlib.suppress(psutil.NoSuchProcess):
                    child.send_signal(signal.SIGINT)
            process.send_signal(signal.SIGINT)
        for process in self._started:
            process.wait(PATIENCE_S)


def test_hosts_with_clocks_of_their_own_are_one_trial(hosts: Hosts, tmp_path: Path) -> None:
    path = scenario(tmp_path, "short_poll", "echo_websocket")
    with Run(hosts, tmp_path, path) as run:
        ended(run.run, run.log)
        for name, process in (("near", run.near), ("skewed", run.skewed)):
            assert "the run is over" in ended(process, run.folder / f"{name}.log")
            assert not (run.folder / name).exists(), "what the master has is not kept twice"
    for trial in trials(run.results):
        assert [worker.end for worker in trial.info.workers] == ["complete", "complete"]
        near, skewed = sorted(trial.info.workers, key=lambda worker: abs(worker.offset_ns))
        assert (near.offset_ns, near.uncertainty_ns) == (0, 0)
        assert abs(skewed.offset_ns + SKEW_S * 10**9) <= skewed.uncertainty_ns < 10**9
        assert skewed.uncertainty_ns >= skewed.round_trip_ns // 2 > 0
        latency_ns = trial.arrivals_ns(trial.deliveries) - trial.deliveries.due_ns
        assert latency_ns.min() > -skewed.uncertainty_ns
        assert latency_ns.max() < PATIENCE_S * 10**9
        on_time = set(trial.published.due_ns.tolist())
        if trial.info.transport != "echo_websocket":
            assert set(trial.deliveries.due_ns.tolist()) == on_time
        received = set(zip(trial.deliveries.client.tolist(), trial.deliveries.seq.tolist(), strict=True))
        assert len(received) == len(trial.deliveries) == 5 * trial.info.expected_events
    summary = summarized(run.results / "latest")
    assert {w["host"] for w in summary["workers"]} == {os.uname().nodename}
    for point in summary["points"]:
        assert point["ledger"]["lost"] == 0
        assert not [reason for reason in point["invalid_reasons"] if "another due time" in reason]


def test_who_comes_late_is_told_so_and_has_no_part(hosts: Hosts, tmp_path: Path) -> None:
    path = scenario(tmp_path, "websocket", measured_s=12)
    with Run(hosts, tmp_path, path) as run:
        wait_for_stream(run.results)
        run.worker(hosts.near, "late")
        ended(run.run, run.log)
        wait_until(lambda: "has begun with 2 workers" in run.said("late"))
    (trial,) = trials(run.results)
    assert [(worker.clients, worker.end) for worker in trial.info.workers][2:] == [(0, "late")]
    assert len(trial.deliveries) == 5 * trial.info.expected_events


def test_a_worker_whose_master_is_gone_keeps_its_records_and_says_where(hosts: Hosts, tmp_path: Path) -> None:
    path = scenario(tmp_path, "websocket", measured_s=3)
    with Run(hosts, tmp_path, path) as run:
        wait_for_half_of_the_window(run.results)
        run.master_process().kill()
        assert run.run.wait(4 * PATIENCE_S) == 2
        assert "the load process ended with exit status -9" in run.log.read_text()
        wait_until(lambda: "are kept in" in run.said("near"))
    assert len(run.kept_deliveries("near")) > 0


def test_a_worker_whose_link_fails_keeps_its_records_and_its_trial_is_invalid(hosts: Hosts, tmp_path: Path) -> None:
    path = scenario(tmp_path, "websocket", measured_s=4)
    with Run(hosts, tmp_path, path) as run:
        wait_for_stream(run.results)
        ip("-n", hosts.near[3], "link", "set", "eth0", "down")
        ended(run.run, run.log)
        wait_until(lambda: "are kept in" in run.said("near"))
    (trial,) = trials(run.results)
    cut_off = next(worker for worker in trial.info.workers if worker.end != "complete")
    assert cut_off.end == "died"
    theirs = worker_of_clients(trial.info.workers, trial.deliveries.client) == cut_off.index
    assert theirs.sum() == 0
    assert set(run.kept_deliveries("near").client.tolist()) <= set(
        range(cut_off.first_client, cut_off.first_client + cut_off.clients)
    )
    summary = summarized(run.results / "latest")
    assert not summary["valid"]
    assert f"{cut_off.name} died in mid-trial" in " ".join(summary["points"][0]["invalid_reasons"])
