"""The costs of a trial: requests, bytes at the socket and CPU time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from contract.records import Ints, Outcome, RequestKind, SampleRole, Samples, Sockets, SocketStage, Trial, is_time
from contract.records.measured import in_window
from contract.transports import TransportStyle

TCP_IP_HEADER_BYTES = {4: 52, 6: 72}
"""Bytes per segment, by the version of IP: 20 of IPv4 or 40 of IPv6, 20 of TCP, and 12 of its timestamps option; the
longer options of a SYN are part of set-up."""
FAILURES = (Outcome.BAD_STATUS, Outcome.LOST, Outcome.TIMEOUT, Outcome.GARBLED)
_MIN_SAMPLED_RATIO = 0.5
"""The least share of the window that samples must cover for its CPU time to count as known."""


@dataclass(frozen=True)
class RequestCounts:
    """Requests of all clients of a trial."""

    sent: int
    """Polls and POSTs sent within the measured window."""
    answered_polls: int
    """Polls answered within the window."""
    empty_polls: int
    """Answered polls that carried no event."""
    totals: dict[str, int]
    """Counts over the whole trial: connects, handshakes, polls, posts, empty, skipped, reconnects, errors."""


@dataclass(frozen=True)
class ByteCounts:
    """Socket bytes of all clients between the two readings around the measured window."""

    deliveries: int
    """Deliveries between the two readings of each client's socket."""
    up: int
    down: int
    payload: int
    """Bytes of events as encoded on the wire, counted in each direction in which they travel."""
    empty_polls: int
    """Bytes of requests and answers of polls without events."""
    tcp_ip: int | None
    """Bytes of TCP and IP headers, from the kernel's segment counts; None if it has none."""


@dataclass(frozen=True)
class Processor:
    """The use of the machine by one role in the measured window."""

    cpu_ns: float
    """CPU time of all its processes."""
    ratio: float
    """CPU time over the time for which its core was available (wall time less stolen time): of the process with the
    most; of several server processes the mean."""
    core_ns: float
    """The time for which its core was available, never 0: of the process with the least."""
    throttled_ns: float
    """How long a CPU quota stopped the processes of its container, added up over cores; the largest of any process."""
    stolen_ratio: float
    """Share of the window for which a virtual machine's host used its core for others; the largest of any process."""
    rss_bytes: int
    """The largest resident memory of a process in the whole trial."""


def count_requests(trial: Trial, style: TransportStyle) -> RequestCounts:
    """Count the requests of a trial; a scheduled poll that was never sent is not a request."""
    rows = trial.requests
    sent = rows.outcome != Outcome.SKIPPED
    poll = (rows.kind == RequestKind.POLL) & sent
    post = (rows.kind == RequestKind.POST) & sent
    empty = poll & (rows.outcome == Outcome.EMPTY)
    answered = empty | (poll & (rows.outcome == Outcome.ANSWERED))
    ended_in_window = in_window(trial, rows.end_ns)
    connects = int((rows.kind == RequestKind.CONNECT).sum())
    needed = trial.info.parameters.clients
    if style.kind.connects_each_time:
        needed = int(post.sum())
    elif not trial.info.parameters.keep_alive:
        needed = max(needed, int(poll.sum()))
    return RequestCounts(
        sent=int(((poll | post) & in_window(trial, rows.start_ns)).sum()),
        answered_polls=int((answered & ended_in_window).sum()),
        empty_polls=int((empty & ended_in_window).sum()),
        totals={
            "connects": connects,
            "handshakes": int((rows.kind == RequestKind.HANDSHAKE).sum()),
            "polls": int(poll.sum()),
            "posts": int(post.sum()),
            "empty": int(empty.sum()),
            "skipped": int((~sent).sum()),
            "reconnects": max(0, connects - needed),
            "errors": int(np.isin(rows.outcome, FAILURES).sum()),
        },
    )


def answer_times_ms(trial: Trial) -> npt.NDArray[np.float64]:
    """Return the time from request to answer of every answered poll that was sent in the window: shape (polls,).

    This is not latency: for a short poll it does not include how long its events had waited, and for a long poll it is
    the hold.
    """
    rows = trial.requests
    answered = (rows.kind == RequestKind.POLL) & np.isin(rows.outcome, (Outcome.ANSWERED, Outcome.EMPTY))
    chosen = answered & in_window(trial, rows.start_ns)
    return np.asarray((rows.end_ns[chosen] - rows.start_ns[chosen]) / 1e6, dtype=np.float64)


