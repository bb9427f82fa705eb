"""The export formats by name, and writing a run in one of them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from analysis.compare.comparison import ReportedRun
from contract.errors import UserError

Writer = Callable[[ReportedRun], Iterator[str | bytes]]


@dataclass(frozen=True)
class Format:
    """One export format."""

    writer: str
    """The function that yields the parts of its file, as `module:function` of this package. Its module is imported only
    when it is used, as it may import an optional package."""
    package: str = ""
    """The optional package that it needs (requirements-export.lock); empty if none."""

    def load_writer(self, name: str) -> Writer:
        """Import the function; raise UserError if the optional package is missing or cannot be loaded."""
        module, _, function = self.writer.partition(":")
        try:
            writer: Writer = getattr(import_module(f"analysis.export.{module}"), function)
        except ImportError as error:
            if not self.package:
                raise
            raise UserError(
                f"FORMAT={name}: needs the optional package {self.package}, which cannot be loaded: {error} "
                "(expected it in .venv: make formats installs it)"
            ) from error
        return writer


FORMATS: Mapping[str, Format] = {
    "csv": Format("points:csv_lines"),
    "csv-deliveries": Format("deliveries_csv:lines"),
    "jsonl": Format("points:json_lines"),
    "parquet": Format("parquet:deliveries", package="pyarrow"),
    "parquet-requests": Format("parquet:requests", package="pyarrow"),
    "hdrhistogram": Format("histogram_log:lines", package="hdrhistogram"),
    "openmetrics": Format("openmetrics:text", package="prometheus-client"),
    "bencher": Format("bencher:lines"),
    "junit": Format("junit:lines"),
}
STANDARD_OUTPUT = "-"


def export(run: ReportedRun, format_name: str, out: str) -> None:
    """Write a run to standard output or to a new file, whole or not at all; raise UserError if the file exists."""
    writer = FORMATS[format_name].load_writer(format_name)
    parts = (part.encode() if isinstance(part, str) else part for part in writer(run))
    if out == STANDARD_OUTPUT:
        if sys.stdout is None:
            raise UserError("OUT=-: standard output is closed (expected it to be open, or OUT=a new file)")
        sys.stdout.buffer.writelines(parts)
        return
    path = Path(out)
    if path.exists():
        raise _exists_already(path)
    if not path.parent.is_dir():
        raise UserError(f"{path}: there is no folder {path.parent} (expected OUT=a file in one that exists)")
    # The process id in the name keeps exports to the same file at the same time apart.
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("xb") as file:
            file.writelines(parts)
        _name_finished(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def _name_finished(partial: Path, path: Path) -> None:
    """Give a finished file its name, unless another program has created such a file in the meantime."""
    try:
        path.hardlink_to(partial)
    except FileExistsError as error:
        raise _exists_already(path) from error
    except OSError:
        # Not every file system has hard links.
        if path.exists():
            raise _exists_already(path) from None
        partial.rename(path)


def _exists_already(path: Path) -> UserError:
    return UserError(f"{path}: the file exists already (expected OUT=a new file, or OUT=- for standard output)")
