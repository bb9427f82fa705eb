"""The servers that a scenario names; each point is measured on each of them, in the same blocks."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contract.errors import UserError
from contract.parameters import DEFAULTS, PARAMETERS, SERVER_PARAMETERS, Name, Parameters, Stack
from contract.records import JsonObject
from contract.transports import TRANSPORTS
from loadtests.plan.toml_values import known_keys, toml_value
from system.addresses import checked_url

PORT_FIELD, HOST_FIELD = "{port}", "{host}"
"""Placeholders in a command for the port and the address on which its server is to listen."""
_KEYS = ("stack", "command", "url", "transports", "server_processes")
_KINDS = ("stack", "command", "url")
_NAME = Name()


@dataclass(frozen=True, slots=True)
class NamedServer:
    """A server of a scenario. Exactly one of `stack`, `command` and `url` is not None."""

    name: str
    transports: tuple[str, ...]
    """The transports of the scenario that are measured on it."""
    stack: Stack | None = None
    """The stack of the harness's own server."""
    command: str | None = None
    """The command that starts the server for each trial, with `{port}` in place of the port."""
    url: str | None = None
    """The address of a server that is already running."""
    server_processes: int = DEFAULTS["server_processes"]
    """Number of the server's processes; not known for a running server."""

    def parameters(self, parameters: Parameters) -> Parameters:
        """Return the parameters of a point for this server."""
        stated = parameters.without(*SERVER_PARAMETERS).replace(server=self.name)
        return stated if self.url is not None else stated.replace(server_processes=self.server_processes)

    def arguments(self, host: str, port: int) -> list[str]:
        """Return the command's program and arguments; it runs without a shell."""
        return [
            word.replace(PORT_FIELD, str(port)).replace(HOST_FIELD, host) for word in shlex.split(self.command or "")
        ]

    def as_json(self, transports: tuple[str, ...]) -> JsonObject:
        """Return the server's table in a scenario with these transports."""
        table: JsonObject = {kind: getattr(self, kind) for kind in _KINDS if getattr(self, kind) is not None}
        if self.transports != transports:
            table["transports"] = list(self.transports)
        if self.server_processes != DEFAULTS["server_processes"]:
            table["server_processes"] = self.server_processes
        return table

    def __str__(self) -> str:
        return f"server {self.name} ({self.command or self.url or f'the {self.stack} stack'})"


def parse_servers(found: object, transports: tuple[str, ...], file: str) -> tuple[NamedServer, ...]:
    """Parse a scenario's table of servers; raise UserError for the first error in it."""
    if not isinstance(found, dict) or not all(isinstance(table, dict) for table in found.values()):
        raise UserError(
            f'{file}: servers = {toml_value(found)}: expected a table of servers, such as before = {{command = "…"}}'
        )
    servers = tuple(_server(name, table, transports, file) for name, table in found.items())
    if servers and (lacking := [name for name in transports if name not in servers[0].transports]):
        raise UserError(
            f"{file}: servers.{servers[0].name}.transports: lacks {', '.join(lacking)} (expected all transports of the "
            "scenario, as the other servers are compared with the first)"
        )
    return servers


def _server(name: str, table: Mapping[str, Any], transports: tuple[str, ...], file: str) -> NamedServer:
    where = f"{file}: servers.{name}"
    if not _NAME.accepts(name):
        raise UserError(f"{file}: servers.{toml_value(name)}: expected {_NAME.expected}")
    table = known_keys(table, _KEYS, file, f"servers.{name}.")
    kinds = [kind for kind in _KINDS if kind in table]
    if len(kinds) != 1:
        given = ", ".join(kinds) or "none of them"
        raise UserError(f"{where}: has {given} (expected one of {', '.join(_KINDS)})")
    kind, value = kinds[0], table[kinds[0]]
    if kind == "stack":
        _check_parameter("stack", value, where)
    elif not isinstance(value, str) or not value.strip():
        raise UserError(f"{where}.{kind} = {toml_value(value)}: expected a text")
    if kind == "command":
        _check_command(value, where)
    if kind == "url":
        value = checked_url(f"{where}.url", value)
    processes = table.get("server_processes", DEFAULTS["server_processes"])
    _check_parameter("server_processes", processes, where)
    if kind == "url" and "server_processes" in table:
        raise UserError(
            f"{where}.server_processes: not known of a server that is already running (expected no such key)"
        )
    return NamedServer(
        name=name,
        transports=_transports(table.get("transports"), transports, where),
        server_processes=processes,
        **{kind: value},
    )


def _check_parameter(name: str, value: object, where: str) -> None:
    rule = PARAMETERS[name].rule
    if not rule.accepts(value):
        raise UserError(f"{where}.{name} = {toml_value(value)}: expected {rule.expected}")


def _check_command(command: str, where: str) -> None:
    given = f"{where}.command = {toml_value(command)}"
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise UserError(f"{given}: {str(error).lower()} (expected words as a shell takes them)") from error
    if not any(PORT_FIELD in word for word in words[1:]):
        raise UserError(f"{given}: has no {PORT_FIELD} (expected it in place of the port on which to listen)")


def _transports(found: object, transports: tuple[str, ...], where: str) -> tuple[str, ...]:
    if found is None:
        return transports
    if not isinstance(found, list) or not found:
        raise UserError(f"{where}.transports = {toml_value(found)}: expected a list of the scenario's transports")
    for name in found:
        if name not in transports:
            known = f"expected one of {', '.join(transports)}, the scenario's"
            what = "not of this scenario" if name in TRANSPORTS else "unknown transport"
            raise UserError(f"{where}.transports = {toml_value(name)}: {what} ({known})")
    return tuple(name for name in transports if name in found)
