"""What theory expects of each lane at the settings of a run, from the same closed forms as the benchmark's reports."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from analysis.model import Conditions, expect
from classroom.lanes import LANES, Lane
from classroom.settings import RunSettings

router = APIRouter()


@router.get("/api/model")
async def model(request: Request) -> dict[str, Any]:
    """Predictions by transport; null where no formula is known."""
    try:
        settings = RunSettings.model_validate_strings(dict(request.query_params))
    except ValidationError as error:
        raise RequestValidationError([{**e, "loc": ("query", *e["loc"])} for e in error.errors()]) from error
    return {
        "settings": settings.model_dump(),
        "transports": {lane.transport: predict(lane, settings) for lane in LANES},
    }


def predict(lane: Lane, settings: RunSettings) -> dict[str, float | None] | None:
    """Latency and requests of one client on one lane, per event or second; None where no formula is known."""
    if lane.polls and not settings.cursor:
        return None  # what a poll without a cursor brings is another question: it also loses events
    expected = expect(
        lane.model,
        Conditions(
            rate_per_s=settings.rate_per_s,
            arrival=settings.arrival,
            one_way_delay_s=settings.one_way_delay_ms / 1000,
            poll_interval_s=settings.poll_interval_s,
            hold_s=settings.hold_s,
        ),
    )
    if expected is None:
        return None
    return {
        "mean_ms": expected.mean_s * 1000,
        "p50_ms": expected.quantile_s(0.5) * 1000,
        "p95_ms": expected.quantile_s(0.95) * 1000,
        "p99_ms": expected.quantile_s(0.99) * 1000,
        "max_ms": expected.max_s * 1000,
        "requests_per_s": expected.requests_per_s,
        "requests_per_event": expected.requests_per_event,
        "empty_ratio": expected.empty_ratio,
    }
