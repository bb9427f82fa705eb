"""Locust's own command line as one process of a trial: `python -m locust`, but sooner ready.

Loading Locust makes some hundred thousand objects that all stay. Python's garbage collector would go through them again
and again meanwhile, and once more with each full collection of the trial; `loadtests.locustfile` turns it on when all
is loaded.
"""

from __future__ import annotations

import gc
import importlib


def command_line() -> None:
    """Load Locust with the collector off, and be it."""
    gc.disable()
    importlib.import_module("locust.main").main()


if __name__ == "__main__":
    command_line()
