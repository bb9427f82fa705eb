"""`python -m benchmarks.interval_coverage`: how often the intervals of a report contain the true value, by simulation.

The first table is for the figures of a report, at simulated points like those of `standard` and `quick`
(`benchmarks.simulated_points`). The second is for experiments that stop when they are precise enough, and the third for
runs that repeat disturbed trials; both draw the trials' statistics from distributions with a known mean. The same seed
gives the same tables.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.statistics import inference
from benchmarks.simulated_intervals import FIGURES, Coverage, coverage, coverage_of_difference
from benchmarks.simulated_points import POINTS, PUSH, simulate

Floats = npt.NDArray[np.float64]
EXPERIMENTS = 2000
SIMULATED_TRIALS = 1000
"""Trials simulated per point; runs are drawn from them."""
BLOCKS = (3, 5, 10)
PILOTS = (3, 5, 10)
MOST_TRIALS = 400
"""The most trials of an experiment that stops early, as in a run whose budget is used up."""
ATTEMPTS = 3
"""Attempts at a trial, the first one included (loadtests/run/scenario_run.py)."""
_SEED = 14


@dataclass(frozen=True)
class Population:
    """The distribution of a statistic of trials, such as their p50."""

    name: str
    mean: float
    deviation: float
    draw: Callable[[np.random.Generator, tuple[int, int]], Floats]


_SIGMA = 0.5
_LOG_MEAN = math.exp(_SIGMA**2 / 2)
POPULATIONS = (
    Population("normal", 25.0, 1.0, lambda rng, shape: rng.normal(25.0, 1.0, shape)),
    Population(
        "skewed (log-normal, σ = 0.5)",
        _LOG_MEAN,
        _LOG_MEAN * math.sqrt(math.exp(_SIGMA**2) - 1),
        lambda rng, shape: rng.lognormal(0.0, _SIGMA, shape),
    ),
)


@dataclass(frozen=True)
class Stopped:
    """The results of experiments that stopped when they were precise enough."""

    coverage_ratio: float
    """Share of experiments whose interval contains the true value."""
    mean_trials: float


StoppingRule = Callable[[Floats, int, float], int]
"""A function from all possible trials, the size of the pilot and the wanted precision to the number of trials made."""


def two_stage(trials: Floats, pilot: int, precision_ratio: float) -> int:
    """Return the number of trials that the pilot's spread requires for a narrow enough interval, as a run does."""
    wanted = precision_ratio * abs(float(trials[:pilot].mean()))
    low, high = inference.t_interval(0.0, trials[:pilot])
    needed = math.ceil(pilot * ((high - low) / 2 / wanted) ** 2)
    return min(max(pilot, needed), len(trials))


def looking_every_time(trials: Floats, pilot: int, precision_ratio: float) -> int:
    """Return the first number of trials whose interval is narrow enough, as a run must not do."""
    for count in range(pilot, len(trials)):
        low, high = inference.t_interval(0.0, trials[:count])
        if (high - low) / 2 <= precision_ratio * abs(float(trials[:count].mean())):
            return count
    return len(trials)


def stopped(
    rule: StoppingRule, by_pilot: bool, population: Population, pilot: int, experiments: int, seed: int
) -> Stopped:
    """Simulate experiments that want a mean to half a standard deviation (16 trials if the deviation is known).

    The interval's spread comes from the pilot (`by_pilot`) or from all trials.
    """
    rng = np.random.default_rng([seed, pilot, MOST_TRIALS])
    wanted_ratio = population.deviation / 2 / population.mean
    held, made = 0, 0
    for trials in population.draw(rng, (experiments, MOST_TRIALS)):
        count = rule(trials, pilot, wanted_ratio)
        bounds = _interval(trials[:count], pilot if by_pilot else count)
        held += bounds[0] <= population.mean <= bounds[1]
        made += count
    return Stopped(held / experiments, made / experiments)


