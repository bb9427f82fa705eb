"""`python -m benchmarks.gate_errors RUN`: how often `make gate` errs, simulated with the spread of real trials.

For every figure of every point, pairs of runs are simulated whose trials are spread as in the real run (log-normal,
with the same mean), except that the second run is worse by a known regression. A budget of 5 % over the base is checked
for each pair. The table shows the shares of budgets that were broken, kept and undecided (some rows are in
docs/using/ci.md).
"""

from __future__ import annotations

import argparse
import math
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from analysis.compare.comparison import COMPARED, ReportedRun
from analysis.compare.contrast import Side, contrast
from analysis.gate.budget import Budget
from analysis.gate.judgement import JudgedBudget, Judgement
from contract.errors import UserError
from terminal.plain import print_error
from terminal.wording import plural

REGRESSIONS = (0.0, 0.03, 0.05, 0.1)
TRIALS = (5, 10, 20, 40)
LIMIT_RATIO = 0.05


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gate_errors", description=__doc__)
    parser.add_argument("run", type=Path, help="folder of a reported run")
    parser.add_argument(
        "--pairs", type=int, default=100, help="pairs of runs per figure, regression and number of trials"
    )
    options = parser.parse_args(arguments)
    try:
        spreads = trial_spreads(ReportedRun.load_comparable(options.run))
    except UserError as error:
        print_error(error)
        return 2
    print(f"{plural(len(spreads), 'figure')}, {plural(options.pairs, 'pair')} of runs each\n")
    print("| trials of each run | true regression | broken | kept | undecided |")
    print("| ---: | ---: | ---: | ---: | ---: |")
    rng = np.random.default_rng(1)
    for trials in TRIALS:
        for regression in REGRESSIONS:
            found = simulate(spreads, regression, trials, options.pairs, rng)
            shares = [f"{100 * found[each] / found.total():.1f} %" for each in Judgement]
            kept, broken, undecided = shares
            print(f"| {trials} | {100 * regression:g} % | {broken} | {kept} | {undecided} |")
    return 0


def trial_spreads(run: ReportedRun) -> list[float]:
    """Return the standard deviation of the trials' logarithms for each figure of each point whose trials differ."""
    spreads = []
    for point in run.summary.points:
        for figure in COMPARED:
            values = list(figure.by_block(point).values())
            if len(values) > 2 and min(values) > 0 and max(values) > min(values):
                spreads.append(float(np.std(np.log(values), ddof=1)))
    if not spreads:
        raise UserError(
            f"{run.folder}: no figure has three trials that differ (expected a run of three blocks or more)"
        )
    return spreads


def simulate(
    spreads: Sequence[float], regression_ratio: float, trials: int, pairs: int, rng: np.random.Generator
) -> Counter[Judgement]:
    """Return how many budgets of 5 % over the base were broken, kept and undecided."""
    found: Counter[Judgement] = Counter()
    for spread in spreads:
        logarithms = rng.normal(0.0, spread, (pairs, 2, trials))
        logarithms[:, 1] += math.log1p(regression_ratio)
        for base, run in np.exp(logarithms):
            found[_judge(base, run)] += 1
    return found


def _judge(base: Sequence[float], run: Sequence[float]) -> Judgement:
    sides = [
        Side(math.exp(float(np.mean(np.log(values)))), dict(enumerate(map(float, values)))) for values in (base, run)
    ]
    compared = contrast(sides[0], sides[1], LIMIT_RATIO, paired=False)
    assert compared.ratio is not None and compared.ratio_ci95 is not None
    over = compared.ratio_ci95[0] - 1, compared.ratio_ci95[1] - 1
    budget = Budget("simulated", COMPARED[0], None, over_base_at_most_ratio=LIMIT_RATIO)
    return JudgedBudget(budget, "", compared.ratio - 1, over, LIMIT_RATIO, len(run), "", valid=True).judgement


if __name__ == "__main__":
    sys.exit(main())
