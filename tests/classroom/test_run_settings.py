from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from classroom.run_settings import PRESETS, RunSettings


def test_defaults_are_those_of_the_page() -> None:
    assert RunSettings().model_dump() == {
        "rate_per_s": 1.0, "arrival": "poisson", "poll_interval_s": 1.0, "hold_s": 30.0, "one_way_delay_ms": 50.0,
        "payload_bytes": 100, "cursor": True, "duration_s": 30.0, "seed": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "lowest", "highest"),
    [
        ("rate_per_s", 0.05, 100),
        ("poll_interval_s", 0.1, 10),
        ("hold_s", 1, 60),
        ("one_way_delay_ms", 0, 500),
        ("payload_bytes", 0, 10_000),
        ("duration_s", 3, 300),
    ],
)
def test_limits(name: str, lowest: float, highest: float) -> None:
    for value in (lowest, highest):
        assert getattr(RunSettings.model_validate({name: value}), name) == value
    for value in (lowest - 1, highest + 1):
        with pytest.raises(ValidationError, match=name):
            RunSettings.model_validate({name: value})


@pytest.mark.parametrize(
    "bad",
    [
        {"rate_per_s": "1"}, {"rate_per_s": True}, {"rate_per_s": float("nan")}, {"payload_bytes": 1.5}, {"cursor": 1},
        {"arrival": "often"}, {"seed": -1}, {"seed": 1.0}, {"hold": 3}, {"hold_s": None},
    ],
)  # fmt: skip
def test_wrong_types_and_unknown_names_are_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        RunSettings.model_validate(bad)


def test_a_url_says_the_same_as_json() -> None:
    settings = RunSettings(rate_per_s=2.5, cursor=False, seed=7)
    query = {name: str(value).lower() for name, value in settings.model_dump(exclude_none=True).items()}
    assert RunSettings.model_validate_strings(query) == settings


def test_presets() -> None:
    assert list(PRESETS) == ["steady", "chat", "ticker", "idle", "burst"]
    assert PRESETS["ticker"].arrival == "periodic"
