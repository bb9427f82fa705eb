"""Exceptions that a process of a trial printed and survived.

gevent prints an exception raised in a callback and goes on: the trial ends as planned, and nothing else in its records
shows that the callback's work is missing.
"""

from __future__ import annotations

from pathlib import Path

_START = "Traceback (most recent call last):"


def traceback_problem(who: str, log: Path) -> str | None:
    """Return a sentence with the number of tracebacks in a log and the first exception; None without any, or a log."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return None
    starts = [i for i, line in enumerate(lines) if line.startswith(_START)]
    if not starts:
        return None
    ends = (line for line in lines[starts[0] + 1 :] if line and not line[0].isspace())
    number = "a traceback" if len(starts) == 1 else f"{len(starts)} tracebacks, the first"
    return f"{who} printed {number} of {next(ends, 'an exception')!r} (expected none): see its log, which was kept"
