"""The latencies of a trial's measured deliveries: as measured, by the model, and in parts.

The parts of a delivery's time lie between the stamps due, published, written, arrived and read. They are whole
nanoseconds, and add up to read − due exactly, whatever the clocks did.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.models.registry import MODELS
from analysis.models.schedule import Prediction, schedule_of
from analysis.statistics.distribution import NS_PER_MS
from analysis.trial.freshness import NEVER_NS, ViewAges, view_ages
from analysis.trial.ledger import by_client, steps_between_clients
from contract.records import Deliveries, Ints, Trial, Written, is_time
from contract.records.measured import all_differ, in_window, is_measured
from contract.transports import TransportStyle

REACH_RATIO = 0.99
_CELLS_AT_ONCE = 2_000_000
_ABSENT_NS = np.iinfo(np.int64).min


@dataclass(frozen=True)
class Reach:
    """The time within which 99 % of an event's deliveries arrived, as a mean over the events due in a trial's window.

    The p99 of pooled deliveries mixes slow clients with slow events, and needs a thousand events. With many clients and
    few events, the question is when the last clients receive an event.
    """

    mean_ms: float
    model_mean_ms: float
    """The mean time by the model on the trial's own schedule, ms."""

    @property
    def excess_ms(self) -> float:
        """The measured mean less the model's, ms."""
        return self.mean_ms - self.model_mean_ms


