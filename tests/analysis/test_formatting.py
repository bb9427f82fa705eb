"""Numbers as people read them."""

from __future__ import annotations

import pytest

from analysis.formatting import change, figure, interval, listed, milliseconds, percent
from terminal.wording import plural


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "—"),
        (0, "0"),
        (0.0, "0"),
        (0.00123, "0.0012"),
        (0.0512, "0.051"),
        (0.9996, "1.00"),
        (2.3, "2.30"),
        (9.998, "10.0"),
        (25.34, "25.3"),
        (99.97, "100"),
        (1024.4, "1,024"),
        (-0.75, "−0.750"),
    ],
)
def test_figures_have_three_digits_and_no_exponent(value: float | None, shown: str) -> None:
    assert figure(value) == shown


@pytest.mark.parametrize(
    ("bounds", "shown"),
    [
        (None, ""),
        ([0, 0], ""),
        ([25.1, 25.44], "[25.1, 25.4]"),
        ([-1, 1], "[−1.00, 1.00]"),
        ([0.09998, 0.10002], ""),
    ],
)
def test_intervals(bounds: list[float] | None, shown: str) -> None:
    assert interval(bounds) == shown


@pytest.mark.parametrize(("value", "shown"), [(0.2, "0.2 ms"), (25, "25 ms"), (1000, "1 s"), (2500, "2.5 s")])
def test_durations_carry_their_unit(value: float, shown: str) -> None:
    assert milliseconds(value) == shown


@pytest.mark.parametrize(("ratio", "shown"), [(None, "—"), (0, "0 %"), (0.125, "12.5 %"), (1, "100 %")])
def test_ratios_become_percent(ratio: float | None, shown: str) -> None:
    assert percent(ratio) == shown


def test_lists_and_changes_read_as_sentences() -> None:
    assert listed([]) == ""
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert change("5 ms", "5 ms") == "5 ms throughout"
    assert change("5 ms", "6 ms") == "5 ms to 6 ms"
    assert plural(1, "trial") == "1 trial"
    assert plural(1200, "trial") == "1,200 trials"
    assert [plural(rate, "event") for rate in (0.5, 1.0, 2.0)] == ["0.5 events", "1 event", "2 events"]
