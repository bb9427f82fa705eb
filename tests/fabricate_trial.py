"""One trial as the load side would record it, computed instead of measured; faults are dictated."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from contract.parameters import required
from contract.records import (
    NO_TIME_NS,
    Clients,
    Deliveries,
    Ints,
    Outcome,
    PlannedTrial,
    Published,
    RequestKind,
    Requests,
    SampleRole,
    Trial,
    TrialInfo,
)
from contract.stream import StreamSpec, due_offsets_ns, payloads
from contract.transports import TransportStyle
from contract.wire import Event, encode_event
from tests import fabricate_machine, simulation

NS_PER_S = 1_000_000_000
T0_NS = 5_000_000_000_000
FIRST_ASK_BEFORE_START_NS = 100_000_000
HANDSHAKE_UP_BYTES, HANDSHAKE_DOWN_BYTES = 180, 130
POLL_UP_BYTES, REPLY_HEADER_BYTES, EMPTY_REPLY_BYTES = 120, 150, 90
FRAME_BYTES = 4


@dataclass(frozen=True)
class Faults:
    """What goes wrong in a trial, and what its machine is like; (client, seq) names a delivery."""

    drop: frozenset[tuple[int, int]] = frozenset()
    duplicate: frozenset[tuple[int, int]] = frozenset()
    reorder: frozenset[tuple[int, int]] = frozenset()
    """Handed over in the place of its successor, and the successor in its place."""
    corrupt: frozenset[tuple[int, int]] = frozenset()
    delay_ms: Mapping[tuple[int, int], float] = field(default_factory=dict)
    """Added to one delivery (and to whatever it holds up behind it)."""
    extra_latency_ms: float = 0.0
    """Added to every delivery."""
    publish_lag_ms: float = 0.02
    shift_event_ms: float = 0.0
    """Moves the first event of the measured window: another stream than the other transports had."""
    poll_lateness_ms: float = 0.0
    loop_lag_ms: float = 0.1
    client_delay_ms: float = 0.05
    server_cpu_ratio: float = 0.2
    load_cpu_ratio: float = 0.3
    spin_cpu_us: float = 400.0
    """What the publisher spins away before each event."""
    poll_cpu_us: float = 0.0
    """What a poll takes of the server beyond `server_cpu_ratio`, when it is answered."""
    event_cpu_us: float = 0.0
    """What an event takes of it beyond that, for each client that it is sent to."""
    others_ratio: float = 0.01
    """Of both cores' time, which other programs used."""
    stolen_ratio: float = 0.0
    """Of both cores' time."""
    waited_ratio: float = 0.005
    """Of the time, in which server and load wait for their cores."""
    throttled_ratio: float = 0.0
    """Of the time, added up over cores: how long a CPU quota made all processes wait."""
    kernel_stamps: bool = True
    missing_stamps: int = 0
    """That many first deliveries have no kernel stamp."""
    tcp_info: bool = True
    failed_polls: int = 0
    """That many first polls end in a bad status."""
    end: str = "complete"
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Stream:
    due_ns: Ints
    published_ns: Ints
    event_bytes: Ints


@dataclass(frozen=True)
class _Setting:
    """What all parts of a trial depend on."""

    planned: PlannedTrial
    style: TransportStyle
    faults: Faults

    @property
    def one_way_ns(self) -> int:
        return round(self.planned.parameters.one_way_delay_ms * 1e6)

    @property
    def window_ns(self) -> tuple[int, int]:
        start_ns = T0_NS + round(self.planned.parameters.warm_up_s * NS_PER_S)
        return start_ns, start_ns + round(self.planned.parameters.measured_s * NS_PER_S)

    @property
    def echo(self) -> bool:
        return self.style.kind.clients_send

    @property
    def persistent(self) -> bool:
        return self.style.role == "persistent"


