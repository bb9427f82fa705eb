from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from analysis.report.tables import split_table
from analysis.summary.pooling import pool
from analysis.trial import queueing
from analysis.trial.measures import measure
from analysis.trial.queueing import HOP_NS, NotQueued, Queued, idle_ratio, split_mean_ms
from contract.parameters import required
from contract.records import (
    Deliveries,
    Ints,
    JsonObject,
    Outcome,
    RequestKind,
    Requests,
    SampleRole,
    Samples,
    Trial,
)
from tests import queue_simulation
from tests.analysis import made_summary as made
from tests.fabricate import ECHO, SMALL, first_trial, style, trial_info
from tests.fabricate_trial import Faults

MS = 1_000_000
QUIET = dataclasses.replace(SMALL, noise_ms=0.0, measured_s=4.0)
BARE = Faults(kernel_stamps=False, spin_cpu_us=0.0, publish_lag_ms=0.0)
ANSWER_NS, WAKING_RATIO, READ_NS = 2_000_000, 0.25, 300_000


def polled(transport: str) -> Trial:
    """A trial whose server takes 2 ms for an answer and whose load takes 0.3 ms, by a simulation in plain loops."""
    _, trial = first_trial(transport, QUIET, BARE)
    parameters, info = trial.info.parameters, trial.info
    holds = transport == "long_poll"
    one_way_ns = round(parameters.one_way_delay_ms * MS)
    order = np.random.default_rng(info.own_seed)
    planned_ns = (info.t0_ns + trial.clients.phase_ns).tolist()
    polls = trial.requests.where(trial.requests.kind == RequestKind.POLL)
    first_ns = [int(polls.start_ns[polls.client == client].min()) for client in range(parameters.clients)]

    def next_send_ns(client: int, read_ns: int) -> int:
        if holds:
            return read_ns
        planned_ns[client] += round(required(parameters.poll_interval_s) * 1e9)
        return int(max(planned_ns[client], read_ns))

    simulated = queue_simulation.Polling(
        due_ns=trial.published.due_ns.tolist(),
        to_server_ns=one_way_ns + HOP_NS,
        to_client_ns=one_way_ns + HOP_NS,
        answer_ns=ANSWER_NS,
        waking_ns=round(WAKING_RATIO * ANSWER_NS) if holds else 0,
        read_ns=READ_NS,
        hold_ns=round(required(parameters.hold_s) * 1e9) if holds else None,
        until_ns=info.window_end_ns,
        order=lambda clients: order.permutation(clients).tolist(),
        next_send_ns=next_send_ns,
    )
    simulated.run(first_ns if holds else planned_ns.copy())
    client, seq = (column + [0, 1][place] for place, column in enumerate(np.asarray(list(simulated.arrivals_ns)).T))
    arrival_ns = np.asarray(list(simulated.arrivals_ns.values()))
    rows = [
        (number, RequestKind.POLL, sent_ns, sent_ns, end_ns, Outcome.ANSWERED, 200, 1, 120, 150)
        for number, all_sent_ns in simulated.sent_ns.items()
        for sent_ns, end_ns in zip(all_sent_ns, simulated.answers_ns[number], strict=False)
    ]
    requests = Requests.from_rows(np.asarray(rows, dtype=np.int64))
    answered = np.count_nonzero((requests.end_ns >= info.window_start_ns) & (requests.end_ns < info.window_end_ns))
    return dataclasses.replace(
        trial,
        info=trial_info(trial, waking_ratio=WAKING_RATIO if holds else None),
        deliveries=deliveries(trial, client, seq, arrival_ns),
        requests=requests,
        samples=samples(trial, ANSWER_NS * int(answered), READ_NS * int(answered)),
    )


def pushed() -> Trial:
    """A trial whose server takes 2 ms for each delivery."""
    _, trial = first_trial("websocket", QUIET, BARE)
    clients, due_ns = trial.info.parameters.clients, trial.published.due_ns
    left_ns = np.asarray(queue_simulation.in_turn(np.repeat(due_ns, clients).tolist(), ANSWER_NS))
    arrival_ns = left_ns + round(trial.info.parameters.one_way_delay_ms * MS) + HOP_NS
    client, seq = np.tile(np.arange(clients), len(due_ns)), np.repeat(np.arange(1, len(due_ns) + 1), clients)
    window_ns = trial.info.window_start_ns, trial.info.window_end_ns
    came = np.count_nonzero((arrival_ns >= window_ns[0]) & (arrival_ns < window_ns[1]))
    return dataclasses.replace(
        trial,
        deliveries=deliveries(trial, client, seq, arrival_ns),
        samples=samples(trial, ANSWER_NS * int(came), READ_NS * int(came)),
    )


