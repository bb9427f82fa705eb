"""What a fabricated trial records of its sockets, processes and clocks."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from contract.records import (
    Clients,
    ClockPairs,
    Deliveries,
    Ints,
    LoopLag,
    Outcome,
    Requests,
    SampleRole,
    Samples,
    Sockets,
    SocketStage,
)

NS_PER_S = 1_000_000_000
REALTIME_OFFSET_NS = 1_700_000_000_000_000_000
CLOCK_DRIFT = 5e-6
AFTERWARDS_NS = 60 * NS_PER_S
"""Everything is over by then."""


def sockets(
    requests: Requests,
    deliveries: Deliveries,
    frame_bytes: tuple[Ints, Ints],
    stage_times_ns: dict[SocketStage, Ints],
    tcp_info: bool,
) -> Sockets:
    """Counters of clients 0, 1, … at the times of each stage.

    `frame_bytes` is what each delivery cost up and down outside of any request. Every request is one segment each
    way, and every delivery outside of one is a segment down and its ACK up.
    """
    sent = requests.where(requests.outcome != Outcome.SKIPPED)
    answered = sent.where(sent.end_ns > 0)
    frames = (frame_bytes[1] > 0).astype(np.int64)
    no, one = np.zeros(len(requests), dtype=np.int64), np.ones(len(requests), dtype=np.int64)
    flows: list[tuple[Ints, Ints, list[Ints]]] = [
        (sent.client, sent.start_ns, [sent.up_bytes, no[: len(sent)], one[: len(sent)], no[: len(sent)]]),
        (
            answered.client,
            answered.end_ns,
            [no[: len(answered)], answered.down_bytes, no[: len(answered)], one[: len(answered)]],
        ),
        (deliveries.client, deliveries.user_ns, [*frame_bytes, frames, frames]),
    ]
    rows = []
    for stage, at_ns in stage_times_ns.items():
        counters = [
            sum(
                (
                    _per_client(client, amounts[column] * (time_ns <= at_ns[client]), len(at_ns))
                    for client, time_ns, amounts in flows
                ),
                start=np.zeros(len(at_ns), dtype=np.int64),
            )
            for column in range(4)
        ]
        if not tcp_info:
            counters[2:] = [np.full(len(at_ns), -1)] * 2
        rows.append(np.stack([np.arange(len(at_ns)), np.full(len(at_ns), stage), at_ns, *counters], axis=1))
    return Sockets.from_rows(np.concatenate(rows).ravel())


def stage_times_ns(clients: Clients, window_ns: tuple[int, int]) -> dict[SocketStage, Ints]:
    """When each client's counters were read: one microsecond after the other, as no reader is at once everywhere."""
    return {
        SocketStage.SET_UP: clients.ready_ns,
        SocketStage.WINDOW_START: window_ns[0] + clients.client * 1000,
        SocketStage.WINDOW_END: window_ns[1] + clients.client * 1000,
        SocketStage.CLOSED: np.full(len(clients), window_ns[1] + AFTERWARDS_NS),
    }


def samples(
    times_ns: tuple[int, int, int, int],
    cpu_ratios: dict[SampleRole, float],
    server_work: list[tuple[Ints, float]],
    others_ratio: float,
    stolen_ratio: float,
    waited_ratio: float,
    throttled_ratio: float,
) -> Samples:
    """Steady use of the CPU, the server's work on top, theft and waits, read 5 times a second and at the window's ends.

    `times_ns` are when readings begin, both ends of the window, and when readings end.
    """
    from_ns, *window_ns, until_ns = times_ns
    at_ns = np.union1d(np.arange(from_ns, until_ns, NS_PER_S // 5), window_ns)

    def work_ns(role: SampleRole, at: int) -> int:
        done = server_work if role == SampleRole.SERVER else []
        return round(sum(np.count_nonzero(when_ns <= at) * cost_ns for when_ns, cost_ns in done if cost_ns))

    cores = {SampleRole.SERVER: (SampleRole.SERVER,)}
    beside = (SampleRole.LOAD, SampleRole.RELAY)

    def used_ns(role: SampleRole, at: int) -> int:
        return round((at - from_ns) * cpu_ratios.get(role, 0.0)) + work_ns(role, at)

    rows = [
        (
            int(at),
            int(role),
            used_ns(role, int(at)),
            (60 + 10 * int(role)) << 20,
            sum(used_ns(each, int(at)) for each in cores.get(role, beside)) + round((int(at) - from_ns) * others_ratio),
            round((int(at) - from_ns) * stolen_ratio),
            round((int(at) - from_ns) * waited_ratio),
            round((int(at) - from_ns) * throttled_ratio),
        )
        for at in at_ns
        for role in cpu_ratios
    ]
    return Samples.from_rows(np.asarray(rows, dtype=np.int64), worker=0)


def to_realtime(monotonic_ns: Ints) -> Ints:
    """The other clock, which drifts against ours."""
    drift_ns: npt.NDArray[np.float64] = np.rint(np.fmod(monotonic_ns, 10**15) * CLOCK_DRIFT)
    realtime: Ints = monotonic_ns + REALTIME_OFFSET_NS + drift_ns.astype(np.int64)
    return realtime


def clock_pairs(from_ns: int, until_ns: int) -> ClockPairs:
    """Both clocks, once a second."""
    monotonic_ns = np.arange(from_ns, until_ns + AFTERWARDS_NS, NS_PER_S)
    return ClockPairs(
        monotonic_ns, to_realtime(monotonic_ns), np.full_like(monotonic_ns, 200), np.zeros_like(monotonic_ns)
    )


def loop_lag(from_ns: int, until_ns: int, lag_ms: float) -> LoopLag:
    """A timer that is always equally late."""
    at_ns = np.arange(from_ns, until_ns, NS_PER_S // 10)
    return LoopLag(at_ns, np.full_like(at_ns, round(lag_ms * 1e6)), np.zeros_like(at_ns))


def _per_client(client: Ints, amounts: Ints, clients: int) -> Ints:
    return np.rint(np.bincount(client, weights=amounts, minlength=clients)).astype(np.int64)
