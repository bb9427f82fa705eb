"""A comparison on the terminal: what is unlike, what differs, and then every figure."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table as ConsoleTable

from analysis.compare.comparison import Comparison
from analysis.compare.words import figure_tables, headline, how_compared
from analysis.report.tables import Table
from terminal.console import PlainConsole


def print_unlikeness(comparison: Comparison, console: PlainConsole) -> None:
    """Print what makes the runs unlike, a line each."""
    for sentence in comparison.unlike:
        console.print_sentence(f"unlike: {sentence}", style="yellow")


def print_comparisons(comparisons: Sequence[Comparison], console: PlainConsole) -> None:
    """Print every comparison with the baseline, warnings first."""
    for comparison in comparisons:
        console.print_sentence(f"A: {comparison.baseline.name}; B: {comparison.other.name}", style="bold")
        print_unlikeness(comparison, console)
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
