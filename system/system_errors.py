"""Errors of the operating system as messages for users: what failed, the system's message, and what would help."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from contract.errors import UserError

_EXPECTED = {
    errno.ENOSPC: "expected a disk with room",
    errno.EDQUOT: "expected a disk quota with room",
    errno.EMFILE: "expected a higher limit of open files: ulimit -n",
    errno.ENFILE: "expected fewer open files on this machine, or a higher limit: sysctl fs.file-max",
    errno.EAGAIN: "expected a higher limit of processes: ulimit -u, or pids.max of a container",
    errno.ENOMEM: "expected more free memory",
    errno.ENOENT: "expected it to exist",
}


@contextmanager
def system_errors(doing: str) -> Iterator[None]:
    """Turn any OSError in the block into a UserError; `doing` names what the block does, in a word or two."""
    try:
        yield
    except OSError as error:
        file = f"{error.filename}: " if error.filename else ""
        expected = _EXPECTED.get(error.errno or 0, "expected the system to allow it")
        raise UserError(f"{doing}: {file}{error.strerror or error} ({expected})") from error