def deliveries(trial: Trial, client: Ints, seq: Ints, arrival_ns: Ints) -> Deliveries:
    due_ns = trial.published.due_ns[seq - 1]
    return Deliveries(
        client=client,
        seq=seq,
        due_ns=due_ns,
        published_ns=due_ns,
        kernel_realtime_ns=np.zeros_like(seq),
        user_ns=arrival_ns,
        payload_ok=np.ones_like(seq),
    )


def samples(trial: Trial, server_ns: int, load_ns: int) -> Samples:
    """CPU time that is used up within the window, and nothing else."""
    at_ns = np.asarray([trial.info.window_start_ns, trial.info.window_end_ns])
    zeros = {name: np.zeros(4, dtype=np.int64) for name in Samples.column_names()}
    return Samples(
        **{
            **zeros,
            "at_ns": np.tile(at_ns, 2),
            "role": np.repeat([SampleRole.SERVER, SampleRole.LOAD], 2),
            "cpu_ns": np.asarray([0, server_ns, 0, load_ns]),
        }
    )


@pytest.mark.parametrize("transport", ["websocket", "long_poll", "short_poll"])
def test_dictated_service_times_are_found_and_explain_every_figure(transport: str) -> None:
    trial = pushed() if transport == "websocket" else polled(transport)
    measures = measure(trial, style(transport))
    point = pool([measures], style(transport))
    model, latency = point["queue_model"], measures.latency_ms
    assert latency is not None
    assert (model["answer_us"], model["read_us"]) == (2000, 300)
    assert model["waking_us"] == (500 if transport == "long_poll" else 0)
    for name in ("mean", "p50", "p95", "p99"):
        assert model[f"{name}_ms"] == pytest.approx(latency[name])
    assert model["requests_per_event"] == point["requests_per_event"]
    split = point["latency_split_ms"]
    assert split["unexplained"] == 0
    assert split["queueing"] > 1
    assert split["network"] == point["model"]["mean_ms"]
    assert sum(split.values()) == pytest.approx(latency["mean"], abs=1e-9)


def test_a_relay_is_another_hop_each_way() -> None:
    trial, kind = pushed(), style("websocket")
    relayed = dataclasses.replace(trial, info=trial_info(trial, relay={"lateness_us": {"mean": 1}}))
    means_ms = [pool([measure(each, kind)], kind)["queue_model"]["mean_ms"] for each in (trial, relayed)]
    assert means_ms[1] - means_ms[0] == pytest.approx(HOP_NS / MS)


def test_what_the_server_uses_while_nothing_happens_is_no_part_of_an_answer() -> None:
    trial, kind = pushed(), style("websocket")
    # Of the server a sample every 0.1 s: 2 % of a core throughout, and 2 ms more for each delivery as it leaves.
    at_ns = np.append(
        np.arange(trial.info.window_start_ns, trial.info.window_end_ns, 100 * MS), trial.info.window_end_ns
    )
    left_ns = np.sort(trial.deliveries.user_ns) - round(trial.info.parameters.one_way_delay_ms * MS)
    server_ns = (at_ns - at_ns[0]) // 50 + ANSWER_NS * np.searchsorted(left_ns, at_ns, side="right")
    load = trial.samples.where(trial.samples.role == SampleRole.LOAD)
    columns = {name: np.append(np.zeros(len(at_ns), dtype=np.int64), getattr(load, name))
               for name in Samples.column_names()}  # fmt: skip
    columns |= {
        "at_ns": np.append(at_ns, load.at_ns),
        "role": np.append(np.full(len(at_ns), SampleRole.SERVER), load.role),
        "cpu_ns": np.append(server_ns, load.cpu_ns),
    }
    sampled = dataclasses.replace(trial, samples=Samples(**columns))
    assert idle_ratio(sampled) == pytest.approx(0.02)
    assert idle_ratio(trial) == 0, "two samples with a stream between them say nothing of it"
    point = pool([measure(sampled, kind)], kind)
    assert point["queue_model"]["answer_us"] == pytest.approx(2000, rel=0.02)
    plain = pool([measure(trial, kind)], kind)
    assert point["queue_model"]["mean_ms"] == pytest.approx(plain["queue_model"]["mean_ms"], rel=0.02)