def stopped_by_another(correlation: float, pilot: int, experiments: int, seed: int) -> Stopped:
    """Simulate a normal statistic, such as a p99, of experiments whose number of trials another statistic decided."""
    decisive = POPULATIONS[0]
    rng = np.random.default_rng([seed, pilot, MOST_TRIALS, 1])
    held, made = 0, 0
    for _ in range(experiments):
        shared, own = rng.normal(0.0, 1.0, (2, MOST_TRIALS))
        count = two_stage(decisive.mean + shared, pilot, decisive.deviation / 2 / decisive.mean)
        other = correlation * shared + math.sqrt(1 - correlation**2) * own
        bounds = _interval(other[:count], pilot)
        held += bounds[0] <= 0.0 <= bounds[1]
        made += count
    return Stopped(held / experiments, made / experiments)


@dataclass(frozen=True)
class Machine:
    """A machine that disturbs some trials, and shows a sign of each disturbance: its amount with an error."""

    disturbed_ratio: float = 0.1
    """Share of the attempts that are disturbed."""
    shift: float = 10.0
    """Mean of the amount that a disturbance adds to the statistic, which is exponentially distributed."""
    limit: float = 1.75
    """An attempt whose sign is beyond this limit counts as disturbed."""
    sign_error: float = 0.3
    """Standard deviation of the difference between a sign and the amount added."""

    def attempts(self, rng: np.random.Generator, shape: tuple[int, ...]) -> tuple[Floats, Floats]:
        """Draw statistics and signs of attempts at trials of the normal population."""
        calm = rng.normal(POPULATIONS[0].mean, POPULATIONS[0].deviation, shape)
        added = rng.exponential(self.shift, shape) * (rng.random(shape) < self.disturbed_ratio)
        return calm + added, added + rng.normal(0.0, self.sign_error, shape)


RepeatRule = Callable[[Machine, Floats, Floats], npt.NDArray[np.bool_]]
"""A function from the statistics and signs of attempts to whether each is set aside."""


def by_signs(machine: Machine, _statistics: Floats, signs: Floats) -> npt.NDArray[np.bool_]:
    """Set attempts aside by the machine's signs, as a run does."""
    return np.asarray(signs > machine.limit)


def by_latencies(_machine: Machine, statistics: Floats, _signs: Floats) -> npt.NDArray[np.bool_]:
    """Set attempts aside by the measured statistic, which a run must not do."""
    return np.asarray(statistics > POPULATIONS[0].mean + POPULATIONS[0].deviation)


def never(_machine: Machine, statistics: Floats, _signs: Floats) -> npt.NDArray[np.bool_]:
    """Set no attempt aside."""
    return np.zeros_like(statistics, dtype=np.bool_)


@dataclass(frozen=True)
class Repeated:
    """The outcome of simulated runs whose disturbed trials were repeated."""

    coverage_ratio: float
    """Share of the intervals of valid runs that contain the true mean."""
    valid_ratio: float
    """Share of the runs in which no last attempt was set aside."""


def repeated(rule: RepeatRule, machine: Machine, trials: int, experiments: int, seed: int) -> Repeated:
    """Simulate runs in which each trial counts with its first attempt that the rule does not set aside.

    A trial has at most ATTEMPTS attempts; if the last is set aside too, the run is INVALID and has no interval.
    """
    rng = np.random.default_rng([seed, trials, 2])
    statistics, signs = machine.attempts(rng, (experiments, trials, ATTEMPTS))
    kept = ~rule(machine, statistics, signs)
    valid = np.all(np.any(kept, axis=2), axis=1)
    first = np.take_along_axis(statistics, kept.argmax(axis=2)[:, :, None], axis=2)[:, :, 0]
    bounds = [inference.t_interval(float(run.mean()), run) for run in first[valid]]
    held = sum(low <= POPULATIONS[0].mean <= high for low, high in bounds)
    return Repeated(held / max(1, len(bounds)), float(valid.mean()))


