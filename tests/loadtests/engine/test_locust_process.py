"""What is changed in Locust's command line before it runs."""

from __future__ import annotations

import subprocess
import sys

from system.processes import PROJECT_FOLDER

COUNTING = """
from loadtests.engine import locust_process
from locust import argument_parser, main

built = []
build = argument_parser.setup_parser_arguments
argument_parser.setup_parser_arguments = lambda parser: (built.append(parser), build(parser))

def as_a_worker_does():
    known = [name for name in ("num_users", "tags", "loglevel") if name in argument_parser.default_args_dict()]
    print(len(built), *known)

main.main = as_a_worker_does
locust_process.command_line()
"""


def test_a_worker_that_spawns_builds_the_parser_once() -> None:
    """Not once per option, which would stop the clients of a trial that has begun."""
    done = subprocess.run(
        [sys.executable, "-c", COUNTING], cwd=PROJECT_FOLDER, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["1", "num_users", "tags", "loglevel"]
