"""System limits that are checked before a run: open files of each process, and local ports of its connections."""

from __future__ import annotations

import bisect
import dataclasses
import math
import sys
from collections.abc import Callable
from functools import partial

from contract.errors import UserError
from contract.records import PlannedTrial
from loadtests.engine.load_processes import ONE_PROCESS, LoadProcesses
from loadtests.plan.population import ports_held
from system.addresses import Endpoint, can_vary_sources, ephemeral_ports, usable_ports
from system.descriptor_limits import raise_limit_to

_DESCRIPTORS_BESIDE_CLIENTS = 128
_SPREAD_RISK = 1e-9
"""The acceptable probability that a trial assigns more clients to a server process than it has files for."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Holder:
    """A process of a trial, or each of several identical ones, with the sockets that it holds for clients."""

    who: str
    sockets: int

    @property
    def files(self) -> int:
        return self.sockets + _DESCRIPTORS_BESIDE_CLIENTS


def ensure_descriptors(
    trials: tuple[PlannedTrial, ...], load_processes: LoadProcesses = ONE_PROCESS, target: Endpoint | None = None
) -> None:
    """Raise this process's limit of open files as far as the run needs; UserError if the system does not allow it.

    The limit applies to each process, and children inherit it.
    """
    for trial in trials:
        _ensure(trial.parameters.clients, partial(_busiest, trial, load_processes, target is None))


def ensure_share(trial: PlannedTrial, clients: int, host: str) -> None:
    """Ensure that a worker can open this many of a trial's clients, which connect to `host`.

    Raise UserError if its machine does not allow the files or ports. Server and relay are checked by `ensure_…`.
    """
    _ensure(clients, partial(_Holder, "a worker (one per client)"))
    if not can_vary_sources(host):
        _ensure_ports_for(trial, clients, f"connections to {host}")


def largest_share(connections: int, processes: int) -> int:
    """Return how many connections each of several server processes on one port must be able to accept.

    Linux assigns each connection to one of them by a hash of its addresses and ports (SO_REUSEPORT), so that the number
    per process is binomial. By Bernstein's inequality, P(X >= mean + t) <= exp(-t^2 / (2 (variance + t / 3))), some
    process gets more than this in at most one trial of a thousand million. Elsewhere they share one queue, and one of
    them may accept all.
    """
    if processes == 1 or not sys.platform.startswith("linux"):
        return connections
    mean = connections / processes
    variance = mean * (1 - 1 / processes)
    log_odds = math.log(processes / _SPREAD_RISK)
    beyond = log_odds / 3 + math.sqrt((log_odds / 3) ** 2 + 2 * log_odds * variance)
    return min(connections, math.ceil(mean + beyond))


def _busiest(trial: PlannedTrial, load_processes: LoadProcesses, serves: bool, clients: int) -> _Holder:
    """Return the process on this machine with the most sockets; `serves` says whether the server is one of them."""
    processes = trial.parameters.server_processes
    holders: list[_Holder] = []
    if serves and processes == 1:
        holders.append(_Holder("the server (one per client)", clients))
    elif serves:
        who = f"each of the server's {processes} processes (one per client, spread by the kernel)"
        holders.append(_Holder(who, largest_share(clients, processes)))
    if load_processes.local:
        loads = load_processes.workers or 1
        who = (
            f"each of {loads} load processes (one per client of its own)" if loads > 1 else "the load (one per client)"
        )
        holders.append(_Holder(who, -(-clients // loads)))
    if trial.parameters.one_way_delay_ms:
        holders.append(_Holder("the relay (two per client)", 2 * clients))
    return max(holders, key=lambda holder: holder.sockets, default=_Holder("", 0))


def _ensure(clients: int, busiest: Callable[[int], _Holder]) -> None:
    """Raise the limit of open files to what `busiest`, the process with the most sockets, needs for these clients."""
    holder = busiest(clients)
    refusal = raise_limit_to(holder.files)
    if refusal is None:
        return
    within = max(0, bisect.bisect_right(range(clients), refusal.most_files, key=lambda fewer: busiest(fewer).files) - 1)
    raise UserError(
        f"clients = {clients}: {holder.who} must have {holder.files} files open, {refusal.reason} here "
        f"(expected at most {within} clients, or a higher limit: as root ulimit -n {holder.files}, "
        f"or * - nofile {holder.files} in /etc/security/limits.conf and a new login)"
    )


def ensure_ports(
    trials: tuple[PlannedTrial, ...], target: Endpoint | None, load_processes: LoadProcesses = ONE_PROCESS
) -> None:
    """Raise UserError if this machine's clients, or the relay, need more local ports than one destination allows.

    On Linux's loopback there are always enough: clients use further source addresses of 127.0.0.0/8 in turn. Workers on
    other machines check their own.
    """
    host = target.host if target else load_processes.listen
    for trial in trials:
        # The harness's own relay runs beside its clients wherever the server is, and has only one address.
        if trial.parameters.one_way_delay_ms:
            _ensure_ports_for(trial, trial.parameters.clients, "the relay's connections")
        elif not can_vary_sources(host) and load_processes.local:
            here = -(-trial.parameters.clients * load_processes.local // (load_processes.workers or 1))
            _ensure_ports_for(trial, here, f"connections to {host}")


def _ensure_ports_for(trial: PlannedTrial, clients: int, who: str) -> None:
    share = dataclasses.replace(trial, parameters=trial.parameters.replace(clients=clients))
    ports, held = ephemeral_ports(), ports_held(share)
    if held > usable_ports(ports):
        raise UserError(
            f"clients = {clients}: {who} need {held} local ports at a time, {ports} are there "
            "(expected fewer clients, or a wider range: sysctl net.ipv4.ip_local_port_range='1024 65535')"
        )
