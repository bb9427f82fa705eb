"""Locust's own command line as one process of a trial or of the web UI: by its arguments alone, and sooner ready.

Locust reads options from ~/.locust.conf too, and from locust.conf and pyproject.toml where it is started: a user's
settings for other tests would change or end a trial.

Loading Locust makes some hundred thousand objects that all stay. Python's garbage collector would go through them again
and again meanwhile, and once more with each full collection of the trial; `loadtests.engine.locustfile` turns it on
when all is loaded.
"""

from __future__ import annotations

import gc
import importlib
from typing import Any


def command_line() -> None:
    """Load Locust with the collector off, and be it."""
    gc.disable()
    _read_no_files(importlib.import_module("locust.argument_parser"))
    importlib.import_module("locust.main").main()


def _read_no_files(argument_parser: Any) -> None:
    """Have Locust build its parsers without its list of default files, which no option can empty."""
    build = argument_parser.LocustArgumentParser
    argument_parser.LocustArgumentParser = lambda **options: build(**{**options, "default_config_files": ()})


if __name__ == "__main__":
    command_line()
