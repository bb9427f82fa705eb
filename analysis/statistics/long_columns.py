"""Columns of ten million rows in little memory: narrow integers to keep, and a block of rows at a time to work on.

Computing on a whole column at once needs several more columns in between, each of fresh pages from the kernel; block by
block they are small, stay in the processor's cache, and are reused.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from contract.records import Ints

BLOCK_CELLS = 1 << 18

Times = npt.NDArray[np.int32] | npt.NDArray[np.int64]
"""Times in ns: in 32 bits if all of them are below 2.1 s, else in 64."""


def blocks(rows: int, cells_per_row: int = 1) -> Iterator[slice]:
    """Yield slices that together cover `rows` rows in their order, each of about BLOCK_CELLS cells."""
    step = max(BLOCK_CELLS // max(cells_per_row, 1), 1)
    for start in range(0, rows, step):
        yield slice(start, min(start + step, rows))


class NarrowColumn:
    """A column of a known length, appended block by block: of 32 bits until a value does not fit."""

    def __init__(self, rows: int) -> None:
        self._values: Times = np.empty(rows, dtype=np.int32)
        self._filled = 0

    def append(self, values: Ints) -> None:
        """Append the next rows."""
        if self._values.dtype == np.int32 and not _fits(values):
            self._values = self._values.astype(np.int64)
        end = self._filled + len(values)
        self._values[self._filled : end] = values
        self._filled = end

    def whole(self) -> Times:
        """Return the column, once all of its rows are there."""
        if self._filled != len(self._values):
            raise ValueError(f"{self._filled} rows instead of {len(self._values)}")
        return self._values


def narrowed(values: Ints) -> Times:
    """Return the same integers in 32 bits if all of them fit."""
    column = NarrowColumn(len(values))
    for block in blocks(len(values)):
        column.append(values[block])
    return column.whole()


def joined(parts: Sequence[Times]) -> Times:
    """Return all parts in one column: the part itself if it is the only one."""
    if len(parts) == 1:
        return parts[0]
    if any(part.dtype == np.int64 for part in parts):
        return np.concatenate(parts, dtype=np.int64)
    return np.concatenate([np.empty(0, dtype=np.int32), *parts], dtype=np.int32)


def ascending(values: Times) -> Times:
    """Return a sorted copy."""
    ordered = values.copy()
    ordered.sort()
    return ordered


def _fits(values: Ints) -> bool:
    bounds = np.iinfo(np.int32)
    return not len(values) or bool(values.min() >= bounds.min and values.max() <= bounds.max)
