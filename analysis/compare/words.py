"""A comparison in words and tables, for Markdown and the page, and printed on the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.table import Table as ConsoleTable

from analysis.compare.comparison import Comparison, FigureComparison, Row
from analysis.compare.contrast import MARGIN_RATIO, Contrast, Outcome
from analysis.formatting import NOT_MEASURED, count, figure, interval, percent
from analysis.report.tables import Cell, Table
from analysis.summary.point_figures import PointFigure
from terminal.console import PlainConsole
from terminal.wording import plural

_MOST_TRIALS = 1000
"""Above this, a number of trials is no useful advice."""
_HOW = (
    "Ratio and difference are those of the figures of A and B, with 95 % intervals from the spread between trials: "
    "paired within blocks where both runs have the same streams (SEED=), by Welch's test where they do not. A figure "
    "is slower, faster, more or less where that is shown at 5 %, all of its points considered (Holm). It is the same "
    f"where its whole interval is within {100 * MARGIN_RATIO:.0f} %, the noise floor or, of times, 0.2 ms, whichever "
    "is largest (equivalence, Schuirmann 1987). Otherwise no difference was shown, which is no proof that there is "
    "none; the trials named would decide it if the estimate is right."
)
_IN_TURN = "The servers were measured in turn, in the same blocks: what the machine did disturbed all of them alike."
_ONE_BY_ONE = (
    "Runs follow each other, and a machine is not as fast at all times: where both have timed the fixed piece of work, "
    "intervals of times are widened by what its change may explain. Servers in the same blocks of one run are free of "
    "that."
)


def how_compared(comparisons: Sequence[Comparison]) -> str:
    """Return a paragraph on how the figures were compared, and on the limits of the intervals."""
    in_turn = all(comparison.in_the_same_blocks for comparison in comparisons)
    return f"{_HOW} {_IN_TURN if in_turn else _ONE_BY_ONE}"


def headline(comparison: Comparison) -> str:
    """Return a sentence with the number of figures of each outcome."""
    outcomes = comparison.outcomes
    known = outcomes.total() - outcomes[Outcome.UNKNOWN]
    sentence = (
        f"Of {plural(known, 'figure')} {count(outcomes[Outcome.SAME])} are the same, {count(outcomes[Outcome.BETTER])} "
        f"better, {count(outcomes[Outcome.WORSE])} worse, and for {count(outcomes[Outcome.NOT_SHOWN])} no difference "
        "was shown."
    )
    if outcomes[Outcome.UNKNOWN]:
        sentence += f" Of {count(outcomes[Outcome.UNKNOWN])} more it is not known, as a run has no interval of them."
    return sentence


def outcome_in_words(of: PointFigure, contrast: Contrast) -> str:
    """Return `slower by 38.5 %`, `less by 3.1 bytes`, `the same within 3 %`, `no difference shown (…)`."""
    outcome = contrast.outcome
    if outcome is Outcome.SAME:
        return "the same" if contrast.value == contrast.baseline else f"the same within {_margin(of, contrast)}"
    if contrast.may_be_the_machine:
        return "no difference shown (the machine's speed may be the cause)"
    if outcome is Outcome.NOT_SHOWN:
        needed = contrast.trials_needed or 0
        about = f"over {count(_MOST_TRIALS)}" if needed > _MOST_TRIALS else f"about {count(needed)}"
        return f"no difference shown ({about} trials each would decide)"
    if outcome is Outcome.UNKNOWN:
        return "not known (no interval)"
    words = ("slower", "faster") if of.timed else ("more", "less")
    word = words[0] if outcome is Outcome.WORSE else words[1]
    if contrast.ratio is None:
        return f"{word} by {figure(abs(contrast.difference.value))} {of.unit}".rstrip()
    return f"{word} by {percent(abs(contrast.ratio - 1))}"


def _margin(of: PointFigure, contrast: Contrast) -> str:
    """Return the margin as a share; where noise or resolution make it larger than usual, in the figure's own unit."""
    if contrast.margin_ratio <= MARGIN_RATIO:
        return percent(contrast.margin_ratio)
    return f"{figure(contrast.margin_ratio * min(contrast.baseline, contrast.value))} {of.unit}"