def test_round_trips_have_queues_too() -> None:
    _, trial = first_trial("echo_post", dataclasses.replace(QUIET, transports=ECHO))
    point = pool([measure(trial, style("echo_post"))], style("echo_post"))
    assert point["queue_model"]["reason"] is None
    assert point["latency_split_ms"]["queueing"] > 0


def test_a_split_adds_up_to_the_mean() -> None:
    split = split_mean_ms(26.3, 25.0, 26.1)
    assert split == pytest.approx({"network": 25.0, "queueing": 1.1, "unexplained": 0.2})
    assert split_mean_ms(26.3, 25.0, None) == {"network": 25.0, "queueing": None, "unexplained": None}
    assert split_mean_ms(None, 25.0, 26.0) == {"network": 25.0, "queueing": 1.0, "unexplained": None}


def without(trial: Trial, role: SampleRole) -> Trial:
    return dataclasses.replace(trial, samples=trial.samples.where(trial.samples.role != role))


def with_workers(trial: Trial) -> Trial:
    return dataclasses.replace(
        trial, info=trial_info(trial, parameters=trial.info.parameters.replace(server_processes=2))
    )


def test_where_something_is_not_known_the_reason_stands_in_the_place_of_the_queue(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trial, kind = polled("long_poll"), style("long_poll")
    unmeasured = dataclasses.replace(trial, info=trial_info(trial, waking_ratio=None))
    for changed, reason in (
        (without(trial, SampleRole.SERVER), "CPU time of the server is not known"),
        (without(trial, SampleRole.LOAD), "CPU time of the load is not known"),
        (with_workers(trial), "the server has 2 processes"),
        (unmeasured, "was not measured"),
    ):
        point = pool([measure(changed, kind)], kind)
        assert reason in point["queue_model"]["reason"]
        assert {value for name, value in point["queue_model"].items() if name != "reason"} == {None}
        assert point["latency_split_ms"] == {
            "network": point["model"]["mean_ms"], "queueing": None, "unexplained": None,
        }  # fmt: skip
    monkeypatch.setattr(queueing, "MOST_REQUESTS", 3)
    few = measure(trial, kind).queued
    assert isinstance(few, NotQueued)
    assert few.reason == "its clients send more than 3 requests in the measured window"
    assert isinstance(measure(pushed(), style("websocket")).queued, Queued), "a push sends none"


def test_one_trial_that_is_not_known_leaves_its_point_without_a_queue() -> None:
    trial, kind = polled("long_poll"), style("long_poll")
    known, unknown = measure(trial, kind), measure(without(trial, SampleRole.SERVER), kind)
    assert pool([known, known], kind)["queue_model"]["reason"] is None
    assert "server" in pool([known, unknown], kind)["queue_model"]["reason"]


def split_point(reason: str | None) -> JsonObject:
    entry = made.point("long_poll", 36.0, 9.0)
    queued = None if reason else 38.0
    entry["queue_model"] |= {"mean_ms": queued, "p95_ms": queued, "p99_ms": queued, "reason": reason}
    entry["latency_split_ms"] = dict(split_mean_ms(entry["latency_ms"]["mean"], entry["model"]["mean_ms"], queued))
    return entry


def test_the_report_shows_the_parts_of_every_mean() -> None:
    table = split_table(made.results(made.summary([split_point(None)]), made.BASE))
    assert table is not None
    ((name, *cells),) = table.rows
    assert str(name) == "Long poll"
    assert [str(cell) for cell in cells[:4]] == ["36.7", "36.0", "2.00", "−1.28"]
    assert str(cells[5]) == "70.2 / 38.0 / 68.4"


def test_the_report_says_why_a_mean_has_no_queueing() -> None:
    table = split_table(made.results(made.summary([split_point("the CPU time of the server is not known")]), made.BASE))
    assert table is not None
    ((_, *cells),) = table.rows
    assert [str(cell) for cell in cells[1:4]] == ["36.0", "—", "— the CPU time of the server is not known"]
    earlier = made.point("websocket", 25.0, 0.0)
    assert split_table(made.results(made.summary([earlier]), made.BASE)) is None
