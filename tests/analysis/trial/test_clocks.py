from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.trial.clocks import ClockConversion, judge_conversion
from contract.records import ClockPairs

START_NS = 10**18


def pairs(*rows: tuple[int, int, int]) -> ClockPairs:
    """(monotonic, realtime after START_NS, bracket) of each pair."""
    return ClockPairs.from_rows([value for m, r, b in rows for value in (m, START_NS + r, b)], worker=0)


def test_drift_and_error_of_two_clocks_that_part() -> None:
    # The realtime clock gains 3000 ns in the first second and 1000 ns in the second one: 2 ppm over both.
    found = judge_conversion(pairs((0, 0, 100), (10**9, 10**9 + 3000, 300), (2 * 10**9, 2 * 10**9 + 4000, 200)))
    assert found is not None
    assert found.error_ns == 150 + 3000
    assert found.drift_ppm == pytest.approx(2.0)


def test_one_pair_tells_no_drift_and_none_tells_nothing() -> None:
    assert judge_conversion(pairs((0, 0, 100))) == ClockConversion(50.0, None)
    assert judge_conversion(pairs()) is None


@given(
    slews_ppm=st.lists(st.integers(-500, 500), min_size=1, max_size=6),
    bracket_ns=st.integers(2, 2000),
    misread=st.lists(st.floats(-0.5, 0.5), min_size=7, max_size=7),
    data=st.data(),
)
def test_no_stamp_is_converted_worse_than_the_bound(
    slews_ppm: list[int], bracket_ns: int, misread: list[float], data: st.DataObject
) -> None:
    """Each second the clock is slewed at a rate of its own, which it may take up at any moment within the second."""
    steps_ns = [ppm * 1000 for ppm in slews_ppm]
    offsets_ns = np.concatenate([[0], np.cumsum(steps_ns)])
    rows = [
        (i * 10**9 + round(error * (bracket_ns - 1)), i * 10**9 + int(offset), bracket_ns)
        for i, (offset, error) in enumerate(zip(offsets_ns, misread, strict=False))
    ]
    second = data.draw(st.integers(0, len(steps_ns) - 1))
    share, gone = data.draw(st.floats(0, 1)), data.draw(st.floats(0, 1))
    true_monotonic_ns = second * 10**9 + round(share * 10**9)
    realtime_ns = START_NS + true_monotonic_ns + int(offsets_ns[second]) + round(gone * steps_ns[second])
    clock = pairs(*rows)
    found = judge_conversion(clock)
    assert found is not None
    converted_ns = clock.to_monotonic(np.array([realtime_ns]))[0]
    # Two nanoseconds for rounding, here and in the conversion.
    assert abs(converted_ns - true_monotonic_ns) <= found.error_ns + 2
