"""The export formats by name, and writing a run in one of them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from analysis.compare.comparison import ReportedRun
from analysis.export import bencher, deliveries_csv, points_csv, points_jsonl
from contract.errors import UserError

FORMATS: dict[str, Callable[[ReportedRun], Iterator[str]]] = {
    "csv": points_csv.lines,
    "csv-deliveries": deliveries_csv.lines,
    "jsonl": points_jsonl.lines,
    "bencher": bencher.lines,
}
STANDARD_OUTPUT = "-"


def export(run: ReportedRun, format_name: str, out: str) -> None:
    """Write a run to standard output or to a new file, whole or not at all; raise UserError if the file exists."""
    write_lines = FORMATS[format_name](run)
    if out == STANDARD_OUTPUT:
        sys.stdout.writelines(write_lines)
        return
    path = Path(out)
    if path.exists():
        raise UserError(f"{path}: the file exists already (expected OUT=a new file, or OUT=- for standard output)")
    if not path.parent.is_dir():
        raise UserError(f"{path}: there is no folder {path.parent} (expected OUT=a file in one that exists)")
    # Named by this process: another export to the same file has its own.
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    with partial.open("x", encoding="utf-8", newline="") as file:
        try:
            file.writelines(write_lines)
            file.flush()
            partial.rename(path)
        finally:
            partial.unlink(missing_ok=True)
