"""Faults that a run asks its own servers to commit, checked before anything is measured."""

from __future__ import annotations

import json
import subprocess
import sys

from contract.errors import UserError
from contract.transports import TRANSPORTS
from loadtests.plan.scenario import Scenario
from system.process_environment import without_settings
from system.processes import PROJECT_FOLDER


def checked_faults(specs: tuple[str, ...], scenario: Scenario, target: str | None) -> tuple[str, ...]:
    """Return the specifications in their shortest form; raise UserError if one is invalid or does not apply."""
    if not specs:
        return ()
    if target is not None:
        raise UserError(f"--fault {specs[0]}: not for the server at {target} (give it --fault where it is started)")
    for name in scenario.transports:
        if TRANSPORTS[name].kind.clients_send:
            raise UserError(f"--fault {specs[0]}: {name} carries no event stream (expected a scenario without echoes)")
    for point in scenario.points():
        workers = point.as_dict()["workers"]
        if workers > 1:
            raise UserError(
                f"--fault {specs[0]}: not with workers = {workers} (expected workers = 1: faults number clients in the "
                "order in which they connect, which several processes do not know)"
            )
    # The servers know what they can do wrong; they are a program of their own here as everywhere.
    asked = subprocess.run(
        [sys.executable, "-m", "servers", "faults", "--", *specs],
        cwd=PROJECT_FOLDER,
        env=without_settings(),
        capture_output=True,
        text=True,
        check=False,
    )
    if asked.returncode:
        raise UserError(asked.stderr.strip().removeprefix("servers: "))
    return tuple(json.loads(asked.stdout))
