"""docs/internals/classroom-protocol.md says what the classroom does."""

from __future__ import annotations

import re
import subprocess
import sys

from classroom import limits
from classroom.lanes.definitions import LANES
from classroom.page import app
from classroom.run_settings import RunSettings

from .conftest import CHECKOUT, PATIENCE_S, RunningClassroom

TEXT = (CHECKOUT / "docs" / "internals" / "classroom-protocol.md").read_text()


def test_every_route_is_named() -> None:
    paths = {route.path for router in app.ROUTERS for route in router.routes}  # type: ignore[attr-defined]  # ours are routes with a path
    assert paths
    for path in paths - {"/api/lesson"}:  # between the lesson's page and its server, and nobody else's
        assert path in TEXT, path
    for lane in LANES:
        assert f"{lane.path}?client=C" in TEXT


def test_settings_and_their_defaults() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (\S+) \|", TEXT, re.MULTILINE))
    defaults = {name: str(value).lower() for name, value in RunSettings().model_dump().items()}
    assert {name: shown.strip("`") for name, shown in rows.items()} == {
        name: {"none": "null"}.get(value, value.removesuffix(".0")) for name, value in defaults.items()
    }


def test_limits() -> None:
    for said in (
        f"{limits.MAX_CLIENTS} clients",
        f"{limits.MAX_CONNECTIONS_PER_LANE} connections",
        f"{limits.REQUESTS_PER_S:g} requests a second",
        f"{limits.MESSAGES_PER_S:g} messages a second",
        f"{limits.REPORTS_PER_S:g} reports a second",
        f"{limits.VOTES_PER_S:g} votes a second",
        f"{limits.MAX_MESSAGE_BYTES // 1024} KB a message",
        f"{limits.MAX_BODY_BYTES // 1024} KB a request's body",
    ):
        assert said in " ".join(TEXT.split()), said


def test_the_example_runs_as_it_stands(classroom: RunningClassroom) -> None:
    [example] = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    command = [sys.executable, "-W", "ignore", "-c", example, classroom.url]
    told = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    assert told.returncode == 0, told.stderr
    assert re.fullmatch(r"received 30, delivered 30, down \d+ bytes\n", told.stdout)
