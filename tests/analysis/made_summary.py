"""Summaries made by hand, with every key of docs/using/summary.md: what charts and reports are tried on."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from analysis.summary.point_figures import POINT_FIGURES
from analysis.summary.results import Results
from contract.parameters import Parameters
from contract.records import JsonObject
from contract.summary import Point, Summary
from contract.transports import TRANSPORTS, TransportStyle

WITHOUT_INTERVAL = (
    "setup_bytes_per_client_ci95", "time_to_connect_s_ci95",
    *(f"{role}_cpu_us_per_event_ci95" for role in ("server", "load", "relay")),
    *(f"{role}_connected_rss_bytes_ci95" for role in ("server", "load")),
    *(f"{role}_rss_bytes_per_client_ci95" for role in ("server", "load")),
)  # fmt: skip
BROADCAST = ("websocket", "sse", "long_poll", "short_poll")
ECHO = ("echo_websocket", "echo_post", "echo_post_new")


def style(name: str) -> TransportStyle:
    return TRANSPORTS[name].style


BASE = Parameters.of({
    "clients": 50, "rate_per_s": 5.0, "arrival": "poisson", "payload_bytes": 64, "one_way_delay_ms": 25.0,
    "warm_up_s": 1.0, "measured_s": 20.0, "poll_interval_s": 1.0, "hold_s": 30.0,
})  # fmt: skip
"""Base parameters of every summary made here."""
CHOICES: JsonObject = {"stack": "fastapi", "compression": "off", "headers": "lean", "keep_alive": True}
"""Base choices of those that make choices."""


def parameters(name: str, **changes: Any) -> JsonObject:
    taken = TRANSPORTS[name].parameters
    return {k: v for k, v in {**BASE, **changes}.items() if k not in ("poll_interval_s", "hold_s") or k in taken}


def _estimate(value: float, low: float, high: float) -> JsonObject:
    return {"value": value, "ci95": [low * value, high * value], "corrected": False}


def _difference(value: float) -> JsonObject:
    return {"value": value, "ci95": [value - 1, value + 1], "p_value": 0.001, "blocks": 3, "noise_floor_ms": None}


def point(name: str, p50_ms: float, requests: float, **changes: Any) -> JsonObject:
    """A point whose other figures follow from its median and requests per second by fixed factors."""
    polling = TRANSPORTS[name].role == "polling"
    asked = parameters(name, **{k: v for k, v in changes.items() if k in BASE or k in CHOICES})
    per_event = requests / asked["rate_per_s"]
    latency = {"mean": 1.02 * p50_ms, "p50": p50_ms, "p90": 1.6 * p50_ms, "p95": 1.8 * p50_ms, "p99": 1.95 * p50_ms}
    model = {
        "mean_ms": p50_ms, "p50_ms": p50_ms, "p95_ms": 1.8 * p50_ms, "p99_ms": 1.9 * p50_ms,
        "requests_per_event": 1.01 * per_event,
    }  # fmt: skip
    made: JsonObject = {
        "transport": name, "parameters": asked, "base": changes.get("base", True), "trials": 3, "events": 300,
        "deliveries": 15000,
        "latency_ms": latency | {"max": 2 * p50_ms} | {
            f"{key}_ci95": [0.97 * value, 1.04 * value] for key, value in latency.items() if key != "p90"
        },
        "latency_withheld": None, "quantiles_withheld": None, "intervals_withheld": None, "precision": None,
        "estimates": {
            "mean_ms": _estimate(latency["mean"], 0.97, 1.04), "requests_per_event": _estimate(per_event, 0.99, 1.01),
            "requests_per_s": _estimate(requests, 0.99, 1.01),
        },
        "reach_ms": {"p99": 1.95 * p50_ms, "p99_ci95": [1.9 * p50_ms, 2 * p50_ms], "model_p99": 1.9 * p50_ms},
        "latency_stamp": "kernel",
        "parts_ms": {
            "server_lag": {"mean": 0.04, "p50": 0.03, "p99": 0.2}, "queue": None,
            "delivery": {"mean": 1.02 * p50_ms, "p50": p50_ms, "p99": 1.9 * p50_ms},
            "client_delay": {"mean": 0.12, "p50": 0.1, "p99": 0.4},
        },
        "stamps": {"missing": 0, "coalesced": 12, "conversion_error_us": 0.31, "drift_ppm": -0.2},
        "freshness": None if name.startswith("echo") else {
            "older_than_100_ms_ratio": 0.6 if p50_ms > 100 else 0.0, "older_than_1_s_ratio": 0.0,
            "mean_age_ms": p50_ms / 2, "older_than_100_ms_ratio_ci95": [0.55, 0.65] if p50_ms > 100 else [0.0, 0.0],
            "older_than_1_s_ratio_ci95": [0.0, 0.0], "mean_age_ms_ci95": [0.49 * p50_ms, 0.51 * p50_ms],
        },
        "steady_state": {"read_ratio": 1.01, "reason": None},
        "requests_per_event": per_event, "requests_per_s": requests,
        "requests_per_event_ci95": [0.99 * per_event, 1.01 * per_event],
        "requests_per_s_ci95": [0.99 * requests, 1.01 * requests],
        "empty_ratio": 0.2 if polling else None, "empty_ratio_ci95": [0.18, 0.22] if polling else None,
        "requests": {
            "connects": 150, "handshakes": 150, "polls": int(3000 * requests), "posts": 0, "empty": 20, "skipped": 0,
            "reconnects": 0, "errors": 0,
        },
        "bytes_per_event": {"up": 20 * per_event, "down": 130 + 90 * per_event, "total": 130 + 110 * per_event},
        "bytes_per_event_ci95": dict.fromkeys(("up", "down", "total")),
        "bytes_split_per_event": {
            "payload": 118.0, "framing_and_headers": 12 + 90 * per_event, "empty_polls": 20 * per_event,
            "tcp_ip": 70 + 100 * per_event,
        },
        "setup_bytes_per_client": 512.0, "setup_ms": {"p50": 76.0, "p50_ci95": None, "max": 91.0},
        **dict.fromkeys(WITHOUT_INTERVAL),
        "server_cpu_us_per_event": 30 + 40 * per_event, "load_cpu_us_per_event": 22 + 35 * per_event,
        "server_cpu_ratio": 0.004 * asked["clients"], "load_cpu_ratio": 0.005 * asked["clients"],
        "relay_cpu_us_per_event": 20 + 30 * per_event, "relay_cpu_ratio": 0.003 * asked["clients"],
        "server_stolen_ratio": 0.0, "load_stolen_ratio": 0.0, "throttled_ms": 0.0,
        "server_core_others_ratio": 0.01, "load_core_others_ratio": 0.02,
        "server_rss_bytes": 61_000_000, "load_rss_bytes": 88_000_000,
        "time_to_connect_s": 0.001 * asked["clients"],
        "server_connected_rss_bytes": 50e6 + 10e3 * asked["clients"], "server_rss_bytes_per_client": 10e3,
        "load_connected_rss_bytes": 80e6 + 8e3 * asked["clients"], "load_rss_bytes_per_client": 8e3,
        "ledger": {
            "expected": 16000, "delivered": 16000, "lost": 0, "duplicate": 0, "reordered": 0, "late": 0, "corrupt": 0,
        },
        "loss": {"ratio": 0.0, "model_ratio": 0.0, "closed_form_ratio": 0.0}, "latency_split_ms": None,
        "queue_model": dict.fromkeys((*model, "answer_us", "waking_us", "read_us")) | {"reason": "not measured"},
        "model": model, "closed_form": model, "residual_ms": {"mean": 0.2, "p50": 0.1, "p99": 1.2},
        "against_reference": None if name in ("websocket", "echo_websocket") else {
            "p50_difference_ms": _difference(p50_ms - 25), "p95_difference_ms": None,
            "mean_difference_ms": _difference(p50_ms - 25), "ratio_p50": p50_ms / 25, "clock_uncertainty_ms": 0.0,
            "costs": {},
        },
        "valid": True, "invalid_reasons": [],
    }  # fmt: skip
    return {**made, "by_block": by_block(made)}


def by_block(made: JsonObject, spread_ratio: float = 0.01) -> JsonObject:
    """Of three trials around each figure of the point."""
    typed = Point.parse(made)
    known = {name: value for name, of in POINT_FIGURES.items() if (value := of.value(typed)) is not None}
    changes = (1 - spread_ratio, 1.0, 1 + spread_ratio)
    return {"block": [0, 1, 2], **{name: [change * value for change in changes] for name, value in known.items()}}


def summary(points: Sequence[JsonObject], varied: Sequence[str] = (), **changes: Any) -> JsonObject:
    names = list(dict.fromkeys(p["transport"] for p in points))
    return {
        "format": "push-vs-poll/summary", "version": 1, "scenario": "made", "valid": True, "invalid_reasons": [],
        "verdict": "WebSocket delivers in 25.2 ms.", "verdict_lines": ["SSE: the same.", "Polling is dear."],
        "warnings": ["3 trials a point: intervals are wide."],
        "reference": names[0], "transports": [dataclasses.asdict(style(name)) for name in names], "base_point": 0,
        **dict.fromkeys(("wrong_way", "noise_floor", "noise_floor_from", "scaling", "capacity")),
        "overload": False, "set_aside": [], "workers": [],
        "varied": list(varied), "quantile_definition": "nearest rank", "planned_trials": 3 * len(points),
        "finished_trials": 3 * len(points), "fixed_work_ms": {"value": 1.25, "ci95": [1.2, 1.3]},
        "points": list(points), **changes,
    }  # fmt: skip


def typed(point: JsonObject) -> Point:
    """A point made here, as the analysis has it."""
    return Point.parse(point)


def results(summary: JsonObject, base: Parameters = BASE) -> Results:
    """The results of a summary made here."""
    return Results.of(Summary.parse(summary), base)


def traced(delay_ms: float = 25.0) -> JsonObject:
    """`standard` as with the server's trace: of every delivery's time, what exceeds the network is the server's."""
    made = standard(delay_ms)
    for entry in made["points"]:
        whole = entry["parts_ms"]["delivery"]
        entry["parts_ms"]["delivery"] = {name: min(value, delay_ms) for name, value in whole.items()}
        entry["parts_ms"]["queue"] = {name: max(value - delay_ms, 0.05) for name, value in whole.items()}
    return made


