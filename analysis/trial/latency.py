"""Staleness from raw deliveries: which are measured, when each arrived, and when it should have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.models.registry import MODELS
from analysis.models.schedule import Prediction, schedule_of
from analysis.statistics.distribution import NS_PER_MS
from analysis.statistics.long_columns import NarrowColumn, Times, blocks
from analysis.trial.freshness import NEVER_NS, ViewAges, view_ages
from analysis.trial.latency_parts import split, written_at_ns
from analysis.trial.ledger import by_client, steps_between_clients
from analysis.trial.reach import Reach, mean_reach_ms
from contract.records import Deliveries, Ints, Trial, is_time
from contract.records.measured import all_differ, in_window, is_measured
from contract.transports import TransportStyle

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class MeasuredLatencies:
    """One entry per measured delivery: the first copy of an event due in the measured window, in order of arrival.

    Whole nanoseconds, all of shape (deliveries,) except `predicted_ns` and `client_delay_ns`. `server_lag_ns`,
    `queue_ns` and `delivery_ns` add up to `latency_ns`.
    """

    latency_ns: Times
    """Arrival - due."""
    server_lag_ns: Times
    """Published - due (echo: how late the client itself sent)."""
    queue_ns: Times | None
    """Written by the server - published; None without a trace."""
    delivery_ns: Times
    """Arrival - written; without a trace arrival - published."""
    client_delay_ns: Times | None
    """From the kernel's stamp to the client's own; None without kernel stamps."""
    model_ns: Times
    """The model on the trial's own schedule for each delivery; meaningless where not `modelled`."""
    modelled: npt.NDArray[np.bool_]
    """False for a delivery that the model counts as lost."""
    predicted_ns: Times
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
    def residual_ns(self) -> Times:
        """Latency - the model's, for the deliveries that the model has too."""
        residual_ns = NarrowColumn(int(np.count_nonzero(self.modelled)))
        for block in blocks(len(self)):
            over_ns = np.subtract(self.latency_ns[block], self.model_ns[block], dtype=np.int64)
            residual_ns.append(over_ns[self.modelled[block]])
        return residual_ns.whole()


def milliseconds(times_ns: Times) -> Floats:
    """Return these times in milliseconds."""
    return np.divide(times_ns, NS_PER_MS, dtype=np.float64)


def median_ms(times_ns: Times) -> float:
    """Return the median of at least one time."""
    return float(np.median(times_ns)) / NS_PER_MS


def measure_latencies(trial: Trial, style: TransportStyle, all_arrivals_ns: Ints | None = None) -> MeasuredLatencies:
    """Return the latencies of a trial whose clients are numbered from 0 and whose events from 1.

    `all_arrivals_ns` are the arrivals of all its deliveries, if they are known already.
    """
    rows, counted = trial.deliveries, is_measured(trial)
    came_ns = arrivals_ns(trial, rows) if all_arrivals_ns is None else all_arrivals_ns
    stamped = counted & is_time(rows.kernel_realtime_ns) if has_kernel_stamps(trial) else np.zeros_like(counted)
    prediction = MODELS[style.model].on_schedule(schedule_of(trial, style))
    due = due_in_window(trial, style)
    measured, with_stamp = int(np.count_nonzero(counted)), int(np.count_nonzero(stamped))
    model_ns, modelled = _model_of_each(rows, counted, prediction)
    return MeasuredLatencies(
        **_spans(trial, counted, stamped, came_ns),
        model_ns=model_ns,
        modelled=modelled,
        predicted_ns=prediction.latencies_ns(due),
        due_deliveries=int(np.count_nonzero(due)),
        missing_stamps=measured - with_stamp,
        coalesced_stamps=_coalesced(rows, counted) if with_stamp and not style.polling else 0,
        predicted_requests=int(prediction.requests.sum()),
        reach=None if style.kind.clients_send else _reach(trial, counted, came_ns, prediction),
    )


def due_in_window(trial: Trial, style: TransportStyle) -> npt.NDArray[np.bool_]:
    """Return which events are due at which clients in the measured window: shape (clients, events)."""
    return in_window(trial, due_at_clients_ns(trial, style))


def _reach(trial: Trial, counted: npt.NDArray[np.bool_], came_ns: Ints, prediction: Prediction) -> Reach | None:
    """Return the reach of the deliveries that both the trial and the model have."""
    rows = trial.deliveries
    latency_ns = np.zeros(prediction.reached.shape, dtype=np.int64)
    came = np.zeros(prediction.reached.shape, dtype=np.bool_)
    for block in blocks(len(counted)):
        chosen = counted[block]
        pairs = rows.client[block][chosen], rows.seq[block][chosen] - 1
        latency_ns[pairs] = came_ns[block][chosen] - rows.due_ns[block][chosen]
        came[pairs] = True
    came &= prediction.reached
    measured_ms, model_ms = (mean_reach_ms(each_ns, came) for each_ns in (latency_ns, prediction.latency_ns))
    return None if measured_ms is None or model_ms is None else Reach(measured_ms, model_ms)


