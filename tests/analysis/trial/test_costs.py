from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from analysis.trial.costs import count_bytes, count_requests, processor_use, setup_bytes, setup_ms
from contract.records import Outcome, RequestKind, SampleRole, SocketStage
from tests.fabricate import ECHO, Fabrication, fabricate_planned, first_trial, style, trial_info
from tests.fabricate_trial import (
    EMPTY_REPLY_BYTES,
    FRAME_BYTES,
    HANDSHAKE_DOWN_BYTES,
    HANDSHAKE_UP_BYTES,
    POLL_UP_BYTES,
    Faults,
)

NOISELESS = Fabrication(intervals_s=(), rates_per_s=(), noise_ms=0.0)
QUICK_POLLS = Fabrication(intervals_s=(), rates_per_s=(), noise_ms=0.0, one_way_delay_ms=800.0)


def test_short_polls_of_the_window_are_counted() -> None:
    _, trial = first_trial("short_poll", NOISELESS)
    counts = count_requests(trial, style("short_poll"))
    assert counts.sent == 6 * 8
    assert counts.totals["connects"] == 6
    assert (counts.totals["reconnects"], counts.totals["errors"], counts.totals["handshakes"]) == (0, 0, 0)
    rows = trial.requests
    assert counts.totals["polls"] == int((rows.kind == RequestKind.POLL).sum())


def test_a_poll_that_was_never_sent_is_no_request() -> None:
    # A second's interval and 1.6 s to answer: the client is always behind.
    _, trial = first_trial("short_poll", QUICK_POLLS)
    counts = count_requests(trial, style("short_poll"))
    assert counts.totals["skipped"] == int((trial.requests.outcome == Outcome.SKIPPED).sum()) > 0
    assert counts.sent == pytest.approx(6 * 8 / 1.6, abs=6)


def test_a_connection_for_every_poll_is_no_reconnect_where_none_is_kept() -> None:
    _, trial = first_trial("short_poll", NOISELESS)
    polls = trial.requests.where(trial.requests.kind == RequestKind.POLL)
    connects = dataclasses.replace(polls, kind=np.full(len(polls), RequestKind.CONNECT))
    requests = type(polls)(
        **{n: np.concatenate([getattr(polls, n), getattr(connects, n)]) for n in polls.column_names()}
    )
    for keep_alive, reconnects in ((True, len(polls) - 6), (False, 0)):
        info = dataclasses.replace(trial.info, parameters=trial.info.parameters.replace(keep_alive=keep_alive))
        changed = dataclasses.replace(trial, info=info, requests=requests)
        assert count_requests(changed, style("short_poll")).totals["reconnects"] == reconnects


def test_failures_are_counted() -> None:
    _, trial = first_trial("short_poll", NOISELESS, Faults(failed_polls=3))
    assert count_requests(trial, style("short_poll")).totals["errors"] == 3


def test_a_connection_for_every_post_is_no_reconnect() -> None:
    fabrication = Fabrication(transports=ECHO, intervals_s=(), rates_per_s=(), arrival="periodic", noise_ms=0.0)
    _, trial = first_trial("echo_post_new", fabrication)
    connects = trial.requests.where(trial.requests.kind == RequestKind.POST)
    more = dataclasses.replace(connects, kind=np.full(len(connects), RequestKind.CONNECT))
    joined = {n: np.concatenate([getattr(t, n) for t in (connects, more)]) for n in connects.column_names()}
    trial = dataclasses.replace(trial, requests=type(connects)(**joined))
    assert count_requests(trial, style("echo_post_new")).totals["reconnects"] == 0
    assert count_requests(trial, style("echo_post")).totals["reconnects"] == len(connects) - 6


def test_a_channels_bytes_are_payload_and_framing() -> None:
    _, trial = first_trial("websocket", NOISELESS)
    counted = count_bytes(trial, style("websocket"))
    assert counted is not None
    assert counted.up == 0
    assert counted.down - counted.payload == FRAME_BYTES * counted.deliveries
    # One segment down and its ACK up for each.
    assert counted.tcp_ip == 2 * 52 * counted.deliveries


def test_a_segment_of_ip_version_6_has_twenty_bytes_more() -> None:
    _, trial = first_trial("websocket", NOISELESS)
    six = dataclasses.replace(trial, info=trial_info(trial, capabilities={**trial.info.capabilities, "ip_version": 6}))
    counted = count_bytes(six, style("websocket"))
    assert counted is not None
    assert counted.tcp_ip == 2 * 72 * counted.deliveries


def test_an_echos_payload_travels_twice() -> None:
    fabrication = Fabrication(transports=ECHO, intervals_s=(), rates_per_s=(), arrival="periodic", noise_ms=0.0)
    _, trial = first_trial("echo_websocket", fabrication)
    counted = count_bytes(trial, style("echo_websocket"))
    assert counted is not None
    assert counted.up == counted.down
    assert counted.up + counted.down - counted.payload == 2 * FRAME_BYTES * counted.deliveries


