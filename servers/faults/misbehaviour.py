"""What a misbehaving server tells a client, and when: pure, for every transport alike.

A client asks with a cursor, again and again; `tell` says what it is told now. The same function serves polls, which
ask over the network, and channels, which ask in a loop on the server.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from contract.faults import Fault, FaultKind

Condition = Literal["intact", "corrupt", "garbled"]

_ByKind = Mapping[FaultKind, Sequence[Fault]]


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that a client is told."""

    seq: int
    """The event that is told, or in whose place something else is."""
    condition: Condition
    cursor: int
    """Where the client stands after it: what was overtaken on purpose lies behind this cursor, and is not lost."""
    closes: bool
    """The connection is closed after it."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered of one client between two questions."""

    overtaken: frozenset[int] = frozenset()
    """Events behind its cursor that it is still to be told."""
    garbled: frozenset[int] = frozenset()
    """Events in whose place it was told something else, so that it may well ask for them again."""


def due_wakes_ns(faults: Iterable[Fault], seq: int, due_ns: int) -> set[int]:
    """When somebody may have to be told something because event `seq`, which was due at `due_ns`, is published."""
    return {due_ns + fault.lasts_ns for fault in faults if fault.kind in ("delay", "stall") and fault.covers(seq)}


def tell(
    faults: Sequence[Fault], memory: Memory, cursor: int, oldest_seq: int, due_ns: Sequence[int], now_ns: float
) -> tuple[list[Told], Memory]:
    """What the client behind `cursor` is told now, in order, and what is remembered of it from here on.

    `faults` are those that concern the client. `due_ns[i]` is when event i + 1 was due, of those that are published;
    those from `oldest_seq` on can still be told. What closes the connection is told last, and what is garbled is told
    alone: a poll's reply is garbled as a whole.
    """
    kinds = _by_kind(faults)
    if _stalled(kinds, due_ns, now_ns):
        return [], memory
    behind = [seq for seq in sorted(memory.overtaken) if oldest_seq <= seq <= cursor]
    pending = [*behind, *range(cursor + 1, len(due_ns) + 1)]
    told: list[Told] = []
    garbled = memory.garbled
    waiting: set[int] = set()
    passed: set[int] = set()
    top = cursor
    for unit in _units(kinds, pending, len(due_ns)):
        if not unit.complete or any(_release_ns(kinds, seq, due_ns) > now_ns for seq in unit.seqs):
            waiting.update(unit.seqs)
            continue
        tellings = _tellings(kinds, unit, max(top, *unit.seqs), garbled)
        spoilt = {telling.seq for telling in tellings if telling.condition == "garbled"}
        if spoilt and told:
            break
        passed.update(unit.seqs)
        top = max(top, *unit.seqs)
        told += tellings
        garbled |= spoilt
        if spoilt or (tellings and tellings[-1].closes):
            break
    reached = told[-1].cursor if told else cursor
    overtaken = {seq for seq in waiting if seq < reached} | (set(behind) - passed)
    return told, Memory(frozenset(overtaken), garbled)


def _by_kind(faults: Sequence[Fault]) -> _ByKind:
    """The faults sorted by kind: a client waits while this is worked out, and most kinds are not asked for."""
    kinds: dict[FaultKind, list[Fault]] = {}
    for fault in faults:
        kinds.setdefault(fault.kind, []).append(fault)
    return kinds


def _stalled(faults: _ByKind, due_ns: Sequence[int], now_ns: float) -> bool:
    for fault in faults.get("stall", ()):
        # Of several stalls in a row the one that began last also ends last.
        latest = min(fault.last_seq or len(due_ns), len(due_ns))
        if latest >= fault.first_seq and now_ns < due_ns[latest - 1] + fault.lasts_ns:
            return True
    return False


def _release_ns(faults: _ByKind, seq: int, due_ns: Sequence[int]) -> int:
    """When event `seq` may be told: of several delays the longest counts."""
    delays_ns = [fault.lasts_ns for fault in faults.get("delay", ()) if fault.covers(seq)]
    return due_ns[seq - 1] + max(delays_ns, default=0)


@dataclass(frozen=True, slots=True)
class _Unit:
    """Events that are told together, in this order."""

    seqs: tuple[int, ...]
    complete: bool
    """False where one waits for a successor that is not published yet."""


def _units(faults: _ByKind, pending: Sequence[int], last_seq: int) -> Iterator[_Unit]:
    place = 0
    while place < len(pending):
        seq = pending[place]
        if not _applies(faults, "reorder", seq) or any(_applies(faults, "garble", each) for each in (seq, seq + 1)):
            # What is garbled is told alone, and so keeps its place.
            yield _Unit((seq,), complete=True)
        elif seq == last_seq:
            yield _Unit((seq,), complete=False)
        elif place + 1 < len(pending) and pending[place + 1] == seq + 1:
            yield _Unit((seq + 1, seq), complete=True)
            place += 1
        else:
            yield _Unit((seq,), complete=True)  # its successor has been told already
        place += 1


def _tellings(faults: _ByKind, unit: _Unit, cursor: int, garbled_before: frozenset[int]) -> list[Told]:
    tellings: list[Told] = []
    for seq in unit.seqs:
        garbled = _applies(faults, "garble", seq)
        if _applies(faults, "drop", seq) or (garbled and seq in garbled_before):
            continue
        condition: Condition = "garbled" if garbled else "corrupt" if _applies(faults, "corrupt", seq) else "intact"
        copies = 2 if _applies(faults, "duplicate", seq) else 1
        tellings += [Told(seq, condition, cursor, closes=False)] * copies
    if any(_applies(faults, "close", telling.seq) for telling in tellings):
        tellings[-1] = replace(tellings[-1], closes=True)
    return tellings


def _applies(faults: _ByKind, kind: FaultKind, seq: int) -> bool:
    return kind in faults and any(fault.covers(seq) for fault in faults[kind])