def standard(delay_ms: float = 25.0, intervals_s: Sequence[float] = (0.1, 0.25, 1.0, 2.5, 5.0)) -> JsonObject:
    """Four transports, short poll's interval swept, the event rate swept for all."""
    push = delay_ms + 0.2
    points = [point("websocket", push, 0.0), point("sse", push + 0.05, 0.0), point("long_poll", push * 1.3, 4.1)]
    points += [
        point("short_poll", 500 * every + push, 1 / every, poll_interval_s=every, base=every == 1.0)
        for every in intervals_s
    ]
    for rate in (1.0, 20.0):
        points += [point(name, push, 0.0, rate_per_s=rate, base=False) for name in ("websocket", "sse")]
        points.append(point("long_poll", push * 1.4, rate / (1 + rate / 20), rate_per_s=rate, base=False))
        points.append(point("short_poll", 500 + push, 1.0, rate_per_s=rate, base=False))
    return summary(points, ["poll_interval_s", "rate_per_s"])


def chosen() -> JsonObject:
    """Stack and compression varied for two transports, keep-alive for the one that polls."""
    rows: list[tuple[str, float, JsonObject]] = [
        ("websocket", 0.0, {}), ("short_poll", 1.0, {}), ("websocket", 0.0, {"stack": "asgi"}),
        ("short_poll", 1.0, {"stack": "asgi"}), ("websocket", 0.0, {"compression": "deflate"}),
        ("short_poll", 1.0, {"compression": "deflate"}), ("short_poll", 1.2, {"keep_alive": False}),
    ]  # fmt: skip
    shared = {"stack": "fastapi", "compression": "off"}
    points = [
        point(name, 25.0 if name == "websocket" else 525.0, asked, base=not choice,
              **(shared | ({"keep_alive": True} if name == "short_poll" else {}) | choice))
        for name, asked, choice in rows
    ]  # fmt: skip
    return summary(points, ["stack", "compression", "keep_alive"])


