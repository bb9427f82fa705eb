"""Settings of Python's cyclic garbage collector in servers and load processes, so that it scans rarely and scans less.

By default it runs each time that 700 more objects were made than freed. One event answers all held polls, and their
next requests create as many objects in a burst: with ten thousand of them the collector scanned the objects at hand a
thousand times and freed nothing, as requests end by reference counting. That is no cost of polling, but of a default
for small programs. So every server, whatever it serves, collects rarely; it does collect, because connections are
reference cycles, and closed ones would stay in memory for ever.

A load process's clients live to the end of the trial, so there is nothing to collect among them; a full collection
through ten thousand of them takes a tenth of a second.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

COLLECT_EVERY_OBJECTS = 50_000
"""Number of new objects before a collection: about those of a hundred requests in flight.

The older generations are collected every tenth time of the younger, as is Python's default."""


def pause_for_start() -> None:
    """Pause collection while modules are loaded, since everything they create stays; `collect_seldom` resumes it."""
    gc.disable()


def collect_seldom() -> None:
    """Collect rarely from now on, and never scan the objects that exist now: the modules and the app."""
    gc.freeze()
    gc.set_threshold(COLLECT_EVERY_OBJECTS, *gc.get_threshold()[1:])
    gc.enable()


def collect_before_stream(*, again: bool) -> None:
    """Collect before a stream starts, and do not scan the objects that exist now (usually all connections) again.

    With `again`, for each stream but the first, objects from before the previous stream are scanned once more, since
    its connections may be closed by now. Before the first stream these are only modules, and scanning them is slow.

    A full collection over ten thousand connections would stop the loop for longer than most latencies measured. Nor
    does a collection start before as many objects are new as existed at the start: an event that answers all held polls
    replaces all of their objects, and uncollected objects never take more memory than the clients need anyway.
    """
    if again:
        gc.unfreeze()
    gc.collect()
    gc.freeze()
    gc.set_threshold(max(COLLECT_EVERY_OBJECTS, gc.get_freeze_count()), *gc.get_threshold()[1:])


@contextmanager
def collection_paused() -> Iterator[None]:
    """Pause collection within the block, and never scan the objects that exist at its end."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
