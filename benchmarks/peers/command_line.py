"""`python -m benchmarks.peers`: compares the harness with other load generators that do the same work."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from contract.errors import UserError
from loadtests.plan.seeds import checked_seed, draw_seed
from terminal.plain import print_error

_DEFAULT_SECONDS, _DEFAULT_BLOCKS = 5, 2
_TABLE_WIDTH = 110
_LONGEST_S, _MOST_BLOCKS = 60.0, 20


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare, and return the exit status: 0, or 2 for a mistake that the user can correct."""
    options = _parser().parse_args(arguments)
    try:
        _compare(options)
    except UserError as error:
        print_error(error)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("--seconds", default="", help=f"measured time of each trial (default: {_DEFAULT_SECONDS:g})")
    parser.add_argument("--blocks", default="", help=f"trials of each tool (default: {_DEFAULT_BLOCKS})")
    parser.add_argument("--tools", default="", help="tools, separated by commas (default: all that are installed)")
    parser.add_argument("--seed", default="", help="seed of orders, payloads and phases (default: random)")
    parser.add_argument("--results", type=Path, default=None, help="folder for the folder `peers` (default: results)")
    return parser


def _compare(options: argparse.Namespace) -> None:
    from benchmarks.peers.registry import TOOLS
    from benchmarks.peers.run import Plan, compare, summary_of
    from benchmarks.peers.table import show
    from loadtests.run.measurement_lock import one_at_a_time
    from system.processes import PROJECT_FOLDER
    from terminal.console import PlainConsole

    seed = checked_seed(options.seed)
    plan = Plan(
        measured_s=_number("PEERS_SECONDS", options.seconds, _DEFAULT_SECONDS, 1, _LONGEST_S),
        blocks=int(_number("PEERS_BLOCKS", options.blocks, _DEFAULT_BLOCKS, 1, _MOST_BLOCKS)),
        tools=_tools(options.tools, tuple(TOOLS)),
        seed=draw_seed() if seed is None else seed,
    )
    console = PlainConsole(stderr=True)
    with one_at_a_time():
        try:
            folder = compare(plan, (options.results or PROJECT_FOLDER / "results").resolve(), console)
        except KeyboardInterrupt:
            console.print_sentence("the results so far are kept")
            raise
    # In a file or a pipe, rows of the tables are not wrapped.
    show(summary_of(folder), PlainConsole() if sys.stdout.isatty() else PlainConsole(width=_TABLE_WIDTH))


def _number(name: str, text: str, default: float, low: float, high: float) -> float:
    """Parse a whole number of seconds or blocks; with whole seconds, the window ends midway between two events."""
    if not text:
        return default
    if not text.isdecimal() or not low <= int(text) <= high:
        raise UserError(f"{name}={text}: not usable (expected a whole number from {low:g} to {high:g})")
    return int(text)


def _tools(text: str, known: tuple[str, ...]) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    for name in names:
        if name not in known:
            raise UserError(f"TOOLS={name}: not a tool that is known here (expected some of {', '.join(known)})")
    return names or known
