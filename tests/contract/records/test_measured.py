from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from contract.records.measured import all_differ, first_copies


def test_first_copies() -> None:
    found = first_copies(np.array([0, 1, 0, 0, 1]), np.array([5, 5, 5, 4, 5]))
    assert found.tolist() == [True, True, False, True, False]


PAIRS = st.lists(st.tuples(st.integers(-1, 70_000), st.integers(-1, 5)) | st.tuples(st.just(0), st.integers(0, 2**40)))


@given(PAIRS)
def test_the_short_cuts_say_what_sorting_says(pairs: list[tuple[int, int]]) -> None:
    client = np.array([c for c, _ in pairs], dtype=np.int64)
    seq = np.array([s for _, s in pairs], dtype=np.int64)
    seen: set[tuple[int, int]] = set()
    firsts = [pair not in seen and not seen.add(pair) for pair in pairs]  # type: ignore[func-returns-value]  # None is false
    assert first_copies(client, seq).tolist() == firsts
    assert not all_differ(client, seq) or all(firsts)


def test_rows_as_they_should_be_need_no_sorting() -> None:
    client, seq = np.repeat(np.arange(5), 4), np.tile(np.arange(1, 5), 5)
    assert all_differ(client, seq)
    assert not all_differ(np.append(client, 0), np.append(seq, 1))
