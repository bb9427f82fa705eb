"""What the server knows of a run, as reports are held against it."""

from __future__ import annotations

import pytest

from classroom.joining.report_evidence import RunEvidence
from classroom.lanes.accounts import Accounts, Request
from classroom.published_events import RecordingLog

pytestmark = pytest.mark.clocks

ME = 7


def made() -> tuple[Accounts, RunEvidence]:
    log, accounts = RecordingLog(), Accounts()
    accounts.begin()
    for seq in range(1, 11):
        log.append(seq * 1000, seq * 1000 + 5, "")
    return accounts, RunEvidence(log, accounts)


def test_only_what_is_published_is_known() -> None:
    _, evidence = made()
    assert evidence.published(1) == (1000, 1005)
    assert evidence.published(10) == (10_000, 10_005)
    assert [evidence.published(seq) for seq in (0, -1, 11, 2**60)] == [None] * 4


def test_a_channels_event_was_sent_after_it_was_published() -> None:
    accounts, evidence = made()
    assert evidence.sent_after_ns(ME, "sse", 1) is None
    accounts.wrote(ME, 1, 3, 10, 3100)
    accounts.wrote(ME, 1, 3, 10, 3900)
    assert evidence.sent_after_ns(ME, "sse", 3) == 3005
    accounts.wrote(ME, 1, 1, 10, 4000)
    assert [evidence.sent_after_ns(ME, "sse", seq) for seq in (1, 2, 3, 4)] == [1005, None, 3005, None]
    assert evidence.sent_after_ns(ME, "websocket", 3) is None
    assert evidence.sent_after_ns(ME + 1, "sse", 3) is None


def test_a_polls_event_was_sent_after_the_poll_had_arrived_however_late_that_is_recorded() -> None:
    accounts, evidence = made()
    for n, arrived_ns, seqs in ((1, 3500, [1, 3]), (2, 3700, [3]), (3, 3800, [4])):
        request = Request(n, accounts.run, arrived_ns)
        accounts.arrived(ME, 3, request)
        accounts.answered(ME, 3, request, 200, 9_000_000)
        for seq in seqs:
            accounts.wrote(ME, 3, seq, 10, 9_000_000)
        request.seqs.extend(seqs)
    assert [evidence.sent_after_ns(ME, "short_poll", seq) for seq in (1, 2, 3, 4)] == [3500, None, 3500, 4005]


def test_missed_is_what_lies_between_and_was_never_written() -> None:
    accounts, evidence = made()
    assert evidence.missed(ME, "long_poll") == 0
    for seq in (2, 3, 6, 3, 9):
        accounts.wrote(ME, 2, seq, 10, 1)
    assert evidence.missed(ME, "long_poll") == 4
    accounts.wrote(ME, 2, 4, 10, 1)
    assert evidence.missed(ME, "long_poll") == 3
    evidence.forget(ME)
    assert evidence.missed(ME, "long_poll") == 3