def figure_tables(comparison: Comparison, *, changed_only: bool = False) -> Iterator[Table]:
    """Return a table per figure; with `changed_only`, only of points that are better or worse."""
    for each in comparison.figures:
        rows = [row for row in each.rows if row.contrast is not None and (_has_changed(row) or not changed_only)]
        if rows and not (changed_only and all(row.geometric_mean for row in rows)):
            yield _table(each, rows)


def changes_table(comparison: Comparison) -> Table | None:
    """Return everything that is better or worse in one table; None if nothing is."""
    rows = [
        (Cell(each.figure.title, row.label), *_cells(each.figure, row.contrast))
        for each in comparison.figures
        for row in each.judged
        if row.contrast is not None and _has_changed(row)
    ]
    columns = ("Figure", "A", "B", "ratio B / A", "difference B − A", "which is")
    return Table("What differs", columns, tuple(rows)) if rows else None


def _has_changed(row: Row) -> bool:
    return row.contrast is not None and row.contrast.outcome in (Outcome.BETTER, Outcome.WORSE)


def _table(each: FigureComparison, rows: list[Row]) -> Table:
    title = each.figure.title
    cells = tuple((Cell(row.label), *_cells(each.figure, row.contrast)) for row in rows if row.contrast is not None)
    columns = ("Point", "A", "B", "ratio B / A", "difference B − A", "which is")
    return Table(title[0].upper() + title[1:], columns, cells)


def _cells(of: PointFigure, contrast: Contrast) -> tuple[Cell, ...]:
    scale, unit = (1 / 2**20, "MiB") if of.unit == "bytes" and contrast.baseline > 2**20 else (1.0, "")
    bounds = contrast.difference.ci95
    difference = scale * contrast.difference.value
    return (
        Cell(f"{figure(scale * contrast.baseline)} {unit}".rstrip()),
        Cell(f"{figure(scale * contrast.value)} {unit}".rstrip()),
        Cell(NOT_MEASURED if contrast.ratio is None else f"{contrast.ratio:.3f}", _ratio_interval(contrast)),
        Cell(
            f"{'+' if difference > 0 else ''}{figure(difference)}",
            "" if bounds is None else interval([scale * bound for bound in bounds]),
        ),
        Cell(outcome_in_words(of, contrast)),
    )


def _ratio_interval(contrast: Contrast) -> str:
    bounds = contrast.ratio_ci95
    return "" if bounds is None or bounds[0] == bounds[1] else f"[{bounds[0]:.3f}, {bounds[1]:.3f}]"


def print_run_differences(comparison: Comparison, console: PlainConsole) -> None:
    """Print a line for each difference between the runs that may have changed figures."""
    for sentence in comparison.unlike:
        console.print_sentence(f"unlike: {sentence}", style="yellow")


def print_comparisons(comparisons: Sequence[Comparison], console: PlainConsole) -> None:
    """Print every comparison with the baseline, warnings first."""
    for comparison in comparisons:
        console.print_sentence(f"A: {comparison.baseline.name}; B: {comparison.other.name}", style="bold")
        print_run_differences(comparison, console)
        for note in comparison.notes:
            console.print_sentence(f"note: {note}")
        for table in figure_tables(comparison):
            console.print(_console_table(table))
        console.print_sentence(headline(comparison), style="bold")
    console.print_sentence(how_compared(comparisons))


def _console_table(table: Table) -> ConsoleTable:
    shown = ConsoleTable(title=table.title, title_justify="left")
    for i, name in enumerate(table.columns):
        shown.add_column(name, justify="left" if i in (0, len(table.columns) - 1) else "right")
    for row in table.rows:
        shown.add_row(*(str(cell) for cell in row))
    return shown
