"""Locust's command line without its configuration files, and with a faster start; used for trials and the web UI.

Locust reads options from ~/.locust.conf too, and from locust.conf and pyproject.toml in its working folder: a user's
settings for other tests would change or end a trial.

For each user that a worker spawns, Locust builds its parser of some seventy options again. That takes a twentieth of a
second, in which the worker's clients, whose trial has begun by then, are not read.

Importing Locust creates some hundred thousand objects that all stay. Python's garbage collector would scan them many
times during the import, and once more with each full collection of the trial; `loadtests.engine.locustfile` enables it
when everything is imported.
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
    """Make Locust read no configuration files; it has no option for that."""
    build = argument_parser.LocustArgumentParser
    argument_parser.LocustArgumentParser = lambda **options: build(**{**options, "default_config_files": ()})


def _build_defaults_once(argument_parser: Any) -> None:
    """Make Locust cache its options' defaults, which it never changes."""
    argument_parser.default_args_dict = functools.cache(argument_parser.default_args_dict)


if __name__ == "__main__":
    command_line()
