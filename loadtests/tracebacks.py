"""Exceptions that a process of a trial has printed and survived.

gevent prints what a callback raises and goes on: the trial ends as planned, and what the callback should have done is
missing from its records without a trace.
"""

from __future__ import annotations

from pathlib import Path

_START = "Traceback (most recent call last):"


def traceback_problem(who: str, log: Path) -> str | None:
    """Say that a log holds tracebacks, and what the first ends in; None where it holds none, or is not there."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return None
    starts = [i for i, line in enumerate(lines) if line.startswith(_START)]
    if not starts:
        return None
    ends = (line for line in lines[starts[0] + 1 :] if line and not line[0].isspace())
    number = "a traceback" if len(starts) == 1 else f"{len(starts)} tracebacks, the first"
    return f"{who} printed {number} of {next(ends, 'an exception')!r} (none allowed): see its log, which was kept"
