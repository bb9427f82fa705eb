"""A server's garbage collector looks seldom, but it looks; what clients are made of is out of its sight."""

from __future__ import annotations

import gc
import weakref

import pytest

from system.garbage_collection import (
    COLLECT_EVERY_OBJECTS,
    collect_before_stream,
    collect_seldom,
    collection_paused,
)

pytestmark = pytest.mark.usefixtures("collector_as_it_was")


class Cycle:
    def __init__(self) -> None:
        self.itself = self


def test_it_does_not_look_for_less_than_its_threshold_and_finds_what_is_beyond() -> None:
    collect_seldom()
    left_behind = weakref.ref(Cycle())
    kept: list[list[int]] = [[] for _ in range(COLLECT_EVERY_OBJECTS // 2)]
    assert left_behind() is not None
    kept += [[] for _ in range(COLLECT_EVERY_OBJECTS)]
    assert left_behind() is None
    assert len(kept) > COLLECT_EVERY_OBJECTS


def test_what_is_alive_by_then_is_not_looked_through_again() -> None:
    before = gc.get_freeze_count()
    collect_seldom()
    assert gc.get_freeze_count() > before
    assert not any(gc.get_objects(generation=2)), "the oldest generation begins empty"


def test_while_a_stream_runs_as_much_may_come_as_was_alive() -> None:
    collect_seldom()
    alive: list[list[int]] = [[] for _ in range(3 * COLLECT_EVERY_OBJECTS)]
    collect_before_stream(again=False)
    left_behind = weakref.ref(Cycle())
    alive += [[] for _ in range(3 * COLLECT_EVERY_OBJECTS - 100)]
    assert left_behind() is not None
    alive += [[] for _ in range(gc.get_threshold()[0])]
    assert left_behind() is None


def test_a_small_server_looks_as_seldom_as_before_its_stream() -> None:
    collect_seldom()
    collect_before_stream(again=False)
    assert gc.get_threshold()[0] >= COLLECT_EVERY_OBJECTS


def test_connections_of_an_earlier_stream_that_are_closed_by_now_do_not_stay() -> None:
    collect_seldom()
    of_the_first = Cycle()
    collect_before_stream(again=False)
    closed = weakref.ref(of_the_first)
    del of_the_first
    gc.collect()
    assert closed() is not None, "it was set apart with all that was alive"
    collect_before_stream(again=True)
    assert closed() is None


def test_nothing_is_collected_within_and_what_was_made_there_is_not_looked_at_again() -> None:
    with collection_paused():
        assert not gc.isenabled()
        before = weakref.ref(Cycle())
    gc.collect()
    assert before() is not None
    gc.unfreeze()
    gc.collect()
    assert before() is None


def test_collections_go_on_afterwards_even_if_something_went_wrong() -> None:
    with pytest.raises(ZeroDivisionError), collection_paused():
        _ = 1 / 0
    assert gc.isenabled()
    later = weakref.ref(Cycle())
    gc.collect()
    assert later() is None
