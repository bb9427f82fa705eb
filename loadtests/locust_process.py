"""Locust's own command line as one process of a trial: `python -m locust`, but sooner ready.

Loading Locust makes some hundred thousand objects that all stay. Python's garbage collector would go through them again
and again meanwhile, and once more with each full collection of the trial; `loadtests.locustfile` turns it on when all
is loaded.
"""

from __future__ import annotations

import gc
from typing import Any

gc.disable()

from locust import main as _main  # noqa: E402 - with the collector off

_command_line: Any = _main.main

if __name__ == "__main__":
    _command_line()
