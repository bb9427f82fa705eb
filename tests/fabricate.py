"""Whole run folders from a fake transport with dictated latencies: no network, no waiting, faults on order.

`python -m tests.fabricate FOLDER` writes one for a look at the report.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from contract import records
from contract.parameters import Arrival, Parameters
from contract.records import PlannedTrial, RunInfo, Trial, TrialInfo
from contract.transports import TRANSPORTS, TransportStyle
from loadtests.plan.blocks import with_warm_up
from tests.fabricate_trial import Faults, fabricate_trial

BROADCAST = ("websocket", "sse", "long_poll", "short_poll")
ECHO = ("echo_websocket", "echo_post", "echo_post_new")
REFERENCE_OF = {BROADCAST: "websocket", ECHO: "echo_websocket"}
INTERVALS_S = (0.1, 0.25, 1.0, 2.5, 5.0)
RATES_PER_S = (1.0, 10.0, 50.0)
BASE_INTERVAL_S, BASE_HOLD_S, BASE_RATE_PER_S = 1.0, 30.0, 10.0


@dataclass(frozen=True)
class Fabrication:
    """A small plan: a base point per transport, short poll's interval swept, the event rate swept for all."""

    transports: Sequence[str] = BROADCAST
    intervals_s: Sequence[float] = INTERVALS_S
    rates_per_s: Sequence[float] = RATES_PER_S
    clients: int = 6
    arrival: Arrival = "poisson"
    payload_bytes: int = 64
    one_way_delay_ms: float = 25.0
    warm_up_s: float = 1.0
    long_warm_ups: bool = True
    """Whether each trial warms up for as long as its clients need, as real plans have it, or for `warm_up_s`."""
    measured_s: float = 8.0
    blocks: int = 3
    noise_ms: float = 0.1
    """Mean of the exponential time that the fake system itself adds to each delivery."""
    target: str | None = None
    servers: Sequence[str] = ()
    """Names of the scenario's servers; none: it names none."""

    def base_parameters(self) -> Parameters:
        """Every parameter's base value."""
        stated = {
            "clients": self.clients,
            "rate_per_s": BASE_RATE_PER_S,
            "arrival": self.arrival,
            "payload_bytes": self.payload_bytes,
            "one_way_delay_ms": self.one_way_delay_ms,
            "warm_up_s": self.warm_up_s,
            "measured_s": self.measured_s,
            "poll_interval_s": BASE_INTERVAL_S,
            "hold_s": BASE_HOLD_S,
        }
        return Parameters.of(stated | ({"server": self.servers[0]} if self.servers else {}))

    def points(self) -> list[tuple[str, Parameters]]:
        """Transport and parameters, the base ones first, without repeats."""
        points = [(name, self._parameters(name)) for name in self.transports]
        points += [
            ("short_poll", self._parameters("short_poll", poll_interval_s=interval_s))
            for interval_s in self.intervals_s
            if "short_poll" in self.transports and interval_s != BASE_INTERVAL_S
        ]
        points += [
            (name, self._parameters(name, rate_per_s=rate))
            for rate in self.rates_per_s
            if rate != BASE_RATE_PER_S
            for name in self.transports
        ]
        if self.servers:
            points = [(name, own.replace(server=server)) for name, own in points for server in self.servers]
        return points

    def plan(self) -> tuple[PlannedTrial, ...]:
        """All points once in each block, in an order shuffled by a fixed seed; a block shares its stream's seed."""
        rng = np.random.default_rng(7)
        points = self.points()
        order = [(block, int(point)) for block in range(self.blocks) for point in rng.permutation(len(points))]
        return tuple(
            PlannedTrial(index, block, point, points[point][0], points[point][1], seed=1000 + block)
            for index, (block, point) in enumerate(order)
        )

    def _parameters(self, transport: str, **varied: float) -> Parameters:
        own = TRANSPORTS[transport].select(self.base_parameters().replace(**varied))
        return with_warm_up(transport, own) if self.long_warm_ups else own


SMALL = Fabrication(intervals_s=(), rates_per_s=())
"""The base points only: the quickest run on which everything can be shown."""


def fabricate_run(
    run_folder: Path, fabrication: Fabrication = SMALL, faults: Mapping[int, Faults] | None = None
) -> Path:
    """Write a finished run; `faults` maps the index of a trial to what goes wrong in it (see `Fabrication.plan`)."""
    run_folder.mkdir(parents=True, exist_ok=True)
    plan = fabrication.plan()
    records.write_run_info(run_folder, run_info(fabrication, plan))
    for planned in plan:
        fault = (faults or {}).get(planned.index, Faults())
        trial = fabricate_planned(planned, fabrication, fault)
        trial.save(run_folder / "trials" / planned.folder_name)
    return run_folder


def fabricate_planned(planned: PlannedTrial, fabrication: Fabrication, faults: Faults) -> Trial:
    """One trial of the plan with its faults."""
    trial = fabricate_trial(planned, style(planned.transport), faults, fabrication.noise_ms)
    if fabrication.target is None:
        return trial
    return dataclasses.replace(trial, samples=trial.samples.where(trial.samples.role != records.SampleRole.SERVER))


def first_trial(
    transport: str, fabrication: Fabrication = SMALL, faults: Faults | None = None
) -> tuple[PlannedTrial, Trial]:
    """A transport's trial at base parameters in the first block, in memory."""
    planned = fabrication.plan()[trial_index(fabrication, transport)]
    return planned, fabricate_planned(planned, fabrication, faults or Faults())


def trial_index(fabrication: Fabrication, transport: str, block: int = 0) -> int:
    """Index of a transport's trial at base parameters in a block: the key for `faults`."""
    base_point = list(fabrication.transports).index(transport)
    return next(p.index for p in fabrication.plan() if p.point == base_point and p.block == block)


def style(transport: str) -> TransportStyle:
    """As the load side writes it into run.json."""
    return TRANSPORTS[transport].style


def run_info(fabrication: Fabrication, plan: tuple[PlannedTrial, ...]) -> RunInfo:
    """run.json of a fabricated run."""
    usual = next(r for names, r in REFERENCE_OF.items() if fabrication.transports[0] in names)
    return RunInfo(
        scenario={
            "name": "fabricated",
            "description": "A fake transport with dictated latencies.",
            "transports": list(fabrication.transports),
            "repeats": fabrication.blocks,
            "parameters": dict(fabrication.base_parameters()),
            "servers": {name: {"stack": "fastapi"} for name in fabrication.servers},
        },
        seed=1,
        plan=plan,
        transports=tuple(style(name) for name in fabrication.transports),
        reference=usual if usual in fabrication.transports else fabrication.transports[0],
        target=fabrication.target,
        machine={"cpu": "none", "cores": 2, "platform": "fabricated", "memory_bytes": 8 << 30},
        versions={"python": "3.11.0"},
        settings={"compression": "off", "server": "uvicorn"},
        started_at="2026-01-01T00:00:00Z",
    )


def trial_info(trial: Trial, **changes: object) -> TrialInfo:
    """A trial's info with some fields changed."""
    return dataclasses.replace(trial.info, **changes)  # type: ignore[arg-type]  # fields of several types


if __name__ == "__main__":
    print(fabricate_run(Path(sys.argv[1]), Fabrication()))
