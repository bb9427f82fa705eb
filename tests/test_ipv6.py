"""`LISTEN=::1`: server, relay, master and clients of a run meet on an address of IPv6."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from contract.records import Trial, finished_trial_folders
from system.addresses import bound_socket
from tests.runs import measured, report_in_words, scenario

pytestmark = pytest.mark.takes_s(15)


def test_a_run_of_two_load_processes_behind_a_relay(tmp_path: Path) -> None:
    try:
        bound_socket("::1").close()
    except OSError as error:
        pytest.skip(f"this machine has no ::1: {error}")
    # Every transport against ::1 is in tests/system/test_addresses.py.
    path = scenario(tmp_path, '"short_poll"', delay_ms=5)
    measured(path, "--listen", "::1", "--processes", "2", "--results", tmp_path / "results")
    [folder] = (path for path in (tmp_path / "results").iterdir() if not path.is_symlink())
    report_in_words(folder)
    for trial in map(Trial.load, finished_trial_folders(folder)):
        assert trial.info.capabilities["server_address"].startswith("[::1]:")
        assert trial.info.capabilities["ip_version"] == 6
        assert trial.info.problems == ()
        assert len(trial.info.workers) == 2
    points = json.loads((folder / "summary.json").read_text(encoding="utf-8"))["points"]
    assert all(point["ledger"]["delivered"] == point["ledger"]["expected"] > 0 for point in points)
    assert "LISTEN=::1" in (folder / "report.md").read_text(encoding="utf-8")
