"""The syntax of `--fault`: a kind of misbehaviour, the events it affects, and the client.

SPEC  = KIND ":" KEY "=" VALUE {"," KEY "=" VALUE}
seq   = N or N-M: these events, numbered from 1 (a delay without it affects every event)
client= N: only this client (servers/faults/client_numbers.py says how clients are numbered); without it, every client
ms    = how long a delay or a stall lasts, 0 < ms <= 60000

drop       never delivered
duplicate  delivered twice
reorder    delivered after its successor (for which it waits)
delay      delivered ms after it was due, which delays nothing else
stall      once it is published, nothing is delivered until ms after it was due
corrupt    delivered with another payload
garble     replaced by text that is not JSON
close      the connection is closed after it; a client that reconnects with a cursor loses nothing
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

FaultKind = Literal["drop", "duplicate", "reorder", "delay", "stall", "corrupt", "garble", "close"]
FAULT_KINDS: tuple[FaultKind, ...] = get_args(FaultKind)

_LASTING: frozenset[FaultKind] = frozenset({"delay", "stall"})
_MAX_MS = 60_000
_MAX_NUMBER = 2**53 - 1
_NUMBER = re.compile(r"[1-9][0-9]{0,15}")
_RANGE = re.compile(r"([1-9][0-9]{0,15})(?:-([1-9][0-9]{0,15}))?")
_MS = re.compile(r"[0-9]{1,5}(\.[0-9]{1,6})?")


class FaultSpecError(ValueError):
    """An invalid fault specification: one sentence with the text, the mistake and the expected form."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One requested misbehaviour."""

    kind: FaultKind
    first_seq: int = 1
    last_seq: int | None = None
    """The last event affected; None: every event from `first_seq` on."""
    client: int | None = None
    """The client affected; None: every client."""
    lasts_ns: int = 0
    """How long a delay or a stall lasts."""

    def covers(self, seq: int) -> bool:
        """Return whether this fault affects the event."""
        return self.first_seq <= seq and (self.last_seq is None or seq <= self.last_seq)

    def concerns(self, client: int) -> bool:
        """Return whether this fault affects the client."""
        return self.client is None or self.client == client

    def __str__(self) -> str:
        """Return the specification in its shortest form; `parse_fault` is the inverse."""
        parts = []
        if self.last_seq is not None:
            parts.append(f"seq={self.first_seq}" + (f"-{self.last_seq}" if self.last_seq != self.first_seq else ""))
        if self.lasts_ns:
            parts.append(f"ms={self.lasts_ns / 1e6:.6f}".rstrip("0").rstrip("."))
        if self.client is not None:
            parts.append(f"client={self.client}")
        return f"{self.kind}:{','.join(parts)}"


def parse_fault(spec: str) -> Fault:
    """Parse a fault specification; raise FaultSpecError if it is invalid."""
    kind = next((kind for kind in FAULT_KINDS if kind == spec.partition(":")[0]), None)
    if kind is None:
        raise _error(spec, f"its kind is not one of {', '.join(FAULT_KINDS)}")
    allowed = ("seq", "ms", "client") if kind in _LASTING else ("seq", "client")
    values = _values(spec, allowed)
    first_seq, last_seq = _seqs(spec, values["seq"]) if "seq" in values else (1, None)
    if last_seq is None and kind != "delay":
        raise _error(spec, "it does not say which events (expected seq=N or seq=N-M)")
    if kind in _LASTING and "ms" not in values:
        raise _error(spec, f"it does not say how long (expected ms=…, up to {_MAX_MS})")
    return Fault(
        kind,
        first_seq,
        last_seq,
        _client(spec, values["client"]) if "client" in values else None,
        _lasts_ns(spec, values["ms"]) if "ms" in values else 0,
    )


def _values(spec: str, allowed: tuple[str, ...]) -> dict[str, str]:
    values: dict[str, str] = {}
    for part in spec.partition(":")[2].split(","):
        key, equals, value = part.partition("=")
        if not equals or key not in allowed:
            raise _error(spec, f"{part!r} is not one of {', '.join(f'{name}=…' for name in allowed)}")
        if key in values:
            raise _error(spec, f"{key} is given twice")
        values[key] = value
    return values


def _seqs(spec: str, value: str) -> tuple[int, int]:
    found = _RANGE.fullmatch(value)
    if found:
        first = int(found[1])
        last = int(found[2] or found[1])
        if first <= last <= _MAX_NUMBER:
            return first, last
    raise _error(spec, f"seq={value} is not a number or range of events, numbered from 1 (expected seq=5 or seq=5-8)")


def _client(spec: str, value: str) -> int:
    if _NUMBER.fullmatch(value) and int(value) <= _MAX_NUMBER:
        return int(value)
    raise _error(spec, f"client={value} is not the number of a client (expected 1 or more)")


def _lasts_ns(spec: str, value: str) -> int:
    lasts_ns = round(float(value) * 1e6) if _MS.fullmatch(value) else 0
    if 0 < lasts_ns <= _MAX_MS * 1_000_000:
        return lasts_ns
    raise _error(spec, f"ms={value} is not a time (expected more than 0 and up to {_MAX_MS})")


def _error(spec: str, trouble: str) -> FaultSpecError:
    return FaultSpecError(
        f"--fault {spec}: {trouble}; for example drop:seq=5 or delay:ms=40 or stall:seq=5,ms=300,client=2"
    )