def count_bytes(trial: Trial, style: TransportStyle) -> ByteCounts | None:
    """Count bytes of the clients whose sockets were read at both ends of the window; None if there are none."""
    start, end = (_by_client(trial, stage) for stage in (SocketStage.WINDOW_START, SocketStage.WINDOW_END))
    both = np.intersect1d(start.client, end.client)
    if not len(both):
        return None
    start = start.where(np.isin(start.client, both))
    end = end.where(np.isin(end.client, both))
    deliveries, payload = _delivered(trial, start, end)
    requests = trial.requests.where(trial.requests.outcome == Outcome.EMPTY)
    requests = requests.where(_between(requests.client, requests.start_ns, start, end))
    segments = [end.up_segments - start.up_segments, end.down_segments - start.down_segments]
    counted = bool((start.up_segments >= 0).all() and (end.up_segments >= 0).all())
    # Runs that do not record the version used version 4.
    header_bytes = TCP_IP_HEADER_BYTES[trial.info.capabilities.get("ip_version", 4)]
    return ByteCounts(
        deliveries=deliveries,
        up=int((end.up_bytes - start.up_bytes).sum()),
        down=int((end.down_bytes - start.down_bytes).sum()),
        payload=payload * (2 if style.kind.clients_send else 1),
        empty_polls=int((requests.up_bytes + requests.down_bytes).sum()),
        tcp_ip=header_bytes * int(np.sum(segments)) if counted else None,
    )


def setup_bytes(trial: Trial) -> Ints:
    """Return the bytes of each client in both directions until it was ready."""
    rows = _by_client(trial, SocketStage.SET_UP)
    total: Ints = rows.up_bytes + rows.down_bytes
    return total


def setup_ms(trial: Trial) -> npt.NDArray[np.float64]:
    """Return the time that each client took to connect and to open its channel."""
    rows = trial.clients.where(is_time(trial.clients.connect_start_ns) & is_time(trial.clients.ready_ns))
    rows = rows.where(rows.ready_ns >= rows.connect_start_ns)
    return (rows.ready_ns - rows.connect_start_ns) / 1e6


def processor_use(trial: Trial, role: SampleRole) -> Processor | None:
    """Return the CPU time between the samples at both ends of the window; None if this role was not sampled.

    The server's is without the publisher's idle spinning before due times, which no event needs and which yields to all
    work. That is reported for the whole stream; since it is spent per event, the window's share is that of its events.
    """
    samples = trial.samples.where(trial.samples.role == role)
    processes = [_process_use(trial, samples.where(samples.worker == worker)) for worker in np.unique(samples.worker)]
    used = [use for use in processes if use is not None]
    if not used:
        return None
    return Processor(
        cpu_ns=sum(use.cpu_ns for use in used),
        ratio=max(use.ratio for use in used),
        core_ns=min(use.core_ns for use in used),
        throttled_ns=max(use.throttled_ns for use in used),
        stolen_ratio=max(use.stolen_ratio for use in used),
        rss_bytes=max(use.rss_bytes for use in used),
    )


def _process_use(trial: Trial, samples: Samples) -> Processor | None:
    window = (trial.info.window_start_ns, trial.info.window_end_ns)
    window_ns = window[1] - window[0]
    if len(samples) < 2:
        return None
    edges = np.clip(np.asarray(window), samples.at_ns[0], samples.at_ns[-1])
    sampled_ns = int(edges[1] - edges[0])
    if sampled_ns < _MIN_SAMPLED_RATIO * window_ns:
        return None

    def within_window(column: str) -> float:
        return samples.growth(column, *edges.tolist()) * window_ns / sampled_ns

    cpu_ns, stolen_ns = within_window("cpu_ns"), within_window("stolen_ns")
    serves = samples.role[0] == SampleRole.SERVER
    if serves:
        published_ns = trial.published.due_ns
        spin_ns = (trial.info.server_stats.get("spin_cpu_ns") or 0) / max(len(published_ns), 1)
        cpu_ns = max(0.0, cpu_ns - spin_ns * int(in_window(trial, published_ns).sum()))
    processes = trial.info.parameters.server_processes if serves else 1
    core_ns = max(window_ns - stolen_ns, 1.0)
    return Processor(
        cpu_ns=cpu_ns,
        ratio=cpu_ns / core_ns / processes,
        core_ns=core_ns,
        throttled_ns=within_window("throttled_ns"),
        stolen_ratio=stolen_ns / window_ns,
        rss_bytes=int(samples.rss_bytes.max()),
    )


def _by_client(trial: Trial, stage: SocketStage) -> Sockets:
    """Return the rows of one stage, one per client, sorted by client."""
    rows = trial.sockets.where(trial.sockets.stage == stage)
    _, first = np.unique(rows.client, return_index=True)
    return Sockets(**{name: getattr(rows, name)[first] for name in Sockets.column_names()})


def _delivered(trial: Trial, start: Sockets, end: Sockets) -> tuple[int, int]:
    """Return the number of deliveries between two readings of their clients' sockets, and the bytes of their events."""
    rows = trial.deliveries
    seq = rows.seq[_between(rows.client, rows.user_ns, start, end)]
    known = seq[(seq >= 1) & (seq <= len(trial.published))]
    return len(seq), int(trial.published.event_bytes[known - 1].sum())


def _between(client: Ints, time_ns: Ints, start: Sockets, end: Sockets) -> npt.NDArray[np.bool_]:
    """Return True for each time after a client's first reading and not after its second."""
    place = np.minimum(np.searchsorted(start.client, client), len(start) - 1)
    between = (time_ns > start.at_ns[place]) & (time_ns <= end.at_ns[place]) & (start.client[place] == client)
    return np.asarray(between, dtype=np.bool_)
