"""Trials against servers in another hand, each of which does within the standards what ours do not.

A `--target` run over every transport that it concerns, by the commands that a person uses.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.loadtests.raw_server import Behaviour, RawServer, raw_server
from tests.test_end_to_end import STREAMS, command, scenario

POINT = dict[str, Any]


def measured(folder: Path, transports: str, behaviour: Behaviour) -> tuple[dict[str, POINT], RawServer]:
    """The points of a run against a server that behaves so, by transport."""
    with raw_server(behaviour) as (url, server):
        ran = command(
            "loadtests", "run", scenario(folder, transports), "--results", folder / "results", "--target", url
        )
        assert ran.returncode == 0, ran.stderr
        summarized = command("analysis", "summary", folder / "results" / "latest")
        assert summarized.returncode == 0, summarized.stderr
    summary = json.loads((folder / "results" / "latest" / "summary.json").read_text())
    return {point["transport"]: point for point in summary["points"]}, server


def check_all_delivered(points: dict[str, POINT]) -> None:
    for point in points.values():
        ledger = point["ledger"]
        assert ledger["delivered"] == ledger["expected"] > 0
        assert ledger["lost"] == ledger["duplicate"] == ledger["reordered"] == ledger["corrupt"] == 0
        assert point["requests"]["errors"] == 0


@pytest.mark.parametrize("behaviour", [Behaviour()], ids=["plain"])
def test_every_transport(behaviour: Behaviour, tmp_path: Path) -> None:
    points, _ = measured(tmp_path, f'{STREAMS}, "echo_post"', behaviour)
    assert len(points) == 5
    check_all_delivered(points)
