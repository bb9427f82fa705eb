"""What clients are made of is out of the collector's sight, and what comes later is not."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from loadtests.load.garbage_collection import kept_from_collector


class Knot:
    """An object that only the collector can free."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def thawed() -> Iterator[None]:
    yield
    gc.unfreeze()
    gc.enable()


def test_nothing_is_collected_within_and_what_was_made_there_is_not_looked_at_again() -> None:
    with kept_from_collector():
        assert not gc.isenabled()
        before = weakref.ref(Knot())
    gc.collect()
    assert before() is not None
    gc.unfreeze()
    gc.collect()
    assert before() is None


def test_collections_go_on_afterwards_even_if_something_went_wrong() -> None:
    with pytest.raises(ZeroDivisionError), kept_from_collector():
        _ = 1 / 0
    assert gc.isenabled()
    later = weakref.ref(Knot())
    gc.collect()
    assert later() is None
