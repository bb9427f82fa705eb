"""`python -m analysis.coverage`: how often the intervals of a report hold the truth, by simulation.

Experiments are drawn whose truth is known; each gives its trials' statistics to an interval function of `stats`, and
it is counted how often the interval holds the truth. Seeded: the same command prints the same table.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis import stats

Floats = npt.NDArray[np.float64]
EXPERIMENTS = 2000
TRIALS = (3, 5, 10, 20)
_SEED = 14


@dataclass(frozen=True)
class Population:
    """What a trial's statistic (its p50, say) is drawn from."""

    name: str
    mean: float
    draw: Callable[[np.random.Generator, tuple[int, int]], Floats]


_SIGMA = 0.5
POPULATIONS = (
    Population("normal", 25.0, lambda rng, shape: rng.normal(25.0, 1.0, shape)),
    Population(
        "skewed (log-normal, σ = 0.5)",
        math.exp(_SIGMA**2 / 2),
        lambda rng, shape: rng.lognormal(0.0, _SIGMA, shape),
    ),
)

_RESAMPLES = 999
IntervalFunction = Callable[[float, Floats], stats.Interval | None]


def bootstrap_interval(_estimate: float, per_trial: stats.Sample) -> stats.Interval:
    """BCa bootstrap of the mean over trials (Efron 1987), as a comparison: why the report does not use it."""
    import scipy.stats  # noqa: PLC0415 - nearly a second of imports that nothing else here needs

    found = scipy.stats.bootstrap(
        (np.asarray(per_trial),),
        np.mean,
        confidence_level=stats.CONFIDENCE,
        n_resamples=_RESAMPLES,
        method="BCa",
        rng=np.random.default_rng(_SEED),
    ).confidence_interval
    return float(found.low), float(found.high)


def coverage(function: IntervalFunction, population: Population, trials: int, experiments: int, seed: int) -> float:
    """Share of experiments of so many trials each whose interval around their mean holds the population's mean."""
    rng = np.random.default_rng([seed, trials])
    held = 0
    for experiment in population.draw(rng, (experiments, trials)):
        bounds = function(float(experiment.mean()), experiment)
        held += bounds is not None and bounds[0] <= population.mean <= bounds[1]
    return held / experiments


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; a quarter of a minute, nearly all of it the bootstrap."""
    parser = argparse.ArgumentParser(prog="python -m analysis.coverage", description=__doc__)
    parser.add_argument("--experiments", type=_count, default=EXPERIMENTS, help="per row (%(default)s)")
    parser.add_argument("--seed", type=_count, default=_SEED, help="of the random numbers (%(default)s)")
    asked = parser.parse_args(arguments)
    functions: dict[str, IntervalFunction] = {
        "Student's t": stats.t_interval,
        "BCa bootstrap": bootstrap_interval,
    }
    print("| interval | trials' statistics | " + " | ".join(f"n = {trials}" for trials in TRIALS) + " |")
    print("| --- | --- |" + " ---: |" * len(TRIALS))
    for name, function in functions.items():
        for population in POPULATIONS:
            shares = [coverage(function, population, trials, asked.experiments, asked.seed) for trials in TRIALS]
            print(f"| {name} | {population.name} | " + " | ".join(f"{100 * share:.1f} %" for share in shares) + " |")
    return 0


def _count(text: str) -> int:
    if text.isdecimal() and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a positive whole number")


if __name__ == "__main__":
    sys.exit(main())
