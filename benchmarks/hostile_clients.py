"""`python -m benchmarks.hostile_clients`: a hundred thousand visits of hostile clients to each stack of the server.

Ends with status 1 where any of them does harm: a traceback in the log, an answer of 500, a well-behaved client beside
them that misses an event, memory or descriptors that are not given back.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

from tests.servers.conftest import running_server
from tests.servers.hostile_clients import BATCH, Usage, attack, usage_after

VISITS = 100_000
STACKS = ("fastapi", "asgi")


def main(arguments: Sequence[str] | None = None) -> int:
    """Attack one server of each stack."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hostile_clients", description=__doc__)
    parser.add_argument("--visits", type=int, default=VISITS, help="to each stack (%(default)s)")
    parser.add_argument("--stacks", nargs="+", choices=STACKS, default=STACKS)
    parser.add_argument("--compression", choices=("off", "deflate"), default="off")
    parser.add_argument("--headers", choices=("lean", "padded"), default="lean")
    asked = parser.parse_args(arguments)
    harmless = True
    for stack in asked.stacks:
        factors = ("--stack", stack, "--compression", asked.compression, "--headers", asked.headers)
        with running_server("all", "--trace", *factors) as server:
            batches = max(1, asked.visits // BATCH)
            attack(server, max(1, batches // 10))
            before, began_s = Usage.of(server), time.monotonic()
            visits = attack(server, batches)
            after = usage_after(server, before)
            print(
                f"{stack}: {visits} visits in {time.monotonic() - began_s:.0f} s, "
                f"{before.descriptors} -> {after.descriptors} descriptors, "
                f"{before.memory_bytes} -> {after.memory_bytes} bytes of memory, "
                f"client errors of the last stream: {server.stats()['client_errors']}",
                flush=True,
            )
            harmless = harmless and after.within(before)
    return 0 if harmless else 1


if __name__ == "__main__":
    sys.exit(main())
