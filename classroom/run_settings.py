"""The settings of a run that the page offers, within limits that a classroom's machine can bear."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from contract.parameters import Arrival

MAX_SEED = 2**53 - 1
"""The largest integer that JSON numbers represent exactly in every language."""


class RunSettings(BaseModel):
    """One run's settings; JSON bodies, the query of /api/model and the page's URL use the same names."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    rate_per_s: float = Field(1.0, ge=0.05, le=100, allow_inf_nan=False, description="events per second")
    arrival: Arrival = "poisson"
    poll_interval_s: float = Field(1.0, ge=0.1, le=10, allow_inf_nan=False, description="short polling")
    hold_s: float = Field(30.0, ge=1, le=60, allow_inf_nan=False, description="long polling")
    one_way_delay_ms: float = Field(50.0, ge=0, le=500, allow_inf_nan=False)
    payload_bytes: int = Field(100, ge=0, le=10_000)
    cursor: bool = Field(True, description="whether polls name the last event they have; without it they miss events")
    duration_s: float = Field(30.0, ge=3, le=300, allow_inf_nan=False)
    seed: int | None = Field(None, ge=0, le=MAX_SEED, description="seed of the stream; null: random for each run")


PRESETS = {
    "steady": RunSettings(),
    "chat": RunSettings(rate_per_s=0.5, arrival="poisson", payload_bytes=40),
    "ticker": RunSettings(rate_per_s=10, arrival="periodic", payload_bytes=120),
    "idle": RunSettings(rate_per_s=0.05, arrival="poisson"),
    "burst": RunSettings(rate_per_s=5, arrival="burst"),
}
"""Settings for common situations."""
