"""Faults that a run asks its own servers to commit, checked before anything is measured."""

from __future__ import annotations

from contract.errors import UserError
from contract.faults import FaultSpecError, parse_fault
from contract.transports import TRANSPORTS
from loadtests.plan.scenario import Scenario


def checked_faults(specs: tuple[str, ...], scenario: Scenario, target: str | None) -> tuple[str, ...]:
    """Return the specifications in their shortest form; raise UserError if one is invalid or does not apply."""
    if not specs:
        return ()
    if target is not None:
        raise UserError(f"--fault {specs[0]}: not for the server at {target} (give it --fault where it is started)")
    for server in scenario.servers:
        if server.stack is None:
            raise UserError(f"--fault {specs[0]}: not for {server} (expected servers of the harness alone)")
    for name in scenario.transports:
        if TRANSPORTS[name].kind.clients_send:
            raise UserError(f"--fault {specs[0]}: {name} carries no event stream (expected a scenario without echoes)")
    for point in scenario.points():
        if (workers := point.parameters.workers) > 1:
            raise UserError(
                f"--fault {specs[0]}: not with workers = {workers} (expected workers = 1: faults number clients in the "
                "order in which they connect, which several processes do not know)"
            )
    try:
        return tuple(str(parse_fault(spec)) for spec in specs)
    except FaultSpecError as error:
        raise UserError(str(error)) from error