def fabricate_trial(planned: PlannedTrial, style: TransportStyle, faults: Faults, noise_ms: float) -> Trial:
    """The trial of a fake transport of this kind; with `noise_ms` 0 every latency is the model's, to the ns."""
    setting = _Setting(planned, style, faults)
    rng = np.random.default_rng([planned.seed, planned.point])
    stream = _stream(setting)
    clients = _clients(setting, rng)
    asks = [_asks(setting, stream, int(phase_ns)) for phase_ns in clients.phase_ns]
    exact_ns = _exact_arrivals_ns(setting, stream, clients, asks)
    requests = _requests(setting, clients, asks, stream, exact_ns)
    deliveries = _deliveries(setting, stream, clients, _disturbed(exact_ns, faults, noise_ms, rng))
    cpu_ratios = {
        SampleRole.SERVER: faults.server_cpu_ratio,
        SampleRole.LOAD: faults.load_cpu_ratio,
        SampleRole.RELAY: 0.1,
    }
    down = (stream.event_bytes[deliveries.seq - 1] + FRAME_BYTES) * setting.persistent
    until_ns = setting.window_ns[1]
    return Trial(
        info=_info(setting, stream),
        deliveries=deliveries,
        requests=requests,
        sockets=fabricate_machine.sockets(
            requests,
            deliveries,
            (down * setting.echo, down),
            fabricate_machine.stage_times_ns(clients, setting.window_ns),
            faults.tcp_info,
        ),
        clients=clients,
        published=Published(
            np.arange(1, len(stream.due_ns) + 1),
            stream.due_ns,
            stream.published_ns * (not setting.echo),
            stream.event_bytes,
        ),
        samples=fabricate_machine.samples(
            (T0_NS - NS_PER_S // 2, *setting.window_ns, until_ns + NS_PER_S),
            cpu_ratios,
            _server_work(setting, stream, requests, exact_ns),
            faults.others_ratio,
            faults.stolen_ratio,
            faults.waited_ratio,
            faults.throttled_ratio,
        ),
        clock=fabricate_machine.clock_pairs(T0_NS - NS_PER_S, until_ns),
        loop_lag=fabricate_machine.loop_lag(T0_NS, until_ns, faults.loop_lag_ms),
    )


def _server_work(setting: _Setting, stream: _Stream, requests: Requests, arrival_ns: Ints) -> list[tuple[Ints, float]]:
    """When the server did what, and what each took of its CPU in ns."""
    faults = setting.faults
    polls = requests.where((requests.kind == RequestKind.POLL) & (requests.end_ns > 0))
    return [
        (stream.due_ns, faults.spin_cpu_us * 1000),
        (polls.end_ns - setting.one_way_ns, faults.poll_cpu_us * 1000),
        (arrival_ns.ravel() - setting.one_way_ns, faults.event_cpu_us * 1000),
    ]


def _stream(setting: _Setting) -> _Stream:
    planned, faults, parameters = setting.planned, setting.faults, setting.planned.parameters
    duration_s = parameters.warm_up_s + parameters.measured_s
    spec = StreamSpec(
        parameters.rate_per_s,
        parameters.arrival,
        parameters.payload_bytes,
        duration_s,
        planned.seed,
        parameters.warm_up_s,
    )
    due_ns = T0_NS + due_offsets_ns(spec)
    due_ns[np.searchsorted(due_ns, setting.window_ns[0])] += round(faults.shift_event_ms * 1e6)
    published_ns = due_ns + round(faults.publish_lag_ms * 1e6)
    texts = payloads(spec)
    sizes = [
        len(encode_event(Event(i + 1, int(due), int(published), texts[i % len(texts)])))
        for i, (due, published) in enumerate(zip(due_ns, published_ns, strict=True))
    ]
    return _Stream(due_ns, published_ns, np.asarray(sizes, dtype=np.int64))


def _clients(setting: _Setting, rng: np.random.Generator) -> Clients:
    planned, style = setting.planned, setting.style
    count = planned.parameters.clients
    period_s = {"short_poll": planned.parameters.longest_wait_for_poll_s, "push": 0.0, "long_poll": 0.0}
    period_ns = period_s.get(style.model, 1 / planned.parameters.rate_per_s) * NS_PER_S
    phases = (rng.random() + np.arange(count) / count) % 1.0 * period_ns
    start_ns = T0_NS - 300_000_000 + np.arange(count) * 1000
    ready_ns = start_ns + 4 * setting.one_way_ns + 500_000
    return Clients(
        np.arange(count), np.asarray(phases, dtype=np.int64), start_ns, ready_ns, np.zeros(count, dtype=np.int64)
    )


def _asks(setting: _Setting, stream: _Stream, phase_ns: int) -> list[simulation.Ask]:
    parameters, until_ns = setting.planned.parameters, setting.window_ns[1]
    visible_ns = stream.published_ns.tolist()
    if setting.style.model == "short_poll":
        interval_ns = round(required(parameters.poll_interval_s) * NS_PER_S)
        return simulation.short_poll(visible_ns, T0_NS + phase_ns, interval_ns, setting.one_way_ns, until_ns)
    if setting.style.model == "long_poll":
        first_ns, hold_ns = T0_NS - FIRST_ASK_BEFORE_START_NS, round(required(parameters.hold_s) * NS_PER_S)
        turnaround_ns = round(setting.faults.client_delay_ms * 1e6)
        return simulation.long_poll(visible_ns, first_ns, hold_ns, setting.one_way_ns, until_ns, turnaround_ns)
    return []


def _exact_arrivals_ns(setting: _Setting, stream: _Stream, clients: Clients, asks: list[list[simulation.Ask]]) -> Ints:
    """Shape (clients, events)."""
    model = setting.style.model
    if model in ("short_poll", "long_poll"):
        return np.asarray([simulation.arrivals_ns(own) for own in asks], dtype=np.int64)
    if model == "push":
        return np.tile(stream.published_ns + setting.one_way_ns, (len(clients), 1))
    transit_ns = {"round_trip": 2, "round_trip_new_connection": 4}[model] * setting.one_way_ns
    sent_ns = stream.due_ns[None, :] + clients.phase_ns[:, None]
    if setting.persistent:
        return sent_ns + transit_ns
    return np.asarray([simulation.one_at_a_time(own, transit_ns) for own in sent_ns.tolist()], dtype=np.int64)


def _disturbed(exact_ns: Ints, faults: Faults, noise_ms: float, rng: np.random.Generator) -> Ints:
    extra_ms = rng.exponential(1.0, exact_ns.shape) * noise_ms + faults.extra_latency_ms
    for (client, seq), delay_ms in faults.delay_ms.items():
        extra_ms[client, seq - 1] += delay_ms
    return np.maximum.accumulate(exact_ns + np.rint(extra_ms * 1e6).astype(np.int64), axis=1)


def _deliveries(setting: _Setting, stream: _Stream, clients: Clients, arrival_ns: Ints) -> Deliveries:
    count, events = arrival_ns.shape
    echo, faults = setting.echo, setting.faults
    client = np.repeat(np.arange(count), events)
    seq = np.tile(np.arange(1, events + 1), count)
    due_ns = np.tile(stream.due_ns, count) + (np.repeat(clients.phase_ns, events) if echo else 0)
    published_ns = due_ns if echo else np.tile(stream.published_ns, count)
    kernel_ns = arrival_ns.ravel()
    stamps = fabricate_machine.to_realtime(kernel_ns) if faults.kernel_stamps else np.zeros_like(kernel_ns)
    stamps[: faults.missing_stamps] = 0
    user_ns = kernel_ns + round(faults.client_delay_ms * 1e6)
    ok = 1 - _named(client, seq, faults.corrupt).astype(np.int64)
    order = np.arange(len(client))
    swapped = np.flatnonzero(_named(client, seq, faults.reorder))
    order[swapped], order[swapped + 1] = swapped + 1, swapped.copy()
    what = {"seq": seq[order], "due_ns": due_ns[order], "published_ns": published_ns[order], "payload_ok": ok[order]}
    rows = Deliveries(client=client, kernel_realtime_ns=stamps, user_ns=user_ns, **what)
    times = 1 + _named(rows.client, rows.seq, faults.duplicate) - _named(rows.client, rows.seq, faults.drop)
    return Deliveries(**{name: np.repeat(getattr(rows, name), times) for name in Deliveries.column_names()})


def _named(client: Ints, seq: Ints, names: frozenset[tuple[int, int]]) -> npt.NDArray[np.int64]:
    """1 for the deliveries in `names`, else 0."""
    if not names:  # as a rule, and a look at each of ten million would take longer than all else
        return np.zeros(len(client), dtype=np.int64)
    return np.asarray([(c, s) in names for c, s in zip(client.tolist(), seq.tolist(), strict=True)], dtype=np.int64)


def _requests(
    setting: _Setting, clients: Clients, asks: list[list[simulation.Ask]], stream: _Stream, arrival_ns: Ints
) -> Requests:
    rows: list[tuple[int, ...]] = []
    for i, (start, ready) in enumerate(zip(clients.connect_start_ns.tolist(), clients.ready_ns.tolist(), strict=True)):
        middle = (start + ready) // 2
        rows.append((i, RequestKind.CONNECT, start, start, middle, Outcome.ANSWERED, 0, 0, 0, 0))
        if setting.persistent:
            answer = (Outcome.ANSWERED, 101, 0, HANDSHAKE_UP_BYTES, HANDSHAKE_DOWN_BYTES)
            rows.append((i, RequestKind.HANDSHAKE, middle, middle, ready, *answer))
        elif setting.echo:
            rows += _post_rows(i, stream, int(clients.phase_ns[i]), arrival_ns[i].tolist())
        lateness_ns = round(setting.faults.poll_lateness_ms * 1e6)
        rows += [_poll_row(i, ask, stream, setting.window_ns[1], lateness_ns) for ask in asks[i]]
    table = Requests.from_rows(np.asarray(rows, dtype=np.int64))
    failed = np.flatnonzero(table.kind == RequestKind.POLL)[: setting.faults.failed_polls]
    table.outcome[failed], table.status[failed] = Outcome.BAD_STATUS, 503
    return table


def _post_rows(client: int, stream: _Stream, phase_ns: int, ends_ns: list[int]) -> list[tuple[int, ...]]:
    free_ns = [int(stream.due_ns[0]) + phase_ns, *ends_ns[:-1]]
    sizes = stream.event_bytes.tolist()
    return [
        (client, RequestKind.POST, due + phase_ns, max(due + phase_ns, free), end, Outcome.ANSWERED, 200, 1,
         POLL_UP_BYTES + size, REPLY_HEADER_BYTES + size)
        for due, free, end, size in zip(stream.due_ns.tolist(), free_ns, ends_ns, sizes, strict=True)
    ]  # fmt: skip


def _poll_row(client: int, ask: simulation.Ask, stream: _Stream, until_ns: int, lateness_ns: int) -> tuple[int, ...]:
    head = (client, RequestKind.POLL, ask.planned_ns)
    if ask.skipped:
        return (*head, NO_TIME_NS, NO_TIME_NS, Outcome.SKIPPED, 0, 0, 0, 0)
    if not ask.events and ask.end_ns > until_ns:
        return (*head, ask.start_ns + lateness_ns, NO_TIME_NS, Outcome.UNFINISHED, 0, 0, POLL_UP_BYTES, 0)
    if not ask.events:
        return (*head, ask.start_ns + lateness_ns, ask.end_ns, Outcome.EMPTY, 204, 0, POLL_UP_BYTES, EMPTY_REPLY_BYTES)
    size = int(stream.event_bytes[ask.first_seq - 1 : ask.last_seq].sum())
    return (
        *head, ask.start_ns + lateness_ns, ask.end_ns, Outcome.ANSWERED, 200, ask.events,
        POLL_UP_BYTES, REPLY_HEADER_BYTES + size,
    )  # fmt: skip


def _info(setting: _Setting, stream: _Stream) -> TrialInfo:
    planned, faults = setting.planned, setting.faults
    names = {f.name for f in dataclasses.fields(TrialInfo)} & {f.name for f in dataclasses.fields(PlannedTrial)}
    stream_s = planned.parameters.warm_up_s + planned.parameters.measured_s
    return TrialInfo(
        fixed_work_ns=(1_200_000, 1_300_000),
        **{name: getattr(planned, name) for name in names},
        expected_events=len(stream.due_ns),
        t0_ns=T0_NS,
        window_start_ns=setting.window_ns[0],
        window_end_ns=setting.window_ns[1],
        end=faults.end,
        problems=faults.problems,
        capabilities={
            "kernel_stamps": faults.kernel_stamps,
            "tcp_info": faults.tcp_info,
            "cpu_pinned": {"server": [0], "load": [1]},
        },
        server_stats={
            "connections": planned.parameters.clients,
            "spin_cpu_ns": round(faults.spin_cpu_us * 1000 * len(stream.due_ns)),
        },
        relay=None,
        timing_s={"set_up": 0.4, "stream": stream_s, "drain": 0.1, "tear_down": 0.2, "total": stream_s + 0.7},
    )
