"""What makes two runs unlike is said, with both values."""

from __future__ import annotations

import pytest

from analysis.compare.run_differences import code_differences, differences, unsaved_changes
from contract.records import JsonObject

ONE = {"commit": "1" * 40, "clean": True}
OTHER = {"commit": "2" * 40, "clean": True}


def test_differences_name_the_path_and_both_values() -> None:
    ours = {"cores": 2, "clock": {"source": "tsc"}, "same": 1}
    theirs = {"cores": 4, "clock": {"source": "hpet"}, "same": 1, "new": True}
    assert differences("machine", ours, theirs) == [
        "machine.clock.source: A has tsc, B has hpet",
        "machine.cores: A has 2, B has 4",
        "machine.new: A has nothing, B has True",
    ]


@pytest.mark.parametrize(
    ("ours", "theirs", "told"),
    [
        (ONE, ONE, []),
        (None, None, []),
        (ONE, OTHER, ["code: A was measured with commit 111111111111, B with commit 222222222222"]),
        (None, ONE, ["code: A was measured with an unknown commit, B with commit 111111111111"]),
        (
            ONE,
            ONE | {"clean": False},
            [
                "code: A was measured with commit 111111111111, "
                "B with commit 111111111111 and changes that are not in it",
            ],
        ),
        (ONE | {"clean": False}, ONE | {"clean": False}, []),
    ],
)
def test_a_difference_of_the_code_is_named(ours: JsonObject | None, theirs: JsonObject | None, told: list[str]) -> None:
    assert code_differences(ours, theirs) == told


def test_changes_without_a_commit_may_be_others_in_each_run() -> None:
    changed = ONE | {"clean": False}
    assert unsaved_changes(changed, changed) == (
        "Both were measured with commit 111111111111 and changes that are not in it, and these may be others in each."
    )
    assert unsaved_changes(ONE, ONE) is unsaved_changes(None, None) is unsaved_changes(ONE, changed) is None
