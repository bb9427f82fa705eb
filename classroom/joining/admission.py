"""Admission to the class: the check of its code, limits on attempts, and the assignment of transports.

It is pure: times are arguments, in ns of CLOCK_MONOTONIC. The devices themselves are `classroom.lanes.clients`.
"""

from __future__ import annotations

import secrets
from collections import Counter, OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from classroom.refusals import RefusedError

MAX_CODE_CHARACTERS = 40
"""How many characters of a typed code are read."""

_MINUTE_NS = 60_000_000_000
_MAX_ADDRESSES = 1000

Assign = Literal["turns", "all"]
"""One transport per device in turn, or all transports for each device."""


def normalise_code(typed: str) -> str:
    """Return a typed code in capitals, without blanks and dashes."""
    return "".join(character for character in typed[:MAX_CODE_CHARACTERS].upper() if character.isalnum())


def next_transports(assign: Assign, transports: Sequence[str], given: Iterable[Sequence[str]]) -> tuple[str, ...]:
    """Return all transports, or the one that the fewest of the others have, for one more device."""
    if assign == "all":
        return tuple(transports)
    counts = Counter(name for others in given for name in others)
    return (min(transports, key=lambda name: counts[name]),)


@dataclass(slots=True)
class _Attempts:
    """The attempts of one address in the minute that began at `begun_ns`."""

    begun_ns: int
    wrong: int = 0
    right: int = 0


@dataclass(slots=True)
class JoinCodeCheck:
    """Check the code with which devices join, and limit how often each address tries.

    There are 887 million codes: six of 31 characters.
    """

    code: str
    wrong_per_minute: int = 20
    """Limit for one address; beyond it even the right code is refused, so that guessing is hopeless."""
    right_per_minute: int = 240
    """Limit for one address, behind which there may be a whole class."""
    _attempts: OrderedDict[str, _Attempts] = field(default_factory=OrderedDict)

    def check(self, code: str, address: str, now_ns: int) -> None:
        """Raise RefusedError if the code is wrong (403), or the address tries too often (429)."""
        attempts = self._attempts_of(address, now_ns)
        if attempts.wrong >= self.wrong_per_minute:
            raise RefusedError(429, "Too many wrong codes from your address. Wait a minute, then try again.")
        if not secrets.compare_digest(normalise_code(code).encode(), self.code.encode()):
            attempts.wrong += 1
            raise RefusedError(403, "That is not the code of this class. Look at the projector and type it again.")
        if attempts.right >= self.right_per_minute:
            raise RefusedError(429, "Your address joins too often. Wait a minute, then try again.")
        attempts.right += 1

    def _attempts_of(self, address: str, now_ns: int) -> _Attempts:
        attempts = self._attempts.get(address)
        if attempts is None or now_ns - attempts.begun_ns >= _MINUTE_NS:
            attempts = self._attempts[address] = _Attempts(now_ns)
        self._attempts.move_to_end(address)
        if len(self._attempts) > _MAX_ADDRESSES:
            self._attempts.popitem(last=False)
        return attempts
