"""`python -m benchmarks.hostile_clients`: a hundred thousand visits of hostile clients to each stack of the server.

Ends with status 1 where any of them does harm: a traceback in the log, an answer of 500, a well-behaved client beside
them that misses an event, memory or descriptors that are not given back. What the server holds is read some twenty
times, and compared between the first and the last third of the readings (`has_grown`).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

from tests.servers.conftest import running_server
from tests.servers.hostile_clients import BATCH, attack, has_grown

VISITS = 100_000
READINGS = 20
WARM_UP_VISITS = 5_000
"""Beside those asked for: twice as many as it takes until the server holds no more objects than before."""
STACKS = ("fastapi", "asgi")


def main(arguments: Sequence[str] | None = None) -> int:
    """Attack one server of each stack."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hostile_clients", description=__doc__)
    parser.add_argument("--visits", type=int, default=VISITS, help="to each stack (%(default)s)")
    parser.add_argument("--stacks", nargs="+", choices=STACKS, default=STACKS)
    parser.add_argument("--compression", choices=("off", "deflate"), default="off")
    parser.add_argument("--headers", choices=("lean", "padded"), default="lean")
    asked = parser.parse_args(arguments)
    batches_per_reading = max(1, asked.visits // BATCH // READINGS)
    harmless = True
    for stack in asked.stacks:
        factors = ("--stack", stack, "--compression", asked.compression, "--headers", asked.headers)
        with running_server("all", "--trace", *factors) as server:
            attack(server, 1, WARM_UP_VISITS // BATCH)
            began_s = time.monotonic()
            usages = attack(server, READINGS, batches_per_reading)
            grown = has_grown(usages)
            print(
                f"{stack}: {len(usages) * batches_per_reading * BATCH} visits in {time.monotonic() - began_s:.0f} s, "
                f"{'grown' if grown else 'level'}; "
                f"descriptors: {' '.join(str(usage.descriptors) for usage in usages)}; "
                f"MB of memory: {' '.join(f'{usage.memory_bytes / 1e6:.1f}' for usage in usages)}",
                flush=True,
            )
            harmless = harmless and not grown
    return 0 if harmless else 1


if __name__ == "__main__":
    sys.exit(main())
