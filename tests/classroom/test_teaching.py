"""The expected values in docs/using/teaching.md are the model's."""

from __future__ import annotations

import re

import pytest

from classroom.lanes.definitions import LANES
from classroom.page.predictions import predict
from classroom.run_settings import PRESETS, RunSettings
from system.processes import PROJECT_FOLDER

TEACHING = (PROJECT_FOLDER / "docs" / "using" / "teaching.md").read_text()
FIELDS = ("mean_ms", "p50_ms", "p95_ms", "max_ms", "requests_per_s", "requests_per_event")


def expected_rows() -> list[list[str]]:
    [table] = re.findall(r"^\| where .*?\n\|[ :|-]+\n(.*?)\n\n", TEACHING, re.DOTALL | re.MULTILINE)
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]


def settings_of(row: list[str]) -> RunSettings:
    _, rate, arrival, interval, *_ = row
    return RunSettings.model_validate_strings(
        {"rate_per_s": rate, "arrival": arrival, "poll_interval_s": interval.removesuffix(" s")}
    )


def shown(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.3g}" if value < 1000 else f"{value:.0f}"


@pytest.mark.parametrize("row", expected_rows(), ids=lambda row: " ".join(row[:5]))
def test_expected_values_are_the_models(row: list[str]) -> None:
    labels = row[4].split(", ")
    lanes = [lane for lane in LANES if lane.label in labels]
    assert len(lanes) == len(labels)
    for lane in lanes:
        prediction = predict(lane, settings_of(row))
        assert row[5:] == [shown(prediction[field] if prediction else None) for field in FIELDS]


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_has_its_row(name: str) -> None:
    [rows] = [[row for row in expected_rows() if row[0].lower() == name and row[4] == "Short poll"]]
    preset = PRESETS[name]
    assert [settings_of(row).model_copy(update={"payload_bytes": preset.payload_bytes}) for row in rows] == [preset]


def test_polls_are_predicted_at_each_setting_shown() -> None:
    settings = {tuple(row[1:4]) for row in expected_rows()}
    for label in ("Long poll", "Short poll"):
        assert {tuple(row[1:4]) for row in expected_rows() if row[4] == label} == settings
