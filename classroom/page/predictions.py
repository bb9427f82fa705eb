"""The models' predictions for each lane at the settings of a run, by the same closed forms as in the reports."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from analysis.models.model import Conditions
from analysis.models.registry import MODELS
from classroom.lanes.definitions import LANES, Lane
from classroom.page.formulas import formulas
from classroom.run_settings import RunSettings

router = APIRouter()

_FIGURES = (
    "mean_ms",
    "p50_ms",
    "p95_ms",
    "p99_ms",
    "max_ms",
    "requests_per_s",
    "requests_per_event",
    "empty_ratio",
)
_MISSED = "missed_ratio"


_CURVES = {
    "rate_per_s": [round(0.2 * 250 ** (step / 100), 4) for step in range(101)],
    "poll_interval_s": [step / 20 for step in range(2, 101)],
    "one_way_delay_ms": [2.0 * step for step in range(101)],
}
"""The settings that have a slider on the page, each with the values at which its curve is drawn."""


def _settings_of(query: dict[str, str]) -> RunSettings:
    try:
        return RunSettings.model_validate_strings(query)
    except ValidationError as error:
        raise RequestValidationError([{**e, "loc": ("query", *e["loc"])} for e in error.errors()]) from error


@router.get("/api/model")
async def model(request: Request) -> dict[str, Any]:
    """Return predictions by transport; null if there is no formula."""
    settings = _settings_of(dict(request.query_params))
    return {
        "settings": settings.model_dump(),
        "transports": {lane.transport: predict(lane, settings) for lane in LANES},
        "formulas": {lane.transport: _formulas(lane, settings) for lane in LANES},
    }


@router.get("/api/model/curve")
async def curve(request: Request) -> dict[str, Any]:
    """Return the mean age on each lane against one setting, with the others as in the query; null if unknown."""
    query = dict(request.query_params)
    knob = query.pop("knob", "")
    if knob not in _CURVES:
        raise HTTPException(422, f"knob: expected one of {', '.join(_CURVES)}, not {ascii(knob)[:40]}")
    settings = _settings_of(query)
    at = _CURVES[knob]
    here = [settings.model_copy(update={knob: value}) for value in at]
    return {
        "knob": knob,
        "at": at,
        "mean_ms": {lane.transport: [_mean_ms(lane, each) for each in here] for lane in LANES},
        "now_ms": {lane.transport: _mean_ms(lane, settings) for lane in LANES},
    }


def _mean_ms(lane: Lane, settings: RunSettings) -> float | None:
    figures = predict(lane, settings)
    return None if figures is None else figures["mean_ms"]


def predict(lane: Lane, settings: RunSettings) -> dict[str, float | None] | None:
    """Return latency, requests and losses of one client on one lane, per event or second; None without a formula."""
    conditions = _conditions_of(settings)
    expected = MODELS[lane.model].closed_form(conditions)
    missed_ratio = MODELS[lane.model].lost_ratio(conditions)
    if expected is None:
        return None if settings.cursor or missed_ratio is None else dict.fromkeys(_FIGURES) | {_MISSED: missed_ratio}
    figures = (
        expected.mean_s * 1000,
        expected.quantile_s(0.5) * 1000,
        expected.quantile_s(0.95) * 1000,
        expected.quantile_s(0.99) * 1000,
        expected.max_s * 1000,
        expected.requests_per_s,
        expected.requests_per_event,
        expected.empty_ratio,
    )
    return dict(zip(_FIGURES, figures, strict=True)) | {_MISSED: missed_ratio}


def _formulas(lane: Lane, settings: RunSettings) -> dict[str, str] | None:
    """Return the formula of each figure with the numbers put in; None without a formula."""
    expected = MODELS[lane.model].closed_form(_conditions_of(settings))
    return None if expected is None else formulas(expected, settings.rate_per_s)


def _conditions_of(settings: RunSettings) -> Conditions:
    return Conditions(
        rate_per_s=settings.rate_per_s,
        arrival=settings.arrival,
        one_way_delay_s=settings.one_way_delay_ms / 1000,
        poll_interval_s=settings.poll_interval_s,
        hold_s=settings.hold_s,
        keeps_cursor=settings.cursor,
    )