def _interval(trials: Floats, spread_of: int) -> inference.Interval:
    """Return the interval around the mean of all trials, with the spread of the first `spread_of`."""
    return inference.t_interval(float(trials.mean()), trials[:spread_of], len(trials) - spread_of)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables, which takes two minutes."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.interval_coverage", description=__doc__)
    parser.add_argument("--experiments", type=_count, default=EXPERIMENTS, help="per row (%(default)s)")
    parser.add_argument("--trials", type=_count, default=SIMULATED_TRIALS, help="simulated per point (%(default)s)")
    parser.add_argument("--seed", type=_count, default=_SEED, help="of the random numbers (%(default)s)")
    options = parser.parse_args(arguments)
    _print_simulated(options.trials, options.experiments, options.seed)
    print()
    _print_stopped(options.experiments, options.seed)
    print()
    _print_repeated(options.experiments, options.seed)
    return 0


def _print_simulated(drawn: int, runs: int, seed: int) -> None:
    print(f"| point ({' / '.join(map(str, BLOCKS))} blocks) | " + " | ".join(FIGURES) + " |")
    print("| --- |" + " ---: |" * len(FIGURES))
    half_widths = []
    reference = simulate(PUSH, drawn, seed)
    for point in POINTS:
        trials = reference if point is PUSH else simulate(point, drawn, seed)
        found = {
            name: [coverage(figure, trials, blocks, runs, seed) for blocks in BLOCKS]
            for name, figure in FIGURES.items()
        }
        print(f"| {point.name} | {' | '.join(map(_shares, found.values()))} |", flush=True)
        if point is not PUSH and point.shares_streams_with(PUSH):
            less = [
                [coverage_of_difference(figure, trials, reference, blocks, runs, seed) for blocks in BLOCKS]
                for figure in FIGURES.values()
            ]
            print(f"| {point.name}, less {PUSH.name} | {' | '.join(map(_shares, less))} |", flush=True)
        widths = [found[name][BLOCKS.index(5)] for name in ("plain mean", "mean")]
        half_widths.append((point.name, ["—" if each is None else f"±{each.half_width:.3g} ms" for each in widths]))
    print()
    print("| half-width of the mean's interval, 5 blocks | plain | as reported |")
    print("| --- | ---: | ---: |")
    for name, (plain, reported) in half_widths:
        print(f"| {name} | {plain} | {reported} |")


def _shares(found: Sequence[Coverage | None]) -> str:
    return " / ".join("—" if each is None else f"{100 * each.ratio:.1f}" for each in found)


def _print_stopped(experiments: int, seed: int) -> None:
    print("| stopping early | trials' statistics | " + " | ".join(f"pilot of {pilot}" for pilot in PILOTS) + " |")
    print("| --- | --- |" + " ---: |" * len(PILOTS))
    rules: dict[str, tuple[StoppingRule, bool]] = {
        "two stages (Stein)": (two_stage, True),
        "two stages, spread of all trials": (two_stage, False),
        "a look after every block": (looking_every_time, False),
    }
    for name, (rule, by_pilot) in rules.items():
        for population in POPULATIONS:
            found = [stopped(rule, by_pilot, population, pilot, experiments, seed) for pilot in PILOTS]
            print(f"| {name} | {population.name} | {_cells(found)} |")
    for correlation in (0.0, 0.7):
        found = [stopped_by_another(correlation, pilot, experiments, seed) for pilot in PILOTS]
        print(f"| two stages (Stein), by another statistic | normal, correlation {correlation:g} | {_cells(found)} |")


def _print_repeated(experiments: int, seed: int) -> None:
    print("| disturbed trials are repeated | " + " | ".join(f"n = {trials}" for trials in PILOTS) + " |")
    print("| --- |" + " ---: |" * len(PILOTS))
    rules: dict[str, RepeatRule] = {"by the machine's signs": by_signs, "by latencies": by_latencies, "never": never}
    for name, rule in rules.items():
        found = [repeated(rule, Machine(), trials, experiments, seed) for trials in PILOTS]
        cells = (f"{100 * each.coverage_ratio:.1f} % ({100 * each.valid_ratio:.0f} % valid)" for each in found)
        print(f"| {name} | {' | '.join(cells)} |")


def _cells(found: Sequence[Stopped]) -> str:
    return " | ".join(f"{100 * each.coverage_ratio:.1f} % ({each.mean_trials:.0f} trials)" for each in found)


def _count(text: str) -> int:
    if text.isdecimal() and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a positive whole number")


if __name__ == "__main__":
    sys.exit(main())
