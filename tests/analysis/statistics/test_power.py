"""The smallest difference that is detected is found as often as it says, by simulated experiments."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.statistics.power import POWER, smallest_detectable
from analysis.statistics.stats import ONLY_THE_TRIALS, Spread, t_interval
from system.processes import PROJECT_FOLDER

EXPERIMENTS = 4000


@pytest.mark.parametrize("pairs", [2, 3, 5, 20])
@pytest.mark.parametrize("factor", [1.0, 1.2])
def test_its_interval_is_beyond_zero_in_four_of_five_experiments(pairs: int, factor: float) -> None:
    spread, known = 3.0, Spread(factor=factor)
    difference = smallest_detectable(spread, pairs, known)
    rng = np.random.default_rng(7)
    experiments = rng.normal(difference, spread, (EXPERIMENTS, pairs))
    found = sum(t_interval(float(each.mean()), each.tolist(), 0, known)[0] > 0 for each in experiments)
    assert found / EXPERIMENTS == pytest.approx(POWER, abs=0.02)


def test_it_is_close_to_the_sum_of_two_quantiles_for_many_pairs() -> None:
    # Bloom 1995: 2.8 standard errors.
    assert smallest_detectable(1.0, 10_000, ONLY_THE_TRIALS) * 100 == pytest.approx(1.96 + 0.84, abs=0.01)


def test_the_multiples_in_the_documentation() -> None:
    multiples = {n: smallest_detectable(1.0, n, ONLY_THE_TRIALS) * n**0.5 for n in (20, 5, 3)}
    shown = [f"{multiple:.1f}" for multiple in multiples.values()]
    document = (PROJECT_FOLDER / "docs" / "method" / "method.md").read_text()
    assert f"`λ` is {shown[0]}, {shown[1]} and {shown[2]} for 20, 5 and 3 blocks." in document


def test_trials_that_agree_by_chance_have_the_least_spread_that_is_possible() -> None:
    known = Spread(least=2.0)
    assert smallest_detectable(0.1, 5, known) == smallest_detectable(2.0, 5, ONLY_THE_TRIALS)
    assert smallest_detectable(4.0, 5, known) == smallest_detectable(4.0, 5, ONLY_THE_TRIALS)