def test_what_empty_polls_cost_is_told_apart() -> None:
    fabrication = dataclasses.replace(NOISELESS, intervals_s=(0.1,))
    planned = next(p for p in fabrication.plan() if p.parameters.poll_interval_s == 0.1)
    trial = fabricate_planned(planned, fabrication, Faults())
    readings = trial.sockets.at_ns[trial.sockets.stage == SocketStage.WINDOW_START]
    empty = trial.requests.where(trial.requests.outcome == Outcome.EMPTY)
    since_ns = empty.start_ns - readings[empty.client]
    in_window = int(((since_ns > 0) & (since_ns <= trial.info.window_end_ns - trial.info.window_start_ns)).sum())
    counted = count_bytes(trial, style("short_poll"))
    assert counted is not None
    assert in_window > 0
    assert counted.empty_polls == in_window * (POLL_UP_BYTES + EMPTY_REPLY_BYTES)


def test_segments_that_nobody_counted_are_not_zero() -> None:
    _, trial = first_trial("websocket", NOISELESS, Faults(tcp_info=False))
    counted = count_bytes(trial, style("websocket"))
    assert counted is not None
    assert counted.tcp_ip is None
    assert counted.down > 0


def test_bytes_that_nobody_read_are_not_zero() -> None:
    _, trial = first_trial("websocket", NOISELESS)
    trial = dataclasses.replace(trial, sockets=trial.sockets.where(trial.sockets.client < 0))
    assert count_bytes(trial, style("websocket")) is None


def test_set_up_is_reported_apart() -> None:
    _, trial = first_trial("websocket", NOISELESS)
    assert setup_bytes(trial).tolist() == [HANDSHAKE_UP_BYTES + HANDSHAKE_DOWN_BYTES] * 6
    assert setup_ms(trial) == pytest.approx(np.full(6, 100.5))


def test_cpu_is_that_of_the_window_without_idle_spinning() -> None:
    longer = dataclasses.replace(NOISELESS, warm_up_s=1.33)
    _, trial = first_trial("websocket", longer, Faults(server_cpu_ratio=0.4, spin_cpu_us=700.0, load_cpu_ratio=0.6))
    server, load = processor_use(trial, SampleRole.SERVER), processor_use(trial, SampleRole.LOAD)
    assert server is not None and load is not None
    events = int((trial.published.due_ns >= trial.info.window_start_ns).sum())
    assert len(trial.published) * 8.0 != events * 9.33, "spin is spent by the event and not by the second"
    assert [server.ratio, load.ratio] == pytest.approx([0.4, 0.6])
    assert load.cpu_ns == pytest.approx(0.6 * 8e9)
    assert (server.rss_bytes, load.rss_bytes) == (60 << 20, 70 << 20)


def test_cpu_is_a_share_of_what_the_host_of_a_virtual_machine_left() -> None:
    _, trial = first_trial("websocket", NOISELESS, Faults(server_cpu_ratio=0.6, spin_cpu_us=0.0, stolen_ratio=0.25))
    server = processor_use(trial, SampleRole.SERVER)
    assert server is not None
    assert server.ratio == pytest.approx(0.8)
    assert server.stolen_ratio == pytest.approx(0.25)
    assert server.cpu_ns == pytest.approx(0.6 * 8e9), "what was done took no more for it"


def test_a_core_that_was_stolen_altogether_is_no_division_by_zero() -> None:
    _, trial = first_trial("websocket", NOISELESS, Faults(server_cpu_ratio=0.0, spin_cpu_us=0.0, stolen_ratio=1.0))
    server = processor_use(trial, SampleRole.SERVER)
    assert server is not None
    assert server.ratio == 0
    assert server.stolen_ratio == pytest.approx(1.0)


def test_cpu_that_nobody_sampled_is_not_zero() -> None:
    _, trial = first_trial("websocket", dataclasses.replace(NOISELESS, target="http://127.0.0.1:8000"))
    assert processor_use(trial, SampleRole.SERVER) is None


def test_cpu_sampled_over_a_sliver_of_the_window_is_not_known() -> None:
    _, trial = first_trial("websocket", NOISELESS)
    early = trial.samples.where(trial.samples.at_ns < trial.info.window_start_ns + 10**9)
    assert processor_use(dataclasses.replace(trial, samples=early), SampleRole.LOAD) is None
    later = trial_info(trial, window_end_ns=trial.info.window_start_ns + 10**9)
    assert processor_use(dataclasses.replace(trial, samples=early, info=later), SampleRole.LOAD) is not None
