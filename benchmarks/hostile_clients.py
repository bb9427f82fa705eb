"""`python -m benchmarks.hostile_clients`: a hundred thousand visits of hostile clients to each stack of the server.

Ends with status 1 if any of them causes harm: a traceback in the log, an answer of 500, a well-behaved client beside
them that misses an event, memory or descriptors that are not released. The server's memory and descriptors are read
some twenty times, and compared between the first and the last third of the readings (`has_grown`).
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
"""Further visits before: twice as many as it takes until the server holds no more objects than before."""
STACKS = ("fastapi", "asgi")


def main(arguments: Sequence[str] | None = None) -> int:
    """Attack one server of each stack."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hostile_clients", description=__doc__)
    parser.add_argument("--visits", type=int, default=VISITS, help="to each stack, after the warm-up (%(default)s)")
    parser.add_argument("--stacks", nargs="+", choices=STACKS, default=STACKS)
    parser.add_argument("--compression", choices=("off", "deflate"), default="off")
    parser.add_argument("--headers", choices=("lean", "padded"), default="lean")
    asked = parser.parse_args(arguments)
    harmless = True
    for stack in asked.stacks:
        factors = ("--stack", stack, "--compression", asked.compression, "--headers", asked.headers)
        with running_server("all", "--trace", *factors) as server:
            harmless = _is_harmed_by_nobody(server, stack, max(1, asked.visits // BATCH // READINGS)) and harmless
    return 0 if harmless else 1


def _is_harmed_by_nobody(server: RunningServer, stack: str, batches_per_reading: int) -> bool:
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
