"""The cost of connecting a trial's clients before anything is published: time and memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from contract.records import SampleRole, Samples, Trial, is_time


@dataclass(frozen=True)
class HeldMemory:
    """Resident memory of the processes of one role, before the first client connected and once all had."""

    before_bytes: int
    connected_bytes: int

    def per_client_bytes(self, clients: int) -> float:
        """Return the increase per client, without the memory of their sockets in the kernel."""
        return (self.connected_bytes - self.before_bytes) / clients


@dataclass(frozen=True)
class Connecting:
    """The cost of connecting the clients of one trial."""

    clients: int
    time_s: float | None
    memory: dict[SampleRole, HeldMemory | None]

    @classmethod
    def of(cls, trial: Trial) -> Connecting:
        """Compute the cost from a trial's records."""
        memory = {role: held_memory(trial, role) for role in SampleRole}
        return cls(trial.info.parameters.clients, time_to_connect_s(trial), memory)


def time_to_connect_s(trial: Trial) -> float | None:
    """Return the time from the first client's connect to the last one's being ready.

    None unless all were ready before the stream.
    """
    span = _connecting_ns(trial)
    return None if span is None else (span[1] - span[0]) / 1e9


def held_memory(trial: Trial, role: SampleRole) -> HeldMemory | None:
    """Return the memory in the samples just before and just after the clients connected; None without such samples.

    Samples from the measured window do not count.
    """
    span = _connecting_ns(trial)
    samples = trial.samples.where(trial.samples.role == role)
    if span is None or not len(samples):
        return None
    # Load processes connect at the same time: only together do they hold all clients.
    processes = [
        _held(samples.where(samples.worker == worker), span, trial.info.window_start_ns)
        for worker in np.unique(samples.worker)
    ]
    known = [held for held in processes if held is not None]
    if len(known) < len(processes):
        return None
    return HeldMemory(sum(held.before_bytes for held in known), sum(held.connected_bytes for held in known))


def _held(samples: Samples, span: tuple[int, int], until_ns: int) -> HeldMemory | None:
    before = samples.where(samples.at_ns <= span[0])
    after = samples.where((samples.at_ns >= span[1]) & (samples.at_ns < until_ns))
    if not len(before) or not len(after):
        return None
    return HeldMemory(int(before.rss_bytes[before.at_ns.argmax()]), int(after.rss_bytes[after.at_ns.argmin()]))


def _connecting_ns(trial: Trial) -> tuple[int, int] | None:
    """Return when the first client began to connect and the last one was ready; None unless all were in time."""
    rows = trial.clients
    if not len(rows) or not (is_time(rows.connect_start_ns) & is_time(rows.ready_ns)).all():
        return None
    span = int(rows.connect_start_ns.min()), int(rows.ready_ns.max())
    return span if span[1] <= trial.info.t0_ns else None
