"""Python's cyclic garbage collector in servers and load processes: what it need not look through, and how seldom it
looks.

By default it looks each time that 700 more objects were made than freed. One event answers all polls that are held, and
their next requests bring back as many objects in a burst: with ten thousand of them the collector went through those
at hand a thousand times, and found nothing, as requests end by reference counting. That is no cost of polling, but of a
default for small programs. So every server, whatever it serves, looks seldom; it does look, because connections are
reference cycles, and what is left of closed ones would stay for ever.

A load process' clients live to the end of the trial, so there is nothing to find among them; a full collection through
ten thousand of them takes a tenth of a second.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

COLLECT_EVERY_OBJECTS = 50_000
"""The objects of some hundred requests in flight; so many, at the least, may lie about before they are looked at.

The older generations are looked through every tenth time of the younger, as Python has it.
"""


def pause_for_start() -> None:
    """Not while modules are loaded: all that they make stays. `collect_seldom` ends the pause."""
    gc.disable()


def collect_seldom() -> None:
    """For the rest of this process' life, and never through what is alive by now: all the modules, the app."""
    gc.freeze()
    gc.set_threshold(COLLECT_EVERY_OBJECTS, *gc.get_threshold()[1:])
    gc.enable()


def look_through_what_comes(*, again: bool) -> None:
    """For a stream that is about to start: what is alive (all connections, as a rule) is not looked through again.

    Where it is done `again`, what was alive at the earlier stream's start is looked through once more: its connections
    may be closed by now. The first time that is modules alone, and would take as long as all the rest.

    A full collection over ten thousand connections would stop the loop for longer than most latencies measured. Nor is
    anything looked through before it is as much as was alive: an event that answers all held polls brings all of them
    anew, and what lies about uncollected is never more than what the clients need anyway.
    """
    if again:
        gc.unfreeze()
    gc.collect()
    gc.freeze()
    gc.set_threshold(max(COLLECT_EVERY_OBJECTS, gc.get_freeze_count()), *gc.get_threshold()[1:])


@contextmanager
def kept_from_collector() -> Iterator[None]:
    """What is made within the block, and all before it, is never looked through again; collections pause meanwhile."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
