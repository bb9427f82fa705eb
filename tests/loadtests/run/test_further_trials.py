"""A run with a precision goes on where its pilot did not do, and all accounts of that agree."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from contract.records import finished_trial_folders, load_run_info
from tests.loadtests.dictated_runs import Dictated, measured
from tests.runs import report_in_words

PRECISE = ("repeats = 2", "repeats = 3\nprecision = 0.04")
POLLED = (
    ('"sse"', '"short_poll"'),
    ("measured_s = 2", "measured_s = 2\npoll_interval_s = 0.2"),
    ("one_way_delay_ms = 0", "one_way_delay_ms = 5"),
)


@pytest.mark.parametrize(("budget_s", "all_known"), [(300, True), (38, False)])
def test_a_run_goes_on_where_its_pilot_did_not_do(
    budget_s: int, all_known: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # By this seed the medians of short polls differ by more than is wanted, and those of pushes do not.
    changes = (PRECISE, *POLLED, ("= 60", f"= {budget_s}"))
    folder, said = measured(tmp_path, monkeypatch, Dictated(noise_ms=0.5), *changes, seed=3)
    said = " ".join(said.split())
    info = load_run_info(folder)
    assert [point.point for point in info.precision] == [0, 1]
    assert len(finished_trial_folders(folder)) == len(info.plan) > 6
    done = sum(point.trials_needed == 3 for point in info.precision)
    assert f"{done} of 2 points known to 4 % after 3 blocks" in said
    report_in_words(folder)
    points = json.loads((folder / "summary.json").read_text())["points"]
    known = 0
    for point in points:
        found = point["precision"]
        assert found["reached"] is (point["trials"] == found["trials_needed"])
        assert point["trials"] == 3 + found["trials_added"] <= found["trials_needed"]
        known += found["reached"]
    assert sum(point["trials"] for point in points) == len(info.plan)
    assert f"{known} of 2 points known to 4 % after {len(info.plan)} trials" in said
    assert (known == 2) is all_known
