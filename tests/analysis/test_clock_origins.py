"""A run says the same whenever its clock began: days before it, five seconds before, or in its midst."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import fabricate_trial
from tests.fabricate import BROADCAST, ECHO, Fabrication, fabricate_run
from tests.fabricate_trial import NS_PER_S, Faults
from tests.runs import summarized

DAY_NS = 24 * 3600 * NS_PER_S
FAULTS = Faults(missing_stamps=2)


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every figure and text of a document by its place in it, but for those that count the digits of stamps."""
    if isinstance(value, dict):
        for name, part in value.items():
            if "bytes" not in name and not name.startswith("verdict"):
                yield from leaves(part, f"{path}.{name}")
    elif isinstance(value, list | tuple):
        for index, part in enumerate(value):
            yield from leaves(part, f"{path}.{index}")
    else:
        yield path, value


def figures(folder: Path, transports: tuple[str, ...], t0_ns: int, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setattr(fabricate_trial, "T0_NS", t0_ns)
    # Of polls that are asked for every 0.1 s and take 0.16 s some are skipped, and have no time of their own.
    fabrication = Fabrication(transports, (0.1,), (), clients=3, measured_s=6.0, one_way_delay_ms=80.0, blocks=2)
    run = fabricate_run(folder / str(t0_ns), fabrication, dict.fromkeys(range(10), FAULTS))
    return dict(leaves(summarized(run)))


@pytest.mark.parametrize("transports", [BROADCAST, ECHO])
def test_the_summary_is_the_same(tmp_path: Path, transports: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    ordinary = figures(tmp_path, transports, 5000 * NS_PER_S, monkeypatch)
    for t0_ns in (5 * NS_PER_S, 300 * DAY_NS, -NS_PER_S // 7, -4 * NS_PER_S + 1):
        found = figures(tmp_path, transports, t0_ns, monkeypatch)
        assert found.keys() == ordinary.keys()
        for name, value in found.items():
            if name.endswith("p_value"):
                # Of a difference of nanoseconds between two that are the same, it is what rounding makes of it.
                continue
            # Stamps are whole nanoseconds, and the two clocks drift against each other.
            close = pytest.approx(ordinary[name], rel=1e-4, abs=1e-5) if isinstance(value, float) else ordinary[name]
            assert value == close, name
