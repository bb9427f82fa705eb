from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from analysis.trial.lateness import poll_lateness
from analysis.trial.measures import measure
from analysis.trial.validity import LOSES_ON_PURPOSE, PublishedStream, mismatch_reason
from contract.records import RequestKind, Trial
from tests.fabricate import ECHO, Fabrication, first_trial, style, trial_info
from tests.fabricate_trial import Faults

SMALL = Fabrication(intervals_s=(), rates_per_s=(), measured_s=6.0)
ECHOES = dataclasses.replace(SMALL, transports=ECHO, arrival="periodic")


def reasons(transport: str, faults: Faults | None = None) -> tuple[str, ...]:
    _, trial = first_trial(transport, ECHOES if transport in ECHO else SMALL, faults)
    return measure(trial, style(transport)).reasons


def reasons_of(trial: Trial, transport: str = "websocket") -> tuple[str, ...]:
    return measure(trial, style(transport)).reasons


@pytest.mark.parametrize("transport", ["websocket", "sse", "long_poll", "short_poll", *ECHO])
def test_a_sound_trial_is_valid(transport: str) -> None:
    assert reasons(transport) == ()


@pytest.mark.parametrize(
    ("transport", "faults", "said"),
    [
        ("websocket", Faults(drop=frozenset({(0, 20), (1, 9)})), "2 of * deliveries lost (0 allowed)"),
        ("short_poll", Faults(duplicate=frozenset({(0, 20)})), "1 of * deliveries duplicate"),
        ("sse", Faults(reorder=frozenset({(2, 20)})), "1 of * deliveries reordered"),
        ("long_poll", Faults(corrupt=frozenset({(3, 20)})), "1 of * deliveries corrupt"),
        ("websocket", Faults(server_cpu_ratio=0.95), "the server process used 95% of a core (at most 90%)"),
        ("websocket", Faults(load_cpu_ratio=0.9), "the load process used 90% of a core (at most 85%)"),
        (
            "websocket",
            Faults(load_cpu_ratio=0.8),
            "the load process and the relay, which share a core, used 90% of it together (at most 85%)",
        ),
        (
            "websocket",
            Faults(server_cpu_ratio=0.86, stolen_ratio=0.1, loop_lag_ms=1.0),
            "the server process used 96% of what the machine's host left of a core (at most 90%)",
        ),
        (
            "websocket",
            Faults(publish_lag_ms=6.0, server_cpu_ratio=0.01),
            "events were published 5.98 ms late on average, the worst 6.0 ms (at most 1.75 ms on average)",
        ),
        (
            "websocket",
            Faults(publish_lag_ms=6.0, server_cpu_ratio=0.01, stolen_ratio=0.2),
            "the machine's host took 20% of that core's time, so run again when it is quieter",
        ),
        (
            "websocket",
            Faults(waited_ratio=0.05),
            "while other programs ran on it: 300 ms of the window (at most 120 ms)",
        ),
        (
            "short_poll",
            Faults(poll_lateness_ms=20.0),
            "polls were sent 20.00 ms late on average, the worst 20.0 ms (at most 16.8 ms on average)",
        ),
        ("websocket", Faults(loop_lag_ms=25.0), "timers of the load process fired more than 20 ms late"),
        ("websocket", Faults(client_delay_ms=12.0), "clients read their deliveries 12.0 ms after"),
        (
            "long_poll",
            Faults(client_delay_ms=5.0, load_cpu_ratio=0.001),
            "polls followed an answer 4.* ms late on average",
        ),
        ("short_poll", Faults(failed_polls=2), "2 requests or connections failed (0 allowed)"),
        ("websocket", Faults(end="drain_limit"), "events were missing when the drain limit had passed"),
        ("websocket", Faults(end="server_died"), "the server died"),
        ("websocket", Faults(problems=("the sky fell",)), "the sky fell"),
    ],
)
def test_each_fault_is_named_with_its_amount(transport: str, faults: Faults, said: str) -> None:
    [reason] = reasons(transport, faults)
    before, _, after = said.partition("*")
    assert before in reason and after in reason


@pytest.mark.parametrize(("off_ns", "allowed"), [(256, True), (-1000, True), (1001, False), (-200_000, False)])
def test_due_times_may_be_rounded_as_doubles_are_but_are_the_schedules(off_ns: int, allowed: bool) -> None:
    _, trial = first_trial("websocket")
    moved = dataclasses.replace(trial.deliveries, due_ns=trial.deliveries.due_ns + off_ns)
    found = reasons_of(dataclasses.replace(trial, deliveries=moved))
    assert (found == ()) == allowed
    assert (
        allowed or f"{len(moved)} deliveries say another due time than the schedule, by more than 1,000 ns" in found[0]
    )


