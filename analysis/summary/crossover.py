"""Whether push or polling serves more clients and costs less: predictions from service times, and tests of them.

Predictions are tested at other event rates, with trials that the service times were not fitted to.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product

from analysis.models.push import push_capacity_clients
from analysis.models.short_poll import poll_capacity_clients
from analysis.statistics.inference import AT_LEAST_ZERO, estimate
from analysis.summary.capacity import (
    SATURATED_FROM_RATIO,
    Calibration,
    Estimates,
    LoadPoint,
    Loads,
    calibrations,
    crossover_events_per_poll,
    load_points,
    polls_per_s,
    sends_per_s,
    total,
    with_interval,
)
from analysis.summary.results import present
from contract.parameters import Parameters, required
from contract.points import differing
from contract.summary import Capacity, Crossover, Estimate, Predicted, Saturated, Side, TransportCapacity, Tried
from contract.transports import Kind

HELD_WITHIN_MS = 250.0
"""A point serves its clients if an event reaches 99 % of them at most this much later than by the model, and the server
is not full."""
_VARIED = frozenset({"clients", "rate_per_s", "poll_interval_s"})


def capacity_summary(loads: Loads, base: Parameters) -> Capacity | None:
    """Return `capacity` of the summary; None if no point kept the server busy without saturating it."""
    found = calibrations(loads, base)
    if not found:
        return None
    pushes = [calibration for calibration in found if calibration.kind.pushes]
    polls = [calibration for calibration in found if calibration.kind.polls_at_intervals]
    crossovers = []
    for push, poll in product(pushes, polls):
        at = with_interval([push, poll], crossover_events_per_poll)
        tried = tuple(_tried(pair, push, poll, at) for pair in _pairs(loads, base, push, poll))
        crossovers.append(Crossover(push.transport, poll.transport, at, tried))
    return Capacity(tuple(_capacity_of(calibration, base) for calibration in found), tuple(crossovers))


def _capacity_of(calibration: Calibration, base: Parameters) -> TransportCapacity:
    """Return a transport's service times, their change at saturation, and its capacity at the base parameters."""
    read = partial(with_interval, [calibration])
    polled = any(load.polls for load in calibration.loads)
    batch = _events_per_poll(calibration, base) if polled else None
    event_bytes, poll_bytes, framing_bytes = _bytes([load for point in calibration.busy for load in point.loads])
    return TransportCapacity(
        transport=calibration.transport,
        poll_cpu_us=read(lambda one: one.service.poll_s * 1e6) if polled else None,
        event_cpu_us=read(lambda one: one.service.event_s * 1e6),
        saturated=tuple(_saturated(point, calibration) for point in calibration.saturated),
        economy_ratio=read(lambda one: one.economy_ratio) if calibration.saturated else None,
        event_bytes=event_bytes,
        poll_bytes=poll_bytes,
        framing_bytes=framing_bytes,
        events_per_poll=batch,
        per_s=read(lambda one: sends_per_s(one) if batch is None else polls_per_s(one, batch)),
        clients=read(lambda one: _capacity_clients(one, calibration.kind, base)),
    )


def _bytes(loads: Loads) -> tuple[float | None, float | None, float | None]:
    """Return the bytes of an event itself, and those that a poll adds to its events, or a channel to each of them."""
    counted = [load for load in loads if load.socket_bytes is not None]
    if not counted:
        return None, None, None
    payload, polls, deliveries = (total(counted, name) for name in ("payload_bytes", "polls", "deliveries"))
    beyond = total(counted, "socket_bytes") - payload
    return payload / deliveries, beyond / polls if polls else None, None if polls else beyond / deliveries


def _events_per_poll(calibration: Calibration, base: Parameters) -> float:
    """Return the events per poll at the base parameters; for long polls as measured, at saturation if possible."""
    if calibration.kind.polls_at_intervals:
        return float(base.rate_per_s * required(base.poll_interval_s))
    loads = [load for point in calibration.saturated or calibration.busy for load in point.loads]
    return total(loads, "deliveries") / total(loads, "polls")


def _capacity_clients(estimates: Estimates, kind: Kind, base: Parameters) -> float | None:
    rate_per_s = base.rate_per_s
    if kind.pushes:
        return push_capacity_clients(rate_per_s, sends_per_s(estimates))
    if kind.polls_at_intervals:
        interval_s = required(base.poll_interval_s)
        return poll_capacity_clients(interval_s, polls_per_s(estimates, rate_per_s * interval_s))
    return None


