"""Locust's command line as one process of a trial or of the web UI: with its arguments alone, and a faster start.

Locust reads options from ~/.locust.conf too, and from locust.conf and pyproject.toml in its working folder: a user's
settings for other tests would change or end a trial.

A worker that is sent how many users to spawn builds Locust's parser of some seventy options again for each of them: a
twentieth of a second in which its clients, whose trial has begun by then, are not read.

Importing Locust creates some hundred thousand objects that all stay. Python's garbage collector would scan them again
and again meanwhile, and once more with each full collection of the trial; `loadtests.engine.locustfile` enables it when
everything is imported.
"""

from __future__ import annotations

import functools
import gc
import importlib
from typing import Any


def command_line() -> None:
    """Import Locust with the collector off, and run its command line."""
    gc.disable()
    argument_parser = importlib.import_module("locust.argument_parser")
    _read_no_files(argument_parser)
    _build_defaults_once(argument_parser)
    importlib.import_module("locust.main").main()


def _read_no_files(argument_parser: Any) -> None:
    """Make Locust build its parsers without its list of default files, which no option can empty."""
    build = argument_parser.LocustArgumentParser
    argument_parser.LocustArgumentParser = lambda **options: build(**{**options, "default_config_files": ()})


def _build_defaults_once(argument_parser: Any) -> None:
    """Make Locust remember its options' defaults, which it only reads."""
    argument_parser.default_args_dict = functools.cache(argument_parser.default_args_dict)


if __name__ == "__main__":
    command_line()