def mean_reach_ms(latency_ns: Ints, counted: npt.NDArray[np.bool_]) -> float | None:
    """Return the mean over events of the time, ms, within which 99 % of their counted deliveries arrived, or None.

    Both arrays have the shape (clients, events). The time is one of the observed values, as quantiles are.
    """
    clients, events = counted.shape
    step = max(1, _CELLS_AT_ONCE // max(clients, 1))
    reached_ns: list[Ints] = []
    for first in range(0, events, step):
        own = counted[:, first : first + step]
        arrived = np.count_nonzero(own, axis=0)
        reached = np.flatnonzero(arrived)
        ordered_ns = np.sort(np.where(own, latency_ns[:, first : first + step], _ABSENT_NS)[:, reached], axis=0)
        last = np.ceil(np.round(REACH_RATIO * arrived[reached], 6)).astype(np.int64)
        reached_ns.append(ordered_ns[clients - arrived[reached] + last - 1, np.arange(len(reached))])
    return _mean_ms(reached_ns)


def _mean_ms(columns: Sequence[Ints]) -> float | None:
    total = sum(len(column) for column in columns)
    return math.fsum(float(column.sum()) for column in columns) / total / NS_PER_MS if total else None


_UNWRITTEN_NS = -1


@dataclass(frozen=True)
class Parts:
    """Parts of each delivery in ns, each of shape (deliveries,)."""

    server_lag_ns: Ints
    """Published − due."""
    queue_ns: Ints | None
    """Written − published: waiting at the server for its turn, for a poll, or for the loop; None without a trace."""
    delivery_ns: Ints
    """Arrival − written; without a trace arrival − published."""
    client_delay_ns: Ints
    """Read − arrival; 0 if the read itself had to serve as the arrival."""


def split(rows: Deliveries, arrival_ns: Ints, written_ns: Ints | None) -> Parts:
    """Return the parts of deliveries that arrived at `arrival_ns` and were written at `written_ns`, if known."""
    left_ns = rows.published_ns if written_ns is None else written_ns
    return Parts(
        server_lag_ns=rows.published_ns - rows.due_ns,
        queue_ns=None if written_ns is None else written_ns - rows.published_ns,
        delivery_ns=arrival_ns - left_ns,
        client_delay_ns=rows.user_ns - arrival_ns,
    )


def written_at_ns(rows: Deliveries, written: Written | None) -> Ints | None:
    """Return when each delivery was written, joined by client and seq: shape (deliveries,); None unless all are known.

    Of several writes (to a client that polled again), the last one before the client read the event counts. A trace
    with gaps is not used, since the parts of some deliveries do not represent all.
    """
    if written is None or not len(rows) or not len(written):
        return None
    if not all_differ(written.client, written.seq):
        return _last_before_the_read(rows, written)
    # Nearly always each was written once: a table of all pairs is faster than a sorted list.
    table = np.full((int(written.client.max()) + 1, int(written.seq.max()) + 1), _UNWRITTEN_NS, dtype=np.int64)
    table[written.client, written.seq] = written.written_ns
    if any(
        column.min() < 0 or column.max() >= size
        for column, size in zip((rows.client, rows.seq), table.shape, strict=True)
    ):
        return None
    found: Ints = table[rows.client, rows.seq]
    return None if (found == _UNWRITTEN_NS).any() else found


def _last_before_the_read(rows: Deliveries, written: Written) -> Ints | None:
    span = int(max(rows.seq.max(), written.seq.max(initial=0))) + 1
    order = np.lexsort((written.written_ns, written.client * span + written.seq))
    keys, times_ns = (written.client * span + written.seq)[order], written.written_ns[order]
    wanted = rows.client * span + rows.seq
    first, end = np.searchsorted(keys, wanted, "left"), np.searchsorted(keys, wanted, "right")
    if (first == end).any():
        return None
    chosen = first.copy()
    for i in np.flatnonzero(end - first > 1):
        before = np.searchsorted(times_ns[first[i] : end[i]], rows.user_ns[i], "right")
        chosen[i] = first[i] + max(int(before) - 1, 0)
    return times_ns[chosen]


Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class MeasuredLatencies:
    """One entry per measured delivery: the first copy of an event due in the measured window, in order of arrival.

    Whole nanoseconds, all of shape (deliveries,) except `predicted_ns` and `client_delay_ns`. `server_lag_ns`,
    `queue_ns` and `delivery_ns` add up to `latency_ns`.
    """

    latency_ns: Ints
    """Arrival - due."""
    server_lag_ns: Ints
    """Published - due (echo: how late the client itself sent)."""
    queue_ns: Ints | None
    """Written by the server - published; None without a trace."""
    delivery_ns: Ints
    """Arrival - written; without a trace arrival - published."""
    client_delay_ns: Ints | None
    """From the kernel's stamp to the client's own; None without kernel stamps."""
    model_ns: Ints
    """The model on the trial's own schedule for each delivery; meaningless where not `modelled`."""
    modelled: npt.NDArray[np.bool_]
    """False for a delivery that the model counts as lost."""
    predicted_ns: Ints
    """The model for all events due in the window that it delivers to any client, whether they arrived or not; shape
    (predicted deliveries,)."""
    due_deliveries: int
    """Pairs of client and event due in the window, without those that were not observed."""
    missing_stamps: int
    """Deliveries without a kernel stamp, for which the client's own is used."""
    coalesced_stamps: int
    """Events on an open channel that were read together with a later one, whose stamp they have."""
    predicted_requests: int
    """Requests of all clients within the window by the model."""
    reach: Reach | None
    """None for round trips, in which no two clients receive the same events, and without any delivery."""

    def __len__(self) -> int:
        return len(self.latency_ns)

    @property
    def latency_ms(self) -> Floats:
        """Arrival - due."""
        return milliseconds(self.latency_ns)

    @property
    def residual_ns(self) -> Ints:
        """Latency - the model's, for the deliveries that the model has too."""
        return (self.latency_ns - self.model_ns)[self.modelled]


def milliseconds(times_ns: Ints) -> Floats:
    """Return these times in milliseconds."""
    return np.divide(times_ns, NS_PER_MS, dtype=np.float64)


def median_ms(times_ns: Ints) -> float:
    """Return the median of at least one time."""
    return float(np.median(times_ns)) / NS_PER_MS


def measure_latencies(trial: Trial, style: TransportStyle, all_arrivals_ns: Ints | None = None) -> MeasuredLatencies:
    """Compute the latencies of a trial; clients are numbered from 0, events from 1.

    `all_arrivals_ns` are the arrivals of all its deliveries, if they are known already.
    """
    all_ns = trial.arrivals_ns(trial.deliveries) if all_arrivals_ns is None else all_arrivals_ns
    measured = is_measured(trial)
    rows, arrival_ns = trial.deliveries.where(measured), all_ns[measured]
    stamped = is_time(rows.kernel_realtime_ns) & trial.has_kernel_stamps
    prediction = MODELS[style.model].on_schedule(schedule_of(trial, style))
    due = due_in_window(trial, style)
    # These need columns of their own for a moment, so they come before the columns that are kept.
    coalesced = _coalesced(rows) if stamped.any() and not style.polling else 0
    reach = None if style.kind.clients_send else _reach(rows, arrival_ns, prediction)
    parts = split(rows, arrival_ns, written_at_ns(rows, trial.written))
    pairs = rows.client, rows.seq - 1
    return MeasuredLatencies(
        latency_ns=arrival_ns - rows.due_ns,
        server_lag_ns=parts.server_lag_ns,
        queue_ns=parts.queue_ns,
        delivery_ns=parts.delivery_ns,
        client_delay_ns=parts.client_delay_ns[stamped] if stamped.any() else None,
        model_ns=prediction.latency_ns[pairs],
        modelled=prediction.reached[pairs],
        predicted_ns=prediction.latencies_ns(due),
        due_deliveries=int(np.count_nonzero(due)),
        missing_stamps=int(np.count_nonzero(~stamped)),
        coalesced_stamps=coalesced,
        predicted_requests=int(prediction.requests.sum()),
        reach=reach,
    )


def due_in_window(trial: Trial, style: TransportStyle) -> npt.NDArray[np.bool_]:
    """Return which events are due at which clients in the measured window: shape (clients, events)."""
    return in_window(trial, due_at_clients_ns(trial, style))


def _reach(rows: Deliveries, arrival_ns: Ints, prediction: Prediction) -> Reach | None:
    """Return the reach of the deliveries that both the trial and the model have."""
    latency_ns = np.zeros(prediction.reached.shape, dtype=np.int64)
    arrived_pairs = np.zeros(prediction.reached.shape, dtype=np.bool_)
    pairs = rows.client, rows.seq - 1
    latency_ns[pairs] = arrival_ns - rows.due_ns
    arrived_pairs[pairs] = True
    arrived_pairs &= prediction.reached
    measured_ms, model_ms = (mean_reach_ms(each_ns, arrived_pairs) for each_ns in (latency_ns, prediction.latency_ns))
    return None if measured_ms is None or model_ms is None else Reach(measured_ms, model_ms)


def due_at_clients_ns(trial: Trial, style: TransportStyle) -> Ints:
    """Return when each event is due at each client, (clients, events); echo clients add their own phase."""
    shape = (trial.info.parameters.clients, len(trial.published))
    if not style.kind.clients_send:
        return np.broadcast_to(trial.published.due_ns, shape)
    due_ns = np.tile(trial.published.due_ns, (shape[0], 1))
    due_ns[trial.clients.client] += trial.clients.phase_ns[:, None]
    return due_ns


def measure_ages(trial: Trial, style: TransportStyle, all_arrivals_ns: Ints | None = None) -> ViewAges | None:
    """Compute the ages of the clients' views over the measured window; None if the clients send.

    `all_arrivals_ns` is as for `measure_latencies`.
    """
    if style.kind.clients_send:
        return None
    rows = trial.deliveries
    all_ns = trial.arrivals_ns(rows) if all_arrivals_ns is None else all_arrivals_ns
    arrival_ns = np.full((trial.info.parameters.clients, len(trial.published)), NEVER_NS)
    known = (rows.seq >= 1) & (rows.seq <= len(trial.published))
    np.minimum.at(arrival_ns, (rows.client[known], rows.seq[known] - 1), all_ns[known])
    return view_ages(trial.published.due_ns, arrival_ns, (trial.info.window_start_ns, trial.info.window_end_ns))


def _coalesced(rows: Deliveries) -> int:
    """Return the number of deliveries that are not the last one of their client's read."""
    others = steps_between_clients(rows.client)
    steps_ns = _steps_ns(rows.user_ns[by_client(rows.client)], others)
    if (steps_ns < 0).any():
        steps_ns = _steps_ns(rows.user_ns[np.lexsort((rows.user_ns, rows.client))], others)
    return int(np.count_nonzero(steps_ns == 0))


def _steps_ns(times_ns: Ints, others: Ints) -> Ints:
    """Return the time from each entry to the next; 1 at `others`, where the next is another client's."""
    steps_ns = np.diff(times_ns)
    steps_ns[others] = 1
    return steps_ns
