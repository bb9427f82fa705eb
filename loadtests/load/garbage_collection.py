"""Python's cyclic garbage collector, kept away from what a trial's clients are made of.

A full collection goes through everything alive: with ten thousand clients that is a tenth of a second each time, while
they connect and while events arrive. They live to the end of the trial, so there is nothing to find among them.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def kept_from_collector() -> Iterator[None]:
    """What is made within the block, and all before it, is never looked through again; collections pause meanwhile."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
