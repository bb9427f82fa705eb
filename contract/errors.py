"""Errors that are shown to users, those of the operating system among them."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

_EXPECTED = {
    errno.ENOSPC: "expected a disk with room",
    errno.EDQUOT: "expected a disk quota with room",
    errno.EMFILE: "expected a higher limit of open files: ulimit -n",
    errno.ENFILE: "expected fewer open files on this machine, or a higher limit: sysctl fs.file-max",
    errno.EAGAIN: "expected a higher limit of processes: ulimit -u, or pids.max of a container",
    errno.ENOMEM: "expected more free memory",
    errno.ENOENT: "expected it to exist",
}
"""The remedy for each error of the operating system that a user can correct."""


class UserError(Exception):
    """A mistake that the user can correct: one clear sentence, shown without a traceback."""


@contextmanager
def system_errors(action: str) -> Iterator[None]:
    """Turn any OSError in the block into a UserError, which names the `action`, such as "starting a process"."""
    try:
        yield
    except OSError as error:
        file = f"{error.filename}: " if error.filename else ""
        expected = _EXPECTED.get(error.errno or 0, "expected the system to allow it")
        raise UserError(f"{action}: {file}{error.strerror or error} ({expected})") from error
