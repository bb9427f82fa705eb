"""What the system must allow a run before it starts: open files of each process, and local ports of its connections."""

from __future__ import annotations

import dataclasses
import sys
from urllib.parse import urlsplit

from loadtests.records import PlannedTrial, UserError
from loadtests.source_addresses import can_vary_sources, ephemeral_ports, ports_held, usable_ports

_DESCRIPTORS_BESIDE_CLIENTS = 128
_LOOPBACK = "127.0.0.1"
"""Where the harness' own servers and relays listen."""


def ensure_descriptors(trials: tuple[PlannedTrial, ...]) -> None:
    """Raise this process' limit of open files as far as the run needs and the system lets; UserError where it does not.

    Children inherit the limit: server and load hold a socket per client, a relay two.
    """
    most = max(trials, key=_open_sockets)
    relayed = bool(most.parameters["one_way_delay_ms"])
    who = "the relay (two per client)" if relayed else "server and load (one per client)"
    _ensure(int(most.parameters["clients"]), _sockets_per_client(most), who)


def ensure_share(trial: PlannedTrial, clients: int, host: str) -> None:
    """The same for a worker that has so many of a trial's clients, which it connects to `host`: files and ports.

    UserError where its machine does not allow them; what server and relay need is not its concern.
    """
    _ensure(clients, 1, "a worker (one per client)")
    share = dataclasses.replace(trial, parameters={**trial.parameters, "clients": clients})
    if not can_vary_sources(host):
        _ensure_ports_for(share, f"connections to {host}")


def _ensure(clients: int, sockets_per_client: int, who: str) -> None:
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415 - not on Windows

    needed = clients * sockets_per_client + _DESCRIPTORS_BESIDE_CLIENTS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        within = max(0, hard - _DESCRIPTORS_BESIDE_CLIENTS) // sockets_per_client
        raise UserError(
            f"clients = {clients}: {who} must have {needed} files open, the hard limit of open "
            f"files is {hard} here (expected at most {within} clients, or a higher limit: as "
            f"root ulimit -n {needed}, or * - nofile {needed} in /etc/security/limits.conf and a new login)"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def ensure_ports(trials: tuple[PlannedTrial, ...], target: str | None) -> None:
    """UserError where the clients, or the relay for them, need more ports than there are to one destination.

    On Linux's loopback there are as many as needed: clients take further source addresses of 127.0.0.0/8 in turn.
    """
    host = (urlsplit(target).hostname or "") if target else _LOOPBACK
    for trial in trials:
        relayed = bool(trial.parameters["one_way_delay_ms"])
        # The harness' own relay stands on loopback wherever the server is, but it has one address of its own.
        if relayed or not can_vary_sources(host):
            _ensure_ports_for(trial, "the relay's connections" if relayed else f"connections to {host}")


def _ensure_ports_for(trial: PlannedTrial, who: str) -> None:
    ports, held = ephemeral_ports(), ports_held(trial)
    if held > usable_ports(ports):
        raise UserError(
            f"clients = {trial.parameters['clients']}: {who} need {held} local ports at a time, {ports} are there "
            "(expected fewer clients, or a wider range: sysctl net.ipv4.ip_local_port_range='1024 65535')"
        )


def _open_sockets(trial: PlannedTrial) -> int:
    """Sockets that the process of a trial that has the most of them holds at once."""
    return int(trial.parameters["clients"]) * _sockets_per_client(trial)


def _sockets_per_client(trial: PlannedTrial) -> int:
    return 2 if trial.parameters["one_way_delay_ms"] else 1
