"""From raw deliveries to staleness: which deliveries are measured, when each arrived, and when it should have."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.freshness import NEVER_NS, ViewAges, view_ages
from analysis.ledger import all_differ, by_client, first_copies
from analysis.own_schedule import predict, schedule_of
from analysis.parts import split, written_at_ns
from loadtests.records import Deliveries, Ints, TransportStyle, Trial

Floats = npt.NDArray[np.float64]
NS_PER_MS = 1e6


@dataclass(frozen=True)
class MeasuredLatencies:
    """One entry per measured delivery: the first copy of an event due in the measured window, in order of arrival.

    Milliseconds, all of shape (deliveries,) but `predicted_ms` and `client_delay_ms`. `server_lag_ms`, `queue_ms` and
    `delivery_ms` add up to `latency_ms`.
    """

    latency_ms: Floats
    """Arrival - due."""
    server_lag_ms: Floats
    """Published - due (echo: how late the client itself sent)."""
    queue_ms: Floats | None
    """Written by the server - published; None without a trace of it."""
    delivery_ms: Floats
    """Arrival - written; without a trace arrival - published."""
    client_delay_ms: Floats | None
    """From the kernel's stamp to the client's own; None without kernel stamps."""
    model_ms: Floats
    """The model on the trial's own schedule, delivery by delivery; NaN for one that the model takes for lost."""
    predicted_ms: Floats
    """The same of all events due in the window at all clients that the model has delivered, whether they were or
    not; shape (predicted deliveries,)."""
    due_deliveries: int
    """Pairs of client and event due in the window, but for those that nobody was there to see."""
    missing_stamps: int
    """Deliveries that had to fall back to the client's own stamp."""
    coalesced_stamps: int
    """Events on an open channel that were read in one go with a later one, and carry that one's stamp."""
    predicted_requests: int
    """By the model, all clients together, sent within the window."""


def measure_latencies(trial: Trial, style: TransportStyle, all_arrivals_ns: Ints | None = None) -> MeasuredLatencies:
    """Latencies of a trial whose clients are numbered from 0 and whose events from 1.

    `all_arrivals_ns` are those of all its deliveries, where they are at hand.
    """
    prediction = predict(style.model, schedule_of(trial, style))
    counted = is_measured(trial)
    rows = trial.deliveries.where(counted)
    arrival_ns = arrivals_ns(trial, rows) if all_arrivals_ns is None else all_arrivals_ns[counted]
    stamped = rows.kernel_realtime_ns > 0 if has_kernel_stamps(trial) else np.zeros(len(rows), dtype=np.bool_)
    due_ns = due_at_clients_ns(trial, style)
    due_in_window = in_window(trial, due_ns)
    if not (observed := trial.observed).all():
        # What nobody was there to see is neither due nor lost; what came until then counts.
        came = np.zeros_like(due_in_window)
        came[rows.client, rows.seq - 1] = True
        due_in_window &= observed[:, None] | came
    model_ms = np.where(prediction.reached, prediction.latency_ns / NS_PER_MS, np.nan)
    parts = split(rows, arrival_ns, written_at_ns(rows, trial.written))
    return MeasuredLatencies(
        latency_ms=(arrival_ns - rows.due_ns) / NS_PER_MS,
        server_lag_ms=parts.server_lag_ns / NS_PER_MS,
        queue_ms=None if parts.queue_ns is None else parts.queue_ns / NS_PER_MS,
        delivery_ms=parts.delivery_ns / NS_PER_MS,
        client_delay_ms=parts.client_delay_ns[stamped] / NS_PER_MS if stamped.any() else None,
        model_ms=model_ms[rows.client, rows.seq - 1],
        predicted_ms=model_ms[due_in_window & prediction.reached],
        due_deliveries=int(due_in_window.sum()),
        missing_stamps=int((~stamped).sum()),
        coalesced_stamps=_coalesced(rows) if style.role == "persistent" and stamped.any() else 0,
        predicted_requests=int(prediction.requests.sum()),
    )


def has_kernel_stamps(trial: Trial) -> bool:
    """Whether arrival times of this trial are the kernel's."""
    return trial.has_kernel_stamps


def arrivals_ns(trial: Trial, rows: Deliveries) -> Ints:
    """Arrival on the trial's clock: the kernel's stamp where there is one, else the client's own."""
    return trial.arrivals_ns(rows)


def due_at_clients_ns(trial: Trial, style: TransportStyle) -> Ints:
    """When each event is due at each client, (clients, events): echo clients add their own phase to the schedule."""
    shape = (int(trial.info.parameters["clients"]), len(trial.published))
    if not style.model.startswith("round_trip"):
        return np.broadcast_to(trial.published.due_ns, shape)
    due_ns = np.tile(trial.published.due_ns, (shape[0], 1))
    due_ns[trial.clients.client] += trial.clients.phase_ns[:, None]
    return due_ns


def measure_ages(trial: Trial, style: TransportStyle, all_arrivals_ns: Ints | None = None) -> ViewAges | None:
    """How old each observed client's view was over the measured window; None where clients send, and watch nothing.

    `all_arrivals_ns` as for `measure_latencies`.
    """
    observed = trial.observed
    if style.model.startswith("round_trip") or not observed.any():
        return None
    came_ns = arrivals_ns(trial, trial.deliveries) if all_arrivals_ns is None else all_arrivals_ns
    known = (trial.deliveries.seq >= 1) & (trial.deliveries.seq <= len(trial.published))
    client, place = trial.deliveries.client[known], trial.deliveries.seq[known] - 1
    arrival_ns = np.full((int(trial.info.parameters["clients"]), len(trial.published)), NEVER_NS)
    if all_differ(client, place):
        arrival_ns[client, place] = came_ns[known]
    else:
        np.minimum.at(arrival_ns, (client, place), came_ns[known])
    if not observed.all():
        arrival_ns = arrival_ns[observed]
    return view_ages(trial.published.due_ns, arrival_ns, (trial.info.window_start_ns, trial.info.window_end_ns))


def in_window(trial: Trial, times_ns: Ints) -> npt.NDArray[np.bool_]:
    """True for times within the measured window, its end excluded."""
    return (times_ns >= trial.info.window_start_ns) & (times_ns < trial.info.window_end_ns)


def is_measured(trial: Trial) -> npt.NDArray[np.bool_]:
    """True for each row of the deliveries that a latency is taken from."""
    rows = trial.deliveries
    known = (rows.seq >= 1) & (rows.seq <= len(trial.published))
    return known & in_window(trial, rows.due_ns) & first_copies(rows.client, rows.seq)


def _coalesced(rows: Deliveries) -> int:
    """Deliveries after which the same client got another one from the same read."""
    order = by_client(rows.client)
    client, user_ns = rows.client[order], rows.user_ns[order]
    same = client[1:] == client[:-1]
    if (user_ns[1:] < user_ns[:-1])[same].any():
        order = np.lexsort((rows.user_ns, rows.client))
        client, user_ns = rows.client[order], rows.user_ns[order]
        same = client[1:] == client[:-1]
    return int(np.count_nonzero(same & (user_ns[1:] == user_ns[:-1])))
