from __future__ import annotations

import pytest

from terminal.wording import minutes_and_seconds, plural


def test_things_are_counted_in_words() -> None:
    assert [plural(number, "trial") for number in (1, 3000, 0)] == ["1 trial", "3,000 trials", "0 trials"]
    assert plural(0.5, "event") == "0.5 events"


@pytest.mark.parametrize(("seconds", "words"), [(0.4, "0 s"), (45, "45 s"), (59.6, "1 min 0 s"), (185, "3 min 5 s")])
def test_lengths_of_time_are_in_minutes_and_seconds(seconds: float, words: str) -> None:
    assert minutes_and_seconds(seconds) == words