def _saturated(point: LoadPoint, calibration: Calibration) -> Saturated:
    """Return the throughput of a saturated point, beside the demand and the prediction from moderate load."""
    seconds = total(point.loads, "window_s")
    polls, deliveries = total(point.loads, "polls"), total(point.loads, "deliveries")
    clients, rate_per_s = point.parameters.clients, point.parameters.rate_per_s
    interval_s = point.parameters.poll_interval_s
    demand = clients * rate_per_s if not polls else None if interval_s is None else clients / interval_s
    estimates = calibration.estimate()
    assert estimates is not None, "a calibration has busy points"
    reached = polls or deliveries
    return Saturated(
        parameters=point.parameters,
        asked_per_s=demand,
        reached_per_s=reached / seconds,
        events_per_poll=deliveries / polls if polls else None,
        predicted_per_s=reached / estimates.service.of(polls, deliveries),
        server_cpu_ratio=point.server_cpu_ratio,
    )


@dataclass(frozen=True)
class _Pair:
    """A push point and a polling point with equal clients and event rate."""

    push: LoadPoint
    poll: LoadPoint


def _pairs(loads: Loads, base: Parameters, push: Calibration, poll: Calibration) -> Iterator[_Pair]:
    """Yield pairs at event rates other than the base one, which the service times were fitted to."""
    tried = [
        point
        for point in load_points(loads)
        if point.parameters.rate_per_s != base.rate_per_s and set(differing(point.parameters, base)) <= _VARIED
    ]
    for one, other in product(tried, tried):
        kinds = (one.loads[0].transport, other.loads[0].transport)
        same = all(one.parameters[name] == other.parameters[name] for name in ("clients", "rate_per_s"))
        if kinds == (push.transport, poll.transport) and same:
            yield _Pair(one, other)


def _tried(pair: _Pair, push: Calibration, poll: Calibration, at: Estimate) -> Tried:
    """Return one comparison: the prediction, the results, and whether they agree."""
    clients, rate_per_s = pair.push.parameters.clients, pair.push.parameters.rate_per_s
    interval_s = required(pair.poll.parameters.poll_interval_s)
    batch = rate_per_s * interval_s
    push_load = with_interval([push], lambda one: clients / push_capacity_clients(rate_per_s, sends_per_s(one)))
    poll_load = with_interval([poll], lambda one: clients / poll_capacity_clients(interval_s, polls_per_s(one, batch)))
    predicted: Predicted = "undecided" if _includes(at, batch) else "poll" if at.value and batch > at.value else "push"
    measured = _side(pair.push, push_load), _side(pair.poll, poll_load)
    claims = _claims(predicted, *measured)
    return Tried(
        clients=clients,
        rate_per_s=rate_per_s,
        poll_interval_s=interval_s,
        events_per_poll=batch,
        predicted=predicted,
        push=measured[0],
        poll=measured[1],
        claims=claims,
        outcome="undecided" if predicted == "undecided" else "confirmed" if all(claims.values()) else "refuted",
    )


def _side(point: LoadPoint, predicted_load: Estimate) -> Side:
    """Return one transport of a comparison; loads are shares of the server's capacity, above 1 if they exceed it."""
    costs_us = [1e6 * load.server_cpu_s / load.window_s / load.parameters.clients for load in point.loads]
    late_ms = max(load.reach_beyond_model_ms for load in point.loads)
    return Side(
        predicted_load_ratio=predicted_load,
        server_cpu_ratio=point.server_cpu_ratio,
        cpu_us_per_client_s=estimate(sum(costs_us) / len(costs_us), costs_us, AT_LEAST_ZERO),
        p99_beyond_model_ms=late_ms,
        holds=not point.saturated and late_ms <= HELD_WITHIN_MS,
    )


def _claims(predicted: Predicted, push: Side, poll: Side) -> dict[str, bool]:
    """Return the claims that follow from the prediction, and whether each was met."""
    if predicted == "undecided":
        return {}
    better, worse = (push, poll) if predicted == "push" else (poll, push)
    claims = {"cheaper": present(better.cpu_us_per_client_s.value) < present(worse.cpu_us_per_client_s.value)}
    if present(better.predicted_load_ratio.value) <= SATURATED_FROM_RATIO:
        claims["holds"] = better.holds
    if present(worse.predicted_load_ratio.value) > 1:
        claims["other_does_not_hold"] = not worse.holds
    return claims


def _includes(estimate: Estimate, value: float) -> bool:
    return estimate.ci95 is not None and estimate.ci95[0] <= value <= estimate.ci95[1]
