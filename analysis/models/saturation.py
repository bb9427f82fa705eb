"""Where the closed forms end: what a busy server adds, how many clients it holds, and when polling is the cheaper.

Times are seconds, rates per second, bytes per event. docs/method/capacity.md puts some to the test.
"""

from __future__ import annotations

import math

WEBSOCKET_SMALL_PAYLOAD_BYTES = 125
"""RFC 6455, 5.2: above it the frame's length takes two bytes more."""
SSE_FRAMING_BYTES = 14
"""`data: `, the blank line and the chunk's framing; an `id:` line comes on top."""


def fan_out_mean_s(clients: int, send_cost_s: float, one_way_delay_s: float, rate_per_s: float | None = None) -> float:
    """Mean latency of a broadcast that costs c per send: d + (N + 1)c / 2, and with a rate the queue before it.

    The queue is that of Poisson events, ρNc / (2(1 - ρ)) with ρ = λNc (Pollaczek-Khinchine); infinite from ρ = 1.
    """
    burst_s = clients * send_cost_s
    queue_s = 0.0
    if rate_per_s is not None:
        load = rate_per_s * burst_s
        queue_s = load * burst_s / (2 * (1 - load)) if load < 1 else math.inf
    return one_way_delay_s + (clients + 1) * send_cost_s / 2 + queue_s


def fan_out_max_s(clients: int, send_cost_s: float, one_way_delay_s: float) -> float:
    """Latency of the last of N clients in an undisturbed broadcast: d + Nc."""
    return one_way_delay_s + clients * send_cost_s


def short_poll_requests_per_s(clients: int, pause_s: float, round_trip_s: float, service_s: float) -> float:
    """Throughput of N clients who pause after each answer: min(N / (Z + R + s), 1 / s)."""
    return min(clients / (pause_s + round_trip_s + service_s), 1 / service_s)


def short_poll_knee_clients(pause_s: float, round_trip_s: float, service_s: float) -> float:
    """Number of clients from which the server is saturated: (Z + R + s) / s."""
    return (pause_s + round_trip_s + service_s) / service_s


def long_poll_saturated_cycle_s(clients: int, request_cost_s: float, answer_cost_s: float) -> float:
    """How often a saturated server answers each long poll; events come in batches meanwhile."""
    return clients * (request_cost_s + answer_cost_s)


def poll_capacity_clients(interval_s: float, polls_per_s: float) -> float:
    """Clients that a server of this many polls a second can serve at this interval."""
    return interval_s * polls_per_s


def push_capacity_clients(rate_per_s: float, sends_per_s: float) -> float:
    """Clients that a server of this many sends a second can serve at this event rate."""
    return sends_per_s / rate_per_s


def crossover_interval_s(rate_per_s: float, sends_per_s: float, polls_per_s: float) -> float:
    """Above this poll interval polling holds more clients than push: λI > μ_push / μ_poll."""
    return sends_per_s / polls_per_s / rate_per_s


def poll_bytes_per_event(payload_bytes: float, header_bytes: float, rate_per_s: float, period_s: float) -> float:
    """b + H / (λP): one poll's headers shared by the events it brings."""
    return payload_bytes + header_bytes / (rate_per_s * period_s)


def websocket_bytes_per_event(payload_bytes: int) -> int:
    """Payload and the server's unmasked frame header, up to 64 KiB."""
    return payload_bytes + (2 if payload_bytes <= WEBSOCKET_SMALL_PAYLOAD_BYTES else 4)


def bytes_crossover_interval_s(rate_per_s: float, header_bytes: float, framing_bytes: float) -> float:
    """Above this poll interval polling sends fewer bytes than a channel with this framing: λI > H / framing."""
    return header_bytes / framing_bytes / rate_per_s