def _spans(
    trial: Trial, counted: npt.NDArray[np.bool_], stamped: npt.NDArray[np.bool_], came_ns: Ints
) -> dict[str, Any]:
    """Return the times between the stamps of each counted delivery, by their names in MeasuredLatencies."""
    measured, with_stamp = int(np.count_nonzero(counted)), int(np.count_nonzero(stamped))
    written_ns = None if trial.written is None else written_at_ns(trial.deliveries.where(counted), trial.written)
    latency, server_lag, delivery = (NarrowColumn(measured) for _ in range(3))
    queue = None if written_ns is None else NarrowColumn(measured)
    client_delay = NarrowColumn(with_stamp) if with_stamp else None
    done = 0
    for block in blocks(len(counted)):
        chosen = counted[block]
        rows, arrival_ns = trial.deliveries.part(block).where(chosen), came_ns[block][chosen]
        parts = split(rows, arrival_ns, None if written_ns is None else written_ns[done : done + len(rows)])
        done += len(rows)
        latency.append(arrival_ns - rows.due_ns)
        server_lag.append(parts.server_lag_ns)
        delivery.append(parts.delivery_ns)
        if queue is not None and parts.queue_ns is not None:
            queue.append(parts.queue_ns)
        if client_delay is not None:
            client_delay.append(parts.client_delay_ns[stamped[block][chosen]])
    return {
        "latency_ns": latency.whole(),
        "server_lag_ns": server_lag.whole(),
        "queue_ns": None if queue is None else queue.whole(),
        "delivery_ns": delivery.whole(),
        "client_delay_ns": None if client_delay is None else client_delay.whole(),
    }


def _model_of_each(
    rows: Deliveries, counted: npt.NDArray[np.bool_], prediction: Prediction
) -> tuple[Times, npt.NDArray[np.bool_]]:
    """Return the model's latency of each counted delivery, and whether the model has it."""
    measured = int(np.count_nonzero(counted))
    model_ns, modelled = NarrowColumn(measured), np.empty(measured, dtype=np.bool_)
    done = 0
    for block in blocks(len(counted)):
        client, place = rows.client[block][counted[block]], rows.seq[block][counted[block]] - 1
        model_ns.append(prediction.latency_ns[client, place])
        modelled[done : done + len(client)] = prediction.reached[client, place]
        done += len(client)
    return model_ns.whole(), modelled


def has_kernel_stamps(trial: Trial) -> bool:
    """Return whether arrival times of this trial are the kernel's."""
    return trial.has_kernel_stamps


def arrivals_ns(trial: Trial, rows: Deliveries) -> Ints:
    """Return arrivals on the trial's clock, by the kernel's stamp if there is one, or else by the client's."""
    came_ns = np.empty(len(rows), dtype=np.int64)
    for block in blocks(len(rows)):
        came_ns[block] = trial.arrivals_ns(rows.part(block))
    return came_ns


def due_at_clients_ns(trial: Trial, style: TransportStyle) -> Ints:
    """When each event is due at each client, (clients, events): echo clients add their own phase to the schedule."""
    shape = (int(trial.info.parameters["clients"]), len(trial.published))
    if not style.kind.clients_send:
        return np.broadcast_to(trial.published.due_ns, shape)
    due_ns = np.tile(trial.published.due_ns, (shape[0], 1))
    due_ns[trial.clients.client] += trial.clients.phase_ns[:, None]
    return due_ns


def measure_ages(trial: Trial, style: TransportStyle, all_arrivals_ns: Ints | None = None) -> ViewAges | None:
    """Return how old each client's view was over the measured window; None if the clients send, and so watch nothing.

    `all_arrivals_ns` is that of `measure_latencies`.
    """
    if style.kind.clients_send:
        return None
    came_ns = arrivals_ns(trial, trial.deliveries) if all_arrivals_ns is None else all_arrivals_ns
    rows = trial.deliveries
    arrival_ns = np.full((int(trial.info.parameters["clients"]), len(trial.published)), NEVER_NS)
    once = all_differ(rows.client, rows.seq)
    for block in blocks(len(rows)):
        seq = rows.seq[block]
        known = (seq >= 1) & (seq <= len(trial.published))
        pairs = rows.client[block][known], seq[known] - 1
        if once:
            arrival_ns[pairs] = came_ns[block][known]
        else:
            np.minimum.at(arrival_ns, pairs, came_ns[block][known])
    return view_ages(trial.published.due_ns, arrival_ns, (trial.info.window_start_ns, trial.info.window_end_ns))


def _coalesced(rows: Deliveries, counted: npt.NDArray[np.bool_]) -> int:
    """Return the number of counted deliveries after which the same client received another from the same read."""
    client, read_ns = rows.client[counted], rows.user_ns[counted]
    others = steps_between_clients(client)
    steps_ns = _steps_ns(read_ns[by_client(client)], others)
    if (steps_ns < 0).any():
        steps_ns = _steps_ns(read_ns[np.lexsort((read_ns, client))], others)
    return int(np.count_nonzero(steps_ns == 0))


def _steps_ns(times_ns: Ints, others: Ints) -> Ints:
    """Return the time from each entry to the next; 1 at `others`, where the next is another client's."""
    steps_ns = np.diff(times_ns)
    steps_ns[others] = 1
    return steps_ns
