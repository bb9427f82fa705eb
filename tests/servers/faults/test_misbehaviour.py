"""The faults without any server: a client that asks is simulated, with the clock in the test's hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.faults import FAULT_KINDS, Fault, parse_fault
from servers.faults.misbehaviour import Memory, SentEvent, due_wakes_ns, events_to_send

MS = 1_000_000
EVENTS = 12
DUE_NS = [(i + 1) * 10 * MS for i in range(EVENTS)]
END_NS = DUE_NS[-1] + 10_000 * MS


def faults(*specs: str) -> list[Fault]:
    return [parse_fault(spec) for spec in specs]


class Asking:
    """One client that polls: it stands where it was sent, except where it could not read what it was sent."""

    def __init__(self, asked: Sequence[Fault]) -> None:
        self._faults = asked
        self._memory = Memory()
        self.cursor = 0
        self.sent: list[tuple[int, SentEvent]] = []

    def ask(self, now_ns: int) -> list[SentEvent]:
        published = [at_ns for at_ns in DUE_NS if at_ns <= now_ns]
        sent, self._memory = events_to_send(self._faults, self._memory, self.cursor, 1, published, now_ns)
        self.sent += [(now_ns, event) for event in sent]
        if sent and sent[-1].condition != "garbled":
            self.cursor = sent[-1].cursor
        return sent

    def ask_whenever_something_may_be_new(self) -> list[tuple[int, SentEvent]]:
        times = set(DUE_NS)
        for seq, due_ns in enumerate(DUE_NS, start=1):
            times |= due_wakes_ns(self._faults, seq, due_ns)
        for now_ns in sorted(times):
            while self.ask(now_ns):
                pass
        return self.sent

    @property
    def seqs(self) -> list[int]:
        return [event.seq for _, event in self.sent]


def heard(*specs: str) -> Asking:
    client = Asking(faults(*specs))
    client.ask_whenever_something_may_be_new()
    return client


EVERYTHING = list(range(1, EVENTS + 1))


def test_without_a_fault_all_is_sent_in_order() -> None:
    assert heard().seqs == EVERYTHING


def test_what_is_dropped_is_never_sent() -> None:
    assert heard("drop:seq=5", "drop:seq=11-12").seqs == [1, 2, 3, 4, 6, 7, 8, 9, 10]


def test_a_duplicate_is_sent_twice() -> None:
    assert heard("duplicate:seq=3").seqs == [1, 2, 3, *EVERYTHING[2:]]


def test_reordered_events_swap_with_their_neighbour_and_nothing_is_asked_for_twice() -> None:
    client = heard("reorder:seq=5")
    assert client.seqs == [1, 2, 3, 4, 6, 5, 7, 8, 9, 10, 11, 12]
    assert [event.cursor for _, event in client.sent[4:6]] == [6, 6]


def test_an_event_is_not_swapped_twice() -> None:
    assert heard("reorder:seq=1-4").seqs == [2, 1, 4, 3, *EVERYTHING[4:]]


def test_a_delay_of_all_events_is_exact_and_keeps_their_order() -> None:
    client = heard("delay:ms=25")
    assert client.seqs == EVERYTHING
    assert [now_ns for now_ns, _ in client.sent] == [at_ns + 25 * MS for at_ns in DUE_NS]


def test_a_delayed_event_holds_nothing_else_up() -> None:
    client = heard("delay:seq=5,ms=25")
    assert client.seqs == [1, 2, 3, 4, 6, 7, 5, 8, 9, 10, 11, 12]
    times = {event.seq: now_ns for now_ns, event in client.sent}
    assert times == {seq: at_ns + (25 * MS if seq == 5 else 0) for seq, at_ns in enumerate(DUE_NS, start=1)}


def test_of_two_delays_the_longer_counts() -> None:
    times = {event.seq: now_ns for now_ns, event in heard("delay:ms=5", "delay:seq=3,ms=7").sent}
    assert times[2] == DUE_NS[1] + 5 * MS
    assert times[3] == DUE_NS[2] + 7 * MS


def test_a_stall_stops_everything_for_its_time() -> None:
    client = heard("stall:seq=5,ms=25")
    assert client.seqs == EVERYTHING
    times = {event.seq: now_ns for now_ns, event in client.sent}
    over_ns = DUE_NS[4] + 25 * MS
    assert [times[seq] for seq in (4, 5, 6, 7, 8)] == [DUE_NS[3], over_ns, over_ns, over_ns, DUE_NS[7]]


def test_a_garbled_event_is_sent_alone_and_once() -> None:
    client = Asking(faults("garble:seq=5"))
    assert [event.seq for event in client.ask(END_NS)] == [1, 2, 3, 4]
    [garbled] = client.ask(END_NS)
    assert (garbled.seq, garbled.condition) == (5, "garbled")
    assert client.cursor == 4
    assert [event.seq for event in client.ask(END_NS)] == [6, 7, 8, 9, 10, 11, 12]


def test_a_corrupt_event_is_sent_in_its_place() -> None:
    client = heard("corrupt:seq=5")
    assert client.seqs == EVERYTHING
    assert [event.seq for _, event in client.sent if event.condition == "corrupt"] == [5]


def test_what_closes_is_sent_last() -> None:
    client = Asking(faults("close:seq=5"))
    assert [(event.seq, event.closes) for event in client.ask(END_NS)][-2:] == [(4, False), (5, True)]
    assert [event.seq for event in client.ask(END_NS)] == [6, 7, 8, 9, 10, 11, 12]


def test_events_out_of_the_history_are_not_sent() -> None:
    asked = faults("delay:seq=2,ms=500")
    sent, memory = events_to_send(asked, Memory(), 1, 1, DUE_NS, END_NS - 10_000 * MS)
    assert [event.seq for event in sent] == EVERYTHING[2:]
    assert memory.overtaken == {2}
    assert events_to_send(asked, memory, 12, 3, DUE_NS, END_NS) == ([], Memory())


@st.composite
def some_faults(draw: st.DrawFn) -> list[Fault]:
    kinds = draw(st.lists(st.sampled_from(FAULT_KINDS), max_size=5))
    found = []
    for kind in kinds:
        # The last event has no successor to change places with.
        first, last = sorted(draw(st.tuples(st.integers(1, EVENTS - 1), st.integers(1, EVENTS - 1))))
        lasts_ns = draw(st.integers(1, 60)) * MS if kind in ("delay", "stall") else 0
        found.append(Fault(kind, first, last, None, lasts_ns))
    return found


@given(some_faults(), st.lists(st.integers(0, END_NS), max_size=30))
def test_whenever_a_client_asks_it_is_sent_exactly_what_was_asked_for(asked: list[Fault], times: list[int]) -> None:
    def under(kind: str, seq: int) -> bool:
        return any(fault.kind == kind and fault.covers(seq) for fault in asked)

    client = Asking(asked)
    for now_ns in sorted(times):
        client.ask(now_ns)
    while client.ask(END_NS) or client.ask(END_NS):
        pass
    expected = Counter[tuple[int, str]]()
    for seq in EVERYTHING:
        condition = "garbled" if under("garble", seq) else "corrupt" if under("corrupt", seq) else "intact"
        if not under("drop", seq):
            expected[seq, condition] = 2 if under("duplicate", seq) else 1
    assert Counter((event.seq, event.condition) for _, event in client.sent) == expected
    delays = [(fault, fault.lasts_ns) for fault in asked if fault.kind == "delay"]
    for now_ns, event in client.sent:
        longest_ns = max((ns for fault, ns in delays if fault.covers(event.seq)), default=0)
        assert now_ns >= DUE_NS[event.seq - 1] + longest_ns


@pytest.mark.parametrize("spec", ["delay:ms=25", "delay:seq=5,ms=25", "stall:seq=5,ms=25"])
def test_who_waits_is_woken_when_there_is_something_to_tell(spec: str) -> None:
    """A client that asks only when woken is sent each event as early as one that asks all the time."""
    woken, restless = heard(spec), Asking(faults(spec))
    for now_ns in range(0, DUE_NS[-1] + 100 * MS, MS):
        restless.ask(now_ns)
    assert woken.sent == restless.sent
