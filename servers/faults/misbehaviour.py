"""Pure functions that determine what a server with faults sends to a client and when, for all transports alike.

Each call of `events_to_send` returns the events after a cursor that a client receives now. The same function serves
polls, with one call for each request, and channels, which call it in a loop.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from contract.faults import Fault, FaultKind

Condition = Literal["intact", "corrupt", "garbled"]

_ByKind = Mapping[FaultKind, Sequence[Fault]]


@dataclass(frozen=True, slots=True)
class SentEvent:
    """One message of a faulty server to a client."""

    seq: int
    """The event that is sent, or that garbled text replaces."""
    condition: Condition
    cursor: int
    """The client's cursor after it: events that were overtaken on purpose are behind this cursor, and not lost."""
    closes: bool
    """Whether the connection is closed after it."""


@dataclass(frozen=True, slots=True)
class Memory:
    """The state that the server keeps of one client between two requests."""

    overtaken: frozenset[int] = frozenset()
    """Events behind the client's cursor that are still to be sent."""
    garbled: frozenset[int] = frozenset()
    """Events that were replaced by garbled text, so that the client may ask for them again."""


def due_wakes_ns(faults: Iterable[Fault], seq: int, due_ns: int) -> set[int]:
    """Return when clients may have to be woken because event `seq`, which was due at `due_ns`, is published."""
    return {due_ns + fault.lasts_ns for fault in faults if fault.kind in ("delay", "stall") and fault.covers(seq)}


def events_to_send(
    faults: Sequence[Fault], memory: Memory, cursor: int, oldest_seq: int, due_ns: Sequence[int], now_ns: float
) -> tuple[list[SentEvent], Memory]:
    """Return the events to send now to the client at `cursor`, in order, and the new memory of the client.

    `faults` are those that concern the client. `due_ns[i]` is when event i + 1 was due, for the published events; those
    from `oldest_seq` on can still be sent. An event after which the connection closes comes last, and a garbled one is
    sent alone, since it garbles a poll's whole reply.
    """
    kinds = _by_kind(faults)
    if _stalled(kinds, due_ns, now_ns):
        return [], memory
    behind = [seq for seq in sorted(memory.overtaken) if oldest_seq <= seq <= cursor]
    pending = [*behind, *range(cursor + 1, len(due_ns) + 1)]
    to_send: list[SentEvent] = []
    garbled = memory.garbled
    waiting: set[int] = set()
    passed: set[int] = set()
    top = cursor
    for unit in _units(kinds, pending, len(due_ns)):
        if not unit.complete or any(_release_ns(kinds, seq, due_ns) > now_ns for seq in unit.seqs):
            waiting.update(unit.seqs)
            continue
        unit_events = _sent_events(kinds, unit, max(top, *unit.seqs), garbled)
        spoilt = {event.seq for event in unit_events if event.condition == "garbled"}
        if spoilt and to_send:
            break
        passed.update(unit.seqs)
        top = max(top, *unit.seqs)
        to_send += unit_events
        garbled |= spoilt
        if spoilt or (unit_events and unit_events[-1].closes):
            break
    reached = to_send[-1].cursor if to_send else cursor
    overtaken = {seq for seq in waiting if seq < reached} | (set(behind) - passed)
    return to_send, Memory(frozenset(overtaken), garbled)


def _by_kind(faults: Sequence[Fault]) -> _ByKind:
    """Group the faults by kind: a client waits while its answer is computed, and most kinds are not used."""
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
    """Return when event `seq` may be sent: of several delays the longest counts."""
    delays_ns = [fault.lasts_ns for fault in faults.get("delay", ()) if fault.covers(seq)]
    return due_ns[seq - 1] + max(delays_ns, default=0)


@dataclass(frozen=True, slots=True)
class _Unit:
    """Events that are sent together, in this order."""

    seqs: tuple[int, ...]
    complete: bool
    """Whether all of them are published; False if one waits for its successor."""


def _units(faults: _ByKind, pending: Sequence[int], last_seq: int) -> Iterator[_Unit]:
    place = 0
    while place < len(pending):
        seq = pending[place]
        if not _applies(faults, "reorder", seq) or any(_applies(faults, "garble", each) for each in (seq, seq + 1)):
            # What is garbled is sent alone, and so keeps its place.
            yield _Unit((seq,), complete=True)
        elif seq == last_seq:
            yield _Unit((seq,), complete=False)
        elif place + 1 < len(pending) and pending[place + 1] == seq + 1:
            yield _Unit((seq + 1, seq), complete=True)
            place += 1
        else:
            yield _Unit((seq,), complete=True)  # its successor has been sent already
        place += 1


def _sent_events(faults: _ByKind, unit: _Unit, cursor: int, garbled_before: frozenset[int]) -> list[SentEvent]:
    unit_events: list[SentEvent] = []
    for seq in unit.seqs:
        garbled = _applies(faults, "garble", seq)
        if _applies(faults, "drop", seq) or (garbled and seq in garbled_before):
            continue
        condition: Condition = "garbled" if garbled else "corrupt" if _applies(faults, "corrupt", seq) else "intact"
        copies = 2 if _applies(faults, "duplicate", seq) else 1
        unit_events += [SentEvent(seq, condition, cursor, closes=False)] * copies
    if any(_applies(faults, "close", event.seq) for event in unit_events):
        unit_events[-1] = replace(unit_events[-1], closes=True)
    return unit_events


def _applies(faults: _ByKind, kind: FaultKind, seq: int) -> bool:
    return kind in faults and any(fault.covers(seq) for fault in faults[kind])
