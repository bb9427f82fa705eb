"""The limit of files, sockets included, that this process may have open; its children inherit it."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import dataclass

_LESS_THAN_INFINITY = (1_048_576, 524_288, 262_144, 131_072, 65_536, 32_768, 10_240)
"""Limits to try on a system that has no hard limit but refuses an infinite one (macOS: OPEN_MAX last)."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A limit that cannot be raised as far as requested."""

    most_files: int
    reason: str


def raise_limit_to_most() -> None:
    """Raise the soft limit, often only 1024, to the hard limit, or to the most that the system grants."""
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415 (absent on Windows)

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for limit in (hard, *_LESS_THAN_INFINITY) if hard == resource.RLIM_INFINITY else (hard,):
        if soft == resource.RLIM_INFINITY or (limit != resource.RLIM_INFINITY and limit <= soft):
            return
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
            return


def raise_limit_to(files: int) -> Refusal | None:
    """Raise the soft limit so that this many files may be open; return a `Refusal` if the system does not allow it."""
    if sys.platform == "win32":
        return None
    import resource  # noqa: PLC0415 (absent on Windows)

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= files:
        return None
    if hard != resource.RLIM_INFINITY and hard < files:
        return Refusal(hard, f"the hard limit of open files is {hard}")
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    except (OSError, ValueError):  # whatever the hard limit says, as on macOS
        return Refusal(soft, f"this system lets no process have more than {soft}")
    return None
