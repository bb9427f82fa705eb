"""`python -m benchmarks.large_run FOLDER`: a run with ten million deliveries, computed instead of measured.

The time of its report is measured by: `time .venv/bin/python -m analysis report FOLDER` (docs/internals/speed.md).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.fabricate import BROADCAST, Fabrication, fabricate_run

CLIENTS = 10_000
EVENTS = 100
BLOCKS = 10


def large_run(folder: Path, transports: Sequence[str], clients: int, events: int, blocks: int) -> Path:
    """Write a run of these transports at their base point, each with clients × events × blocks deliveries."""
    fabrication = Fabrication(
        transports=tuple(transports),
        intervals_s=(),
        rates_per_s=(),
        clients=clients,
        arrival="periodic",
        warm_up_s=0.5,
        measured_s=events / 10,
        blocks=blocks,
    )
    return fabricate_run(folder, fabrication)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write one run, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.large_run", description=__doc__)
    parser.add_argument("folder", type=Path, help="where to write it; must not exist")
    parser.add_argument("--transports", nargs="+", choices=BROADCAST, default=["websocket"])
    parser.add_argument("--clients", type=int, default=CLIENTS, help="clients of each trial (%(default)s)")
    parser.add_argument("--events", type=int, default=EVENTS, help="events in each measured window (%(default)s)")
    parser.add_argument("--blocks", type=int, default=BLOCKS, help="trials of each transport (%(default)s)")
    options = parser.parse_args(arguments)
    if options.folder.exists():
        print(f"error: {options.folder} exists (expected a new folder)", file=sys.stderr)
        return 2
    print(large_run(options.folder, options.transports, options.clients, options.events, options.blocks))
    return 0


if __name__ == "__main__":
    sys.exit(main())
