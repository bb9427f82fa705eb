from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from loadtests.plan.repeats import MOST_REPEATS_OF_A_TRIAL, Repeats


def test_a_trial_is_repeated_twice_at_the_most() -> None:
    repeats = Repeats.of(trials=12, spare_s=1000.0)
    assert [repeats.grant(attempts, 2.0) for attempts in (1, 2, 3)] == [True, True, False]


def test_half_of_a_run_may_be_repeated() -> None:
    repeats = Repeats.of(trials=5, spare_s=1000.0)
    assert [repeats.grant(1, 2.0) for _ in range(5)] == [True, True, True, False, False]


def test_the_budget_is_kept() -> None:
    repeats = Repeats.of(trials=12, spare_s=5.0)
    assert [repeats.grant(1, 2.0) for _ in range(3)] == [True, True, False]
    assert repeats.grant(1, 1.0), "a shorter one has room"


@given(st.integers(1, 60), st.floats(0, 100), st.lists(st.tuples(st.integers(1, 5), st.floats(0.1, 20)), max_size=80))
def test_no_run_is_without_end(trials: int, spare_s: float, asked: list[tuple[int, float]]) -> None:
    repeats = Repeats.of(trials, spare_s)
    granted = [(attempts, needed_s) for attempts, needed_s in asked if repeats.grant(attempts, needed_s)]
    assert len(granted) <= (trials + 1) // 2
    assert sum(needed_s for _, needed_s in granted) <= spare_s + 1e-9
    assert all(attempts <= MOST_REPEATS_OF_A_TRIAL for attempts, _ in granted)
