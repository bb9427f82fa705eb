"""A scenario: the points that a run measures.

A scenario has a base value for every parameter, and sweeps that vary some of them around that base. Points are the base
of every transport plus the sweeps' values, on each of its servers if it names any; each point is measured once per
block.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import tomli_w

from contract.parameters import SERVER_PARAMETERS, WITHOUT_EFFECT, Parameters
from contract.records import JsonObject
from contract.transports import TRANSPORTS
from loadtests.plan.servers import NamedServer


@dataclass(frozen=True, slots=True)
class Sweep:
    """Parameters that are varied together (their product) for some transports."""

    transports: tuple[str, ...]
    values: tuple[tuple[str, tuple[Any, ...]], ...]


@dataclass(frozen=True, slots=True)
class Point:
    """One transport with its parameters."""

    transport: str
    parameters: Parameters


@dataclass(frozen=True, slots=True)
class Scenario:
    """A checked scenario."""

    name: str
    description: str
    repeats: int
    budget_s: float
    transports: tuple[str, ...]
    parameters: Parameters
    """The base parameters of all its transports."""
    sweeps: tuple[Sweep, ...]
    wrong_way: str = ""
    """The mistake that the scenario makes on purpose, and what to do instead; empty for all other scenarios."""
    precision: float | None = None
    """The half-width of the interval of each point's p50 to reach, as a ratio of the p50; None: no trials beyond
    `repeats`."""
    overload: bool = False
    """Whether points may overload the server on purpose: an overload then makes a point invalid, but not the run."""
    p99_bound_ms: float | None = None
    """If `clients` vary: how far the p99 may be above the model's within a transport's knee; None: the default."""
    servers: tuple[NamedServer, ...] = ()
    """The servers on each of which all points are measured; the others are compared with the first. Empty: only the
    harness's own server, started with the parameters."""

    def points(self) -> list[Point]:
        """Return the base points, then those of the sweeps, each once and on every server that has its transport."""
        points = [Point(name, TRANSPORTS[name].select(self.parameters)) for name in self.transports]
        for sweep in self.sweeps:
            names = [name for name, _ in sweep.values]
            for combination in itertools.product(*(values for _, values in sweep.values)):
                varied = self.parameters.replace(**dict(zip(names, combination, strict=True)))
                points += [Point(name, TRANSPORTS[name].select(varied)) for name in sweep.transports]
        if self.servers:
            points = [
                Point(point.transport, server.parameters(point.parameters))
                for point in points
                for server in self.servers
                if point.transport in server.transports
            ]
        return list(dict.fromkeys(points))

    def server(self, name: str | None) -> NamedServer | None:
        """Return the server with this name, a value of the parameter `server`; None if there is none."""
        return next((server for server in self.servers if server.name == name), None)

    def as_json(self) -> JsonObject:
        """Return the scenario with all its values for run.json."""
        return {
            **self._head(),
            "precision": self.precision,
            "transports": list(self.transports),
            "parameters": dict(self.parameters),
            "without_effect": list(WITHOUT_EFFECT),
            "sweeps": self._sweep_tables(),
            **self._servers_table(),
        }

    def as_toml(self) -> str:
        """Return the scenario as a file that `load_scenario` reads: the same points and numbers of trials."""
        precision = {} if self.precision is None else {"precision": self.precision}
        of_servers = {"server", *SERVER_PARAMETERS} if self.servers else set()
        parameters = {name: value for name, value in self.parameters.items() if name not in of_servers}
        tables = {"parameters": parameters, "sweep": self._sweep_tables(), **self._servers_table()}
        return tomli_w.dumps({**self._head(), **precision, "transports": list(self.transports), **tables})

    def _head(self) -> JsonObject:
        return {
            "name": self.name,
            "description": self.description,
            **({"wrong_way": self.wrong_way} if self.wrong_way else {}),
            **({"overload": True} if self.overload else {}),
            "repeats": self.repeats,
            "budget_s": self.budget_s,
            **({} if self.p99_bound_ms is None else {"p99_bound_ms": self.p99_bound_ms}),
        }

    def _servers_table(self) -> JsonObject:
        tables = {server.name: server.as_json(self.transports) for server in self.servers}
        return {"servers": tables} if tables else {}

    def _sweep_tables(self) -> list[JsonObject]:
        return [
            {"transports": list(sweep.transports), **{name: list(values) for name, values in sweep.values}}
            for sweep in self.sweeps
        ]
