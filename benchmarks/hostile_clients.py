"""`python -m benchmarks.hostile_clients`: a hundred thousand connections of hostile clients to each server stack.

Ends with status 1 if they cause harm: a traceback in the log, an answer with status 500, an event that a well-behaved
client misses, or memory or descriptors that are not released. The server's memory and descriptors are read about twenty
times, and the first third of the readings is compared with the last (`has_grown`).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

from tests.servers.conftest import RunningServer, running_server
from tests.servers.hostile_clients import BATCH, Usage, attack, has_grown

VISITS = 100_000
READINGS = 20
WARM_UP_VISITS = 5_000
"""Visits before the first reading: twice as many as it takes until the server's memory stops growing."""
STACKS = ("fastapi", "asgi")


def main(arguments: Sequence[str] | None = None) -> int:
    """Attack one server of each stack."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hostile_clients", description=__doc__)
    parser.add_argument("--visits", type=int, default=VISITS, help="to each stack, after the warm-up (%(default)s)")
    parser.add_argument("--stacks", nargs="+", choices=STACKS, default=STACKS)
    parser.add_argument("--compression", choices=("off", "deflate"), default="off")
    parser.add_argument("--headers", choices=("lean", "padded"), default="lean")
    options = parser.parse_args(arguments)
    harmless = True
    for stack in options.stacks:
        factors = ("--stack", stack, "--compression", options.compression, "--headers", options.headers)
        with running_server("all", "--trace", *factors) as server:
            harmless = _is_unharmed(server, stack, max(1, options.visits // BATCH // READINGS)) and harmless
    return 0 if harmless else 1


def _is_unharmed(server: RunningServer, stack: str, batches_per_reading: int) -> bool:
    """Attack the server, print each reading, and return whether memory and descriptors have not grown."""
    began_s, visits = time.monotonic(), 0

    def print_reading(usage: Usage) -> None:
        nonlocal visits
        visits += batches_per_reading * BATCH
        print(
            f"{stack}: {visits} visits in {time.monotonic() - began_s:.0f} s; {usage.client_errors} client errors, "
            f"{usage.descriptors} descriptors, {usage.memory_bytes / 1e6:.1f} MB of memory",
            flush=True,
        )

    attack(server, 1, WARM_UP_VISITS // BATCH)
    print(f"{stack}: warmed up by {WARM_UP_VISITS} visits in {time.monotonic() - began_s:.0f} s", flush=True)
    began_s = time.monotonic()
    grown = has_grown(attack(server, READINGS, batches_per_reading, print_reading))
    print(f"{stack}: descriptors or memory have grown" if grown else f"{stack}: descriptors and memory are level")
    return not grown


if __name__ == "__main__":
    sys.exit(main())