@pytest.mark.parametrize(
    ("faults", "excusable", "others"),
    [
        (Faults(server_cpu_ratio=0.95, publish_lag_ms=6.0), 2, 0),
        (Faults(server_cpu_ratio=0.95, load_cpu_ratio=0.9, loop_lag_ms=25.0), 1, 2),
        (Faults(server_cpu_ratio=0.95, drop=frozenset({(0, 20)}), end="drain_limit"), 1, 2),
        (Faults(publish_lag_ms=60.0), 0, 1),
        (Faults(), 0, 0),
    ],
)
def test_an_overload_explains_its_own_reasons_and_no_others(faults: Faults, excusable: int, others: int) -> None:
    _, trial = first_trial("websocket", SMALL, faults)
    found = measure(trial, style("websocket"))
    excused = found.server_reasons if found.overloaded else frozenset()
    assert len(excused) == excusable
    assert len(set(found.reasons) - excused) == others
    assert found.server_reasons <= set(found.reasons)


def test_a_server_that_misbehaved_on_purpose_gives_no_valid_trial() -> None:
    _, trial = first_trial("websocket", SMALL)
    options = trial.info.server_stats.get("options", {}) | {"faults": ["delay:ms=40"]}
    stats = trial.info.server_stats | {"options": options}
    told = dataclasses.replace(trial, info=dataclasses.replace(trial.info, server_stats=stats))
    [reason] = reasons_of(told)
    assert reason.startswith("faults were injected on purpose: delay:ms=40")


def test_thresholds_are_limits_and_not_the_first_value_beyond() -> None:
    just_within = Faults(server_cpu_ratio=0.89, load_cpu_ratio=0.74, publish_lag_ms=1.9, loop_lag_ms=19.9)
    assert reasons("websocket", just_within) == ()


def test_a_hiccup_is_forgiven_and_one_after_the_other_is_not() -> None:
    _, trial = first_trial("websocket", SMALL)
    for late, valid in ((slice(30, 31), True), (slice(None, None, 8), False)):
        published_ns = trial.published.published_ns.copy()
        published_ns[late] += 50_000_000
        published = dataclasses.replace(trial.published, published_ns=published_ns)
        assert (reasons_of(dataclasses.replace(trial, published=published)) == ()) is valid


@pytest.mark.parametrize("transport", ["long_poll", "short_poll", "websocket"])
def test_the_loads_own_work_explains_that_polls_follow_their_answers_late(transport: str) -> None:
    """Where the load has a core's work to do, 5 ms are a result; who polls by a schedule or not at all is not late."""
    load_cpu_ratio = 0.3 if transport == "long_poll" else 0.001
    assert reasons(transport, Faults(client_delay_ms=5.0, load_cpu_ratio=load_cpu_ratio)) == ()


def test_a_poll_that_waited_for_the_answer_before_it_is_not_late() -> None:
    slow = dataclasses.replace(SMALL, one_way_delay_ms=800.0)
    _, trial = first_trial("short_poll", slow)
    assert (trial.requests.start_ns - trial.requests.planned_ns > 0).any()
    assert np.max(poll_lateness(trial).late_ms) == 0


@pytest.mark.parametrize(("begun_late_ms", "late_ms"), [(0, 0), (7, 7)])
def test_what_the_network_takes_for_a_polls_own_connection_is_no_lateness(begun_late_ms: int, late_ms: int) -> None:
    _, trial = first_trial("short_poll", SMALL)
    polls = trial.requests.where(trial.requests.kind == RequestKind.POLL)
    begun_ns = polls.start_ns + begun_late_ms * 1_000_000
    opened_ns = begun_ns + 30_000_000
    connects = dataclasses.replace(
        polls, kind=np.full_like(polls.kind, RequestKind.CONNECT), start_ns=begun_ns, end_ns=opened_ns
    )
    both = dataclasses.replace(polls, start_ns=opened_ns).followed_by(connects)
    lateness = poll_lateness(dataclasses.replace(trial, requests=both))
    assert len(lateness) > 0
    assert np.median(lateness.late_ms) == late_ms


def test_a_message_sent_late_over_the_open_channel() -> None:
    _, trial = first_trial("echo_websocket", ECHOES)
    late = dataclasses.replace(trial.deliveries, published_ns=trial.deliveries.published_ns + 20_000_000)
    [reason] = reasons_of(dataclasses.replace(trial, deliveries=late), "echo_websocket")
    assert reason.startswith("messages were sent 20.00 ms late on average")


