"""Who takes part: devices join with the code, get a number that only they know, and are forgotten when they leave.

Pure but for the source of chance: times are given, in ns of CLOCK_MONOTONIC.
"""

from __future__ import annotations

import secrets
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

CODE_ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
"""No I, L, O, 0 or 1: nobody has to ask which one the projector shows."""
CODE_CHARACTERS = 6
MAX_CODE_CHARACTERS = 40
"""What is looked at of a typed code."""
CLIENT_LIMIT = 2**47
"""Client numbers are below: four lanes' numbers still fit what the wire takes."""

_NS_PER_S = 1_000_000_000
_MAX_ADDRESSES = 1000

Assign = Literal["turns", "all"]
"""Each device one transport in turn, or each device all of them."""


class JoinRefusedError(Exception):
    """A device may not join: HTTP status and the sentence it is told."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


def create_code(choose: Callable[[str], str] = secrets.choice) -> str:
    """A code of 6 characters: one of 887 million, guessed at most 20 times a minute from one address."""
    return "".join(choose(CODE_ALPHABET) for _ in range(CODE_CHARACTERS))


def normalise_code(typed: str) -> str:
    """What was meant by a typed code: capitals, no blanks, no dashes."""
    return "".join(character for character in typed[:MAX_CODE_CHARACTERS].upper() if character.isalnum())


def create_client() -> int:
    """A client number that nobody can guess; 0 is none."""
    return secrets.randbelow(CLIENT_LIMIT - 1) + 1


@dataclass(frozen=True, slots=True)
class JoinLimits:
    """How many may join, how often a code may be tried, and how long a silent device is kept."""

    devices: int = 100
    guesses_per_minute: int = 20
    """Of one address; a whole class may sit behind one."""
    joins_per_minute: int = 240
    """Of one address, with the right code."""
    absent_s: float = 45.0
    """A device without an open live channel for so long has left."""


@dataclass(slots=True)
class Device:
    """One phone or laptop that joined."""

    client: int
    name: int
    """What the teacher's page calls it: devices count from 1, and a number is not used twice."""
    transports: tuple[str, ...]
    channels: int = 0
    """Open live channels: more than one while a page reloads."""
    absent_since_ns: int = 0
    """When its last live channel closed (or it joined); of meaning while none is open."""


@dataclass(slots=True)
class _Attempts:
    """What one address tried in the minute that began then."""

    begun_ns: int
    wrong: int = 0
    joined: int = 0


@dataclass(slots=True)
class Roster:
    """All devices of a class, and the only way to become one."""

    code: str
    transports: Sequence[str]
    limits: JoinLimits = field(default_factory=JoinLimits)
    assign: Assign = "turns"
    new_client: Callable[[], int] = create_client
    _devices: dict[int, Device] = field(default_factory=dict)
    _attempts: OrderedDict[str, _Attempts] = field(default_factory=OrderedDict)
    _names: int = 0

    def join(self, code: str, address: str, now_ns: int) -> Device:
        """A new device; JoinRefusedError with 403 (code), 429 (too often) or 503 (class is full)."""
        attempts = self._attempts_of(address, now_ns)
        if attempts.wrong >= self.limits.guesses_per_minute:
            raise JoinRefusedError(429, "Too many wrong codes from your address. Wait a minute, then try again.")
        if not secrets.compare_digest(normalise_code(code).encode(), self.code.encode()):
            attempts.wrong += 1
            raise JoinRefusedError(403, "That is not the code of this class. Look at the projector and type it again.")
        if attempts.joined >= self.limits.joins_per_minute:
            raise JoinRefusedError(429, "Your address joins too often. Wait a minute, then try again.")
        self.expire(now_ns)
        if len(self._devices) >= self.limits.devices:
            raise JoinRefusedError(503, f"The class is full: {self.limits.devices} devices have joined already.")
        attempts.joined += 1
        self._names += 1
        device = Device(self.new_client(), self._names, self._next_transports(), absent_since_ns=now_ns)
        self._devices[device.client] = device
        return device

    def find(self, client: int) -> Device | None:
        """The device with this client number."""
        return self._devices.get(client)

    def opened(self, client: int) -> Device | None:
        """A live channel of this client opened; None where there is no such device."""
        device = self._devices.get(client)
        if device is not None:
            device.channels += 1
        return device

    def closed(self, client: int, now_ns: int) -> None:
        """A live channel of this client closed."""
        device = self._devices.get(client)
        if device is not None:
            device.channels -= 1
            device.absent_since_ns = now_ns

    def expire(self, now_ns: int) -> list[Device]:
        """Forget the devices that left, and say which."""
        limit_ns = now_ns - round(self.limits.absent_s * _NS_PER_S)
        gone = [
            device for device in self._devices.values() if not device.channels and device.absent_since_ns < limit_ns
        ]
        for device in gone:
            del self._devices[device.client]
        return gone

    def reassign(self, assign: Assign) -> None:
        """Hand the transports out anew, to all who are here in the order in which they joined."""
        self.assign = assign
        devices = list(self._devices.values())
        for device in devices:
            device.transports = ()
        for device in devices:
            device.transports = self._next_transports()

    @property
    def here(self) -> list[Device]:
        """The devices with an open live channel."""
        return [device for device in self._devices.values() if device.channels]

    def _next_transports(self) -> tuple[str, ...]:
        """All, or the one that the fewest have: who leaves makes room for the next."""
        if self.assign == "all":
            return tuple(self.transports)
        counts = Counter(name for device in self._devices.values() for name in device.transports)
        return (min(self.transports, key=lambda name: counts[name]),)

    def _attempts_of(self, address: str, now_ns: int) -> _Attempts:
        attempts = self._attempts.get(address)
        if attempts is None or now_ns - attempts.begun_ns >= 60 * _NS_PER_S:
            attempts = self._attempts[address] = _Attempts(now_ns)
        self._attempts.move_to_end(address)
        if len(self._attempts) > _MAX_ADDRESSES:
            self._attempts.popitem(last=False)
        return attempts
