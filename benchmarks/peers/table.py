"""The rows of a run as tables, with the same cells on the console and in Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.table import Table

from analysis.report.page import markdown_text
from benchmarks.peers.workloads import WORKS, Work
from contract.records import JsonObject
from terminal.console import PlainConsole

_NOTHING = "–"


def headings(work: Work) -> list[str]:
    """Return the headings of the columns."""
    return [
        "tool",
        f"CPU per {work.unit}",
        "its trials",
        "× ours",
        "reports p50",
        "kernel p50",
        f"{work.unit_plural}/s",
    ]


def cells(row: JsonObject) -> list[str]:
    """Return the cells of one row, as many as there are headings."""
    low_us, high_us = row["cpu_us_per_unit_range"]
    times = row["times_ours"]
    return [
        str(row["tool"]),
        f"{_significant(row['cpu_us_per_unit'])} µs",
        f"{_significant(low_us)}–{_significant(high_us)}",
        _NOTHING if times is None else f"{times:.1f}",
        _reported(row),
        _ms(row["kernel_p50_ms"]),
        f"{row['units_per_s']:.0f}",
    ]


def markdown(summary: JsonObject) -> str:
    """Return a table per work, and below it what each tool cannot see."""
    parts: list[str] = []
    for work, rows in _by_work(summary):
        columns = headings(work)
        lines = [" | ".join(columns), " | ".join(["---", *["---:"] * (len(columns) - 1)])]
        lines += [" | ".join(map(markdown_text, cells(row))) for row in rows]
        parts.append(f"**{work.description}**")
        parts.append("\n".join(f"| {line} |" for line in lines))
        parts.append("\n".join(f"- {markdown_text(sentence)}" for sentence in blind_spots(rows)))
    return "\n\n".join([*parts, markdown_text(versions(summary))]) + "\n"


def versions(summary: JsonObject) -> str:
    """Return the versions of all that was measured, in the order of the rows."""
    known = dict.fromkeys(f"{row['tool']} {row['version']}" for row in summary["rows"])
    return f"Versions: {', '.join(known)}."


def show(summary: JsonObject, console: PlainConsole) -> None:
    """Print the tables on the console, with the missing tools and why."""
    for work, rows in _by_work(summary):
        table = Table(title=work.description, title_justify="left", box=box.SIMPLE)
        for i, heading in enumerate(headings(work)):
            table.add_column(heading, justify="right" if i else "left")
        for row in rows:
            table.add_row(*cells(row))
        console.print(table)
        for sentence in blind_spots(rows):
            console.print_sentence(f"  {sentence}")
        console.print()
    console.print_sentence(versions(summary))
    for name in summary["not_installed"]:
        console.print_sentence(f"not installed: {name} (docs/method/peers.md tells how to add it)")
    for failure in summary["failed"]:
        at_work = f", {WORKS[failure['work']].unit_plural}" if failure["work"] else ""
        console.print_sentence(f"failed: {failure['tool']}{at_work}: {failure['reason']}")


def blind_spots(rows: Sequence[JsonObject]) -> list[str]:
    """Return what each tool cannot see, in one sentence for tools with the same limits."""
    tools: dict[str, list[str]] = {}
    for row in rows:
        tools.setdefault("; ".join(row["cannot_see"]), []).append(row["tool"])
    return [f"{', '.join(names)} cannot see: {blind}." for blind, names in tools.items()]


def _by_work(summary: JsonObject) -> list[tuple[Work, list[JsonObject]]]:
    found = [(work, [row for row in summary["rows"] if row["work"] == work.name]) for work in WORKS.values()]
    return [(work, rows) for work, rows in found if rows]


def _reported(row: JsonObject) -> str:
    if row["reported_p50_ms"] is not None:
        return _ms(row["reported_p50_ms"])
    if row["reported_mean_ms"] is not None:
        return f"mean {_ms(row['reported_mean_ms'])}"
    return "nothing"


def _ms(value: float | None) -> str:
    return _NOTHING if value is None else f"{value:.1f} ms"


def _significant(value: float) -> str:
    return f"{value:.1f}" if value < 100 else f"{value:.0f}"
