"""The rows of a run as tables, with the same cells on the console and in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich import box
from rich.table import Table

from analysis.report.page import markdown_text
from benchmarks.peers.workloads import WORKS, Work
from contract.records import JsonObject
from terminal.console import PlainConsole

_NOTHING = "–"
_LIMIT_HEADINGS = ("cannot be seen", "by")


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
    """Return two tables per work: the results of each tool, and what each tool cannot measure."""
    parts: list[str] = []
    for work, rows in _by_work(summary):
        parts.append(f"**{work.description}**")
        parts.append(_markdown_table(headings(work), map(cells, rows), "---:"))
        parts.append(_markdown_table(_LIMIT_HEADINGS, _blind_spots(rows), "---"))
    return "\n\n".join([*parts, markdown_text(versions(summary))]) + "\n"


def _markdown_table(columns: Sequence[str], rows: Iterable[Sequence[str]], alignment: str) -> str:
    """Return a table whose columns after the first are aligned as given."""
    lines = [" | ".join(columns), " | ".join(["---", *[alignment] * (len(columns) - 1)])]
    lines += [" | ".join(map(markdown_text, row)) for row in rows]
    return "\n".join(f"| {line} |" for line in lines)


def versions(summary: JsonObject) -> str:
    """Return the versions of all tools, in the order of the rows."""
    known = dict.fromkeys(f"{row['tool']} {row['version']}" for row in summary["rows"])
    return f"Versions: {', '.join(known)}."


def show(summary: JsonObject, console: PlainConsole) -> None:
    """Print the tables on the console, and the tools that are missing or failed."""
    for work, rows in _by_work(summary):
        table = Table(title=work.description, title_justify="left", box=box.SIMPLE)
        for i, heading in enumerate(headings(work)):
            table.add_column(heading, justify="right" if i else "left")
        for row in rows:
            table.add_row(*cells(row))
        console.print(table)
        limits = Table(*_LIMIT_HEADINGS, box=box.SIMPLE)
        for spot in _blind_spots(rows):
            limits.add_row(*spot)
        console.print(limits)
    console.print_sentence(versions(summary))
    for name in summary["not_installed"]:
        console.print_sentence(f"not installed: {name} (docs/method/peers.md tells how to add it)")
    for failure in summary["failed"]:
        at_work = f", {WORKS[failure['work']].unit_plural}" if failure["work"] else ""
        console.print_sentence(f"failed: {failure['tool']}{at_work}: {failure['reason']}")


def _blind_spots(rows: Sequence[JsonObject]) -> list[tuple[str, str]]:
    """Return each thing that some tools cannot measure, with these tools and their reasons."""
    tools: dict[str, dict[str, list[str]]] = {}
    for row in rows:
        for limit in row["cannot_see"]:
            thing, _, reason = limit.partition(": ")
            tools.setdefault(thing, {}).setdefault(reason, []).append(row["tool"])
    return [(thing, "; ".join(map(_with_reason, by.values(), by))) for thing, by in tools.items()]


def _with_reason(names: Sequence[str], reason: str) -> str:
    return f"{', '.join(names)}{f' ({reason})' if reason else ''}"


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
