"""The order of files: the longest of each kind first, and both kinds side by side to the end."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from tests.file_order import SHORT_S, MarkedFile, in_order_of_beginning

FILES = st.lists(
    st.builds(MarkedFile, path=st.uuids().map(str), takes_s=st.floats(1, 100), waits=st.booleans()), max_size=30
)


def begun_ratio(begun: Sequence[MarkedFile], files: Sequence[MarkedFile], waits: bool) -> float:
    """The share of a kind's time that has begun."""
    return sum(f.takes_s for f in begun if f.waits is waits) / sum(f.takes_s for f in files if f.waits is waits)


@given(FILES)
def test_every_file_begins_once_and_of_each_kind_the_longest_first(files: list[MarkedFile]) -> None:
    order = in_order_of_beginning(files)
    assert sorted(order, key=lambda file: file.path) == sorted(files, key=lambda file: file.path)
    for waits in (True, False):
        lengths = [file.takes_s for file in order if file.waits is waits]
        assert lengths == sorted(lengths, reverse=True)


@given(FILES)
def test_what_waits_and_what_computes_advance_together(files: list[MarkedFile]) -> None:
    if len({file.waits for file in files}) < 2:
        return
    order = in_order_of_beginning(files)
    for position, file in enumerate(order):
        before = order[:position]
        own, other = (begun_ratio(before, files, waits) for waits in (file.waits, not file.waits))
        assert own <= other + 1e-9, "the kind that comes next is the one that is not ahead"


def test_equal_files_keep_their_order() -> None:
    files = [MarkedFile(name) for name in ("b", "a", "c")]
    assert in_order_of_beginning(files) == files
    assert files[0].takes_s == SHORT_S
