"""The rehearsal's command line; what it measures is in test_class.py."""

from __future__ import annotations

import pytest

from classroom import rehearsal

pytestmark = pytest.mark.clocks


@pytest.mark.parametrize(
    "arguments",
    [
        ["--devices", "0"],
        ["--devices", "101"],
        ["--devices", "x"],
        ["--rate", "0"],
        ["--rate", "nan"],
        ["--seconds", "301"],
    ],
    ids="".join,
)
def test_a_mistake_is_named_in_one_sentence(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        rehearsal.main(arguments)
    assert caught.value.code == 2
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert arguments[0] in said
    assert "from" in said


def test_figures_are_told_with_their_units_and_a_dash_for_none() -> None:
    one = {"devices": 1, "deliveries": 0, "latency_ms": {"p50": None, "p95": None, "max": None}, "missed": 0}
    seen = {
        "transports": dict.fromkeys(("websocket", "sse", "long_poll", "short_poll"), one),
        "refused": {"too_early": 2, "in_future": 1},
        "clock_uncertainty_ms": {"p50": 0.25, "max": None},
    }
    late = {"p50": 0.01, "p99": 1.5, "max": 2.0}
    lines = rehearsal.Rehearsed(4, 50, 10.0, 0.125, 90.2, late, seen).lines()
    assert len(lines) == 7
    assert lines[1].startswith("server: 12% of one core, 90 MB")
    assert "(median; 99 % within 1.50, all within 2.00)" in lines[1]
    assert "median –, 95 % within –, oldest –, missed 0" in lines[2]
    assert lines[-1] == "refused: 3; clocks agree to ±0.2 ms on half of the devices, to ±– on all"