SCALED_CLIENTS = (50, 300, 1000, 3000, 10_000)


def scaled() -> JsonObject:
    """Four transports from 50 to 10,000 clients, of which the last point is not valid."""
    kinds = (("websocket", 0.0, 0.02), ("sse", 0.0, 0.018), ("long_poll", 4.0, 0.05), ("short_poll", 0.2, 0.0))
    points = [
        point(name, (2500.0 if name == "short_poll" else 0.5) + slope_ms * clients / 2, requests, clients=clients,
              base=clients == 50)
        for clients in SCALED_CLIENTS
        for name, requests, slope_ms in kinds
    ]  # fmt: skip
    points[-1] |= {"valid": False, "invalid_reasons": ["trial 003: too much"]}
    return summary(points, ["clients"], scaling={
        "p99_bound_ms": 100.0, "transports": {name: _scaling_of(name) for name, _, _ in kinds},
    })  # fmt: skip


def _scaling_of(name: str) -> JsonObject:
    fans_out = name in ("websocket", "sse")
    ratio = 1.5 if name == "long_poll" else 1.05
    further = {"lower": 20.0, "upper": 20.0 * ratio, "from_clients": 50, "split_at_clients": 1000,
               "to_clients": 10_000, "ratio": ratio, "flat": ratio < 1.2}  # fmt: skip
    return {
        "clients": list(SCALED_CLIENTS),
        "knee": {"clients": 3000, "position": "between", "next_clients": 10_000},
        "slope_us_per_client": {
            "mean": {"value": 10.2, "ci95": [9.5, 11.0]}, "max": {"value": 20.4, "ci95": [19.0, 22.0]},
        },
        "law": {
            "service_us": 20.0, "per": "delivery" if fans_out else "request",
            "mean_slope_us": 10.0 if fans_out else None, "max_slope_us": 20.0 if fans_out else None,
            "saturated_at_clients": 100_000.0, "cycle_ms": 200.0 if name == "long_poll" else None,
        },
        "further": {
            "server_cpu_us_per_event": None if name == "short_poll" else further, "load_cpu_us_per_event": further,
            "server_rss_bytes_per_client": further, "load_rss_bytes_per_client": further,
        },
    }  # fmt: skip
