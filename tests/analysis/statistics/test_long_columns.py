"""Working on a block of rows at a time, in narrow integers, changes no figure."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.statistics import long_columns
from analysis.statistics.distribution import LATENCY_QUANTILES, distribution_of
from analysis.statistics.long_columns import NarrowColumn, ascending, blocks, joined, narrowed
from analysis.trial.measures import TrialMeasures, measure
from contract.quantiles import quantiles
from tests.fabricate import SMALL, first_trial, style
from tests.fabricate_trial import Faults

spans_ns = st.lists(st.integers(-(2**33), 2**33) | st.integers(-1000, 1000), max_size=40)
FAULTS = Faults(
    drop=frozenset({(0, 40)}),
    duplicate=frozenset({(1, 41), (2, 3)}),
    reorder=frozenset({(3, 50)}),
    delay_ms={(4, 44): 2600.0},
    missing_stamps=30,
)


@given(st.integers(0, 1000), st.integers(0, 400), st.integers(1, 300))
def test_blocks_cover_every_row_once_and_in_order(rows: int, cells_per_row: int, block_cells: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(long_columns, "BLOCK_CELLS", block_cells)
        found = [np.arange(rows)[block] for block in blocks(rows, cells_per_row)]
    assert [int(row) for block in found for row in block] == list(range(rows))
    assert all(len(block) == 1 or len(block) * cells_per_row <= block_cells for block in found)


@given(spans_ns, st.integers(1, 7))
def test_a_narrow_column_holds_what_was_appended_in_32_bits_if_they_fit(values: list[int], at_once: int) -> None:
    column, wide = NarrowColumn(len(values)), np.array(values, dtype=np.int64)
    for start in range(0, len(values), at_once):
        column.append(wide[start : start + at_once])
    fits = all(-(2**31) <= value < 2**31 for value in values)
    for found in (column.whole(), narrowed(wide)):
        assert found.tolist() == values
        assert found.dtype == (np.int32 if fits else np.int64)


def test_a_column_that_lacks_rows_is_not_whole() -> None:
    with pytest.raises(ValueError, match="0 rows instead of 2"):
        NarrowColumn(2).whole()


@given(st.lists(spans_ns, max_size=4))
def test_joined_columns_keep_every_value_whatever_their_width(parts: list[list[int]]) -> None:
    whole = joined([narrowed(np.array(part, dtype=np.int64)) for part in parts])
    everything = [value for part in parts for value in part]
    assert whole.tolist() == everything
    assert ascending(whole).tolist() == sorted(everything)


@given(spans_ns.filter(len))
def test_a_distribution_of_whole_nanoseconds_is_that_of_the_milliseconds(values: list[int]) -> None:
    values_ms = np.array(values) / 1e6
    found = distribution_of(narrowed(np.array(values, dtype=np.int64)))
    assert found is not None
    assert [found[name] for name in LATENCY_QUANTILES] == quantiles(values_ms, list(LATENCY_QUANTILES.values()))
    assert found["max"] == values_ms.max()
    assert found["mean"] == pytest.approx(values_ms.mean(), rel=1e-9, abs=1e-9)
    assert distribution_of(np.empty(0, dtype=np.int32)) is None


@pytest.mark.parametrize("block_cells", [1, 7, 250])
@pytest.mark.parametrize("name", ["websocket", "short_poll", "long_poll"])
def test_a_trial_in_small_blocks_has_the_same_measures(
    name: str, block_cells: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, trial = first_trial(name, SMALL, FAULTS)
    whole = measure(trial, style(name))
    monkeypatch.setattr(long_columns, "BLOCK_CELLS", block_cells)
    in_blocks = measure(trial, style(name))
    assert _plain(in_blocks) == _plain(whole)
    assert in_blocks.ages is not None
    assert whole.ages is not None
    assert in_blocks.ages.mean_ms == pytest.approx(whole.ages.mean_ms)
    levels_ms = [100.0, 0.0, 30.0]
    assert in_blocks.ages.older_than(levels_ms) == pytest.approx(whole.ages.older_than(levels_ms))


def _plain(found: TrialMeasures) -> dict[str, object]:
    """All measures, arrays as lists."""
    fields = {**vars(found), **vars(found.latencies), "ages": None if found.ages is None else vars(found.ages)}
    del fields["latencies"]
    return {name: _listed(value) for name, value in fields.items()}


def _listed(value: object) -> object:
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, dict):
        return {key: _listed(each) for key, each in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _listed(vars(value))
    return value
