"""`python -m benchmarks.equal_runs RUN RUN RUN …`: how often a comparison calls equal runs different.

The runs are of one scenario on one machine, each with its own seed, and nothing was changed between them: any
difference that `make compare` reports between two of them is a false alarm. All pairs are compared, with the earlier
run as the baseline. The figures are computed from raw records, with the current version of the analysis.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path

from analysis.compare.comparison import Comparison, compare_runs
from analysis.compare.contrast import Outcome
from analysis.compare.words import outcome_in_words
from benchmarks.repeated_runs import read_runs
from contract.errors import UserError
from terminal.plain import plain, print_error
from terminal.wording import plural

_DIFFERENT = frozenset({Outcome.WORSE, Outcome.BETTER})
_ALL = "all"


@dataclass
class JudgedFigure:
    """The outcomes of comparing one figure, over all pairs."""

    outcomes: Counter[Outcome] = field(default_factory=Counter)
    """Counts over all points and pairs."""
    pairs: int = 0
    pairs_with_alarm: int = 0
    """Pairs in which it was called different at one or more points; Holm's correction limits them to 5 %."""

    def add(self, outcomes: Sequence[Outcome]) -> None:
        """Count the outcomes of one more pair, one for each point."""
        self.outcomes.update(outcomes)
        self.pairs += 1
        self.pairs_with_alarm += not _DIFFERENT.isdisjoint(outcomes)

    def row(self, title: str) -> str:
        """Return its row of the table."""
        compared = self.outcomes.total() - self.outcomes[Outcome.UNKNOWN]
        different = sum(self.outcomes[each] for each in _DIFFERENT)
        counts = (compared, self.outcomes[Outcome.SAME], self.outcomes[Outcome.NOT_SHOWN], different)
        shares = (_share(different, compared), _share(self.pairs_with_alarm, self.pairs))
        return f"| {' | '.join(map(str, (title, *counts, *shares)))} |"


def judged_figures(comparisons: Sequence[Comparison]) -> dict[str, JudgedFigure]:
    """Return the outcomes of each figure by its title, and those of all figures together."""
    found: dict[str, JudgedFigure] = {}
    for comparison in comparisons:
        for each in comparison.figures:
            outcomes = [row.contrast.outcome for row in each.judged if row.contrast is not None]
            for title in (each.figure.title, _ALL):
                found.setdefault(title, JudgedFigure()).add(outcomes)
    together = found.pop(_ALL)
    return {**found, _ALL: together}


def _share(number: int, of: int) -> str:
    return f"{100 * number / of:.1f} %" if of else "—"


def false_alarms(comparison: Comparison) -> Iterator[str]:
    """Yield a line for each figure of each point in which two equal runs are called different."""
    for each in comparison.figures:
        for row in each.judged:
            if row.contrast is not None and row.contrast.outcome in _DIFFERENT:
                pair = f"{comparison.other.name} against {comparison.baseline.name}"
                yield f"{pair}: {each.figure.label}, {row.label}: {outcome_in_words(each.figure, row.contrast)}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table, and every false alarm."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.equal_runs", description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="a run's folder below results/")
    parser.add_argument("--ignore-speed", action="store_true", help="as if the machine were as fast in all runs")
    options = parser.parse_args(arguments)
    try:
        runs = sorted(read_runs(options.runs).runs, key=lambda run: run.info.started_at)
    except UserError as error:
        print_error(error)
        return 2
    if options.ignore_speed:
        runs = [replace(run, summary=replace(run.summary, fixed_work_ms=None)) for run in runs]
    comparisons = [compare_runs(*pair) for pair in combinations(runs, 2)]
    print(f"{plural(len(comparisons), 'pair')} of runs:\n")
    print("| figure | compared | the same | no difference shown | called different | of all | in pairs |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for title, judged in judged_figures(comparisons).items():
        print(judged.row(title))
    print("\nCalled different:")
    for comparison in comparisons:
        for line in false_alarms(comparison):
            print(f"- {plain(line)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