def test_a_due_time_that_is_not_the_schedules() -> None:
    _, trial = first_trial("websocket", SMALL)
    due_ns = trial.deliveries.due_ns.copy()
    due_ns[40] += 2_000
    wrong = dataclasses.replace(trial, deliveries=dataclasses.replace(trial.deliveries, due_ns=due_ns))
    assert [r for r in reasons_of(wrong) if r.startswith("1 deliveries say another due time")]


def test_a_client_cut_off() -> None:
    _, trial = first_trial("sse", SMALL)
    cut_off = trial.clients.cut_off.copy()
    cut_off[4] = 1
    clients = dataclasses.replace(trial.clients, cut_off=cut_off)
    [reason] = reasons_of(dataclasses.replace(trial, clients=clients), "sse")
    assert reason.startswith("1 clients cut off")


def test_a_wall_clock_that_was_set() -> None:
    _, trial = first_trial("websocket", SMALL)
    realtime_ns = trial.clock.realtime_ns.copy()
    realtime_ns[4:] += 5_000_000
    stepped = dataclasses.replace(trial, clock=dataclasses.replace(trial.clock, realtime_ns=realtime_ns))
    assert any("the wall clock was set by 5.0 ms" in reason for reason in reasons_of(stepped))


def test_a_relay_that_delays_more_than_asked() -> None:
    _, trial = first_trial("websocket", SMALL)
    for lateness_us, valid in ((900, True), (1900, False), (None, True)):
        info = trial_info(trial, relay={"lateness_us": {"mean": lateness_us, "p50": 10, "p99": 2000}})
        assert (reasons_of(dataclasses.replace(trial, info=info)) == ()) is valid


def test_nothing_arrived_at_all() -> None:
    _, trial = first_trial("websocket", SMALL)
    silent = dataclasses.replace(trial, deliveries=trial.deliveries.where(trial.deliveries.client < 0))
    found = reasons_of(silent)
    assert any("not one measured delivery" in reason for reason in found)
    assert any("lost" in reason for reason in found)


def test_transports_of_a_block_must_have_had_the_same_stream() -> None:
    first = PublishedStream(np.array([1, 2, 3]), np.array([100, 100, 100]), -5, 9)
    same = PublishedStream(np.array([1, 2, 3]), np.array([101, 100, 99]), -5, 9)
    assert mismatch_reason(same, first, "000-websocket") is None
    moved = PublishedStream(np.array([1, 2, 4]), first.event_bytes, -5, 9)
    assert "1 of 3 events due at another time" in str(mismatch_reason(moved, first, "000-websocket"))
    fewer = PublishedStream(np.array([1, 2]), np.array([100, 100]), -5, 9)
    assert "2 events instead of 3" in str(mismatch_reason(fewer, first, "000-websocket"))
    larger = PublishedStream(first.offsets_ns, np.array([200, 100, 100]), -5, 9)
    assert "events of another size" in str(mismatch_reason(larger, first, "000-websocket"))


def test_streams_of_different_warm_ups_are_compared_from_where_both_have_begun() -> None:
    short = PublishedStream(np.array([-3, 1, 2]), np.array([100, 101, 102]), -5, 9)
    longer = PublishedStream(np.array([-17, -9, -3, 1, 2]), np.array([300, 300, 100, 101, 102]), -20, 9)
    assert longer.mismatch(short) is None
    assert short.mismatch(longer) is None
    moved = PublishedStream(np.array([-17, -9, -4, 1, 2]), longer.event_bytes, -20, 9)
    assert moved.mismatch(short) == "1 of 3 events due at another time"
    more = PublishedStream(np.array([-17, -5, -3, 1, 2]), longer.event_bytes, -20, 9)
    assert more.mismatch(short) == "4 events instead of 3"


def test_handshakes_and_connections_are_not_judged_as_polls() -> None:
    _, trial = first_trial("websocket", SMALL)
    assert not (trial.requests.kind == RequestKind.POLL).any()
    assert len(poll_lateness(trial)) == 0


@pytest.mark.parametrize("drop", [frozenset(), frozenset({(0, 20), (1, 9)})])
def test_polls_without_a_cursor_are_never_valid_and_their_losses_are_no_surprise(
    drop: frozenset[tuple[int, int]],
) -> None:
    _, trial = first_trial("long_poll", SMALL, Faults(drop=drop))
    info = dataclasses.replace(trial.info, parameters=trial.info.parameters.replace(cursor=False))
    [reason] = reasons_of(dataclasses.replace(trial, info=info), "long_poll")
    assert reason.startswith(f"{LOSES_ON_PURPOSE} (here {len(drop)} of ")
