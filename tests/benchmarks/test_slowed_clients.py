from __future__ import annotations

import re
import sys

import numpy as np
import pytest

from benchmarks.slowed_clients import Measured, main, table


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs kernel receive stamps")
def test_the_delay_of_slowed_clients_is_in_their_own_column(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--transports", "sse", "--clients", "6", "--delay-ms", "40", "--rate-per-s", "20", "--measured-s", "1")
    main((*words, "--trials", "1"))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    (median,) = [line for line in lines if "client delay p50" in line]
    found = re.search(r"slowed ([\d.]+) ms", median)
    assert found is not None
    assert float(found[1]) >= 40


def test_the_difference_is_paired_within_each_trial() -> None:
    slowed = np.array([True, False] * 50)
    # The second trial's server is slower by far, for both halves.
    trials = [Measured(slowed, level_ms + 0.25 * slowed, 10.0 * slowed) for level_ms in (5.0, 50.0)]
    lines = table("sse", trials)
    assert "slowed by +0.25 ms [+0.25, +0.25]" in lines[0]
    assert "slowed by +10.0 ms [+10.0, +10.0]" in lines[2]
