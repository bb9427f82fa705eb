"""The results of a class: reports of devices, checked against the server's records, and their distributions.

A reported delivery is accepted only if the server's own record allows it: the event was published, it was sent to this
device on this transport, and it arrived neither before it was sent nor in the future. A delivery that the record rules
out is refused, and counted by reason. Some reports of honest devices are ignored instead: rows of an earlier run or
transport, of events from before the page opened, repeated rows, and all rows while the device's clock is too uncertain.
A device can still report its own deliveries as later than they were, so each device's median is shown by itself.
"""

from __future__ import annotations

import math
import random
import statistics
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

MAX_REPORT_ROWS = 2000
"""Limit for one transport in one report."""
MAX_UNCERTAINTY_MS = 250.0
"""The deliveries of a device whose clock is less certain are left out, and the teacher's page names it."""
CLOCK_SLACK_MS = 5.0
"""Tolerance beyond the uncertainty: a browser's clock ticks in steps of up to 1 ms and drifts since the best sample."""
SAMPLE_LIMIT = 50_000
"""Latencies kept per transport and run: all of them up to this number, and a uniform sample of more."""
DEVICE_SAMPLES = 100
"""The number of latest latencies of one device on one transport from which its median is computed."""

_NS_PER_MS = 1_000_000
_BINS_PER_DECADE = 8
BIN_EDGES_MS = tuple(10 ** (step / _BINS_PER_DECADE) for step in range(5 * _BINS_PER_DECADE + 1))
"""Bins of equal width on a logarithmic axis from 1 ms to 100 s; the first includes smaller values, the last larger
ones."""


class Refusal(StrEnum):
    """Why a reported delivery cannot be true."""

    OTHER_RUN = "other_run"
    NOT_ASSIGNED = "not_assigned"
    UNKNOWN_EVENT = "unknown_event"
    NOT_SENT = "not_sent"
    TOO_EARLY = "too_early"
    IN_FUTURE = "in_future"


_Row = Annotated[
    tuple[Annotated[int, Field(ge=1)], Annotated[float, Field(allow_inf_nan=False)]],
    Field(strict=False),  # JSON has lists instead of tuples; their items are checked strictly all the same
]


class Report(BaseModel):
    """A device's report, once a second: [seq, latency in ms] of each event that arrived since its last report."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    type: Literal["report"]
    run: Annotated[int, Field(ge=0)]
    uncertainty_ms: Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]
    transports: Annotated[
        dict[
            str,
            Annotated[
                list[_Row],
                Field(max_length=MAX_REPORT_ROWS),
            ],
        ],
        Field(max_length=8),
    ]


class ReportError(ValueError):
    """An invalid report; the text is one sentence."""


def parse_report(message: object) -> Report:
    """Parse a decoded message; raise ReportError if it is not a valid report."""
    try:
        return Report.model_validate(message)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(ascii(part)[:40].strip("'") for part in first["loc"][:5]) or "message"
        raise ReportError(f"report: {where}: {first['msg']}") from None


class Evidence(Protocol):
    """The server's own record of the current run."""

    def published(self, seq: int) -> tuple[int, int] | None:
        """Return when this event was due and when it was published, in ns; None if it is not published."""

    def sent_after_ns(self, client: int, transport: str, seq: int) -> int | None:
        """Return a time before this event was sent to that client on that transport; None if it was not sent."""

    def missed(self, client: int, transport: str) -> int:
        """Return how many events were not written to that client on that transport, though a later one was."""


class _SeqSet:
    """Sequence numbers, one bit each."""

    __slots__ = ("_bits",)

    def __init__(self) -> None:
        self._bits = bytearray()

    def add(self, seq: int) -> bool:
        """Add a number; return False if it was in the set already."""
        byte, bit = seq >> 3, 1 << (seq & 7)
        if byte >= len(self._bits):
            self._bits.extend(bytes(byte + 1 - len(self._bits)))
        if self._bits[byte] & bit:
            return False
        self._bits[byte] |= bit
        return True


class Sample:
    """Latencies of one transport: all of them up to a limit, then a uniform sample (Vitter 1985, algorithm R)."""

    def __init__(self, limit: int = SAMPLE_LIMIT, rng: random.Random | None = None) -> None:
        self.count = 0
        self.max_ms = 0.0
        self._limit = limit
        self._random = rng or random.Random()
        self._kept = np.empty(min(limit, 1024), dtype=np.float64)

    def add(self, latency_ms: float) -> None:
        """Add one delivery's latency."""
        place = self.count
        self.count += 1
        self.max_ms = max(self.max_ms, latency_ms)
        if place >= self._limit:
            place = self._random.randrange(self.count)
            if place >= self._limit:
                return
        elif place == len(self._kept):
            self._kept = np.resize(self._kept, min(self._limit, 2 * place))
        self._kept[place] = latency_ms

    @property
    def kept_ms(self) -> NDArray[np.float64]:
        """The kept latencies, in no order."""
        return self._kept[: min(self.count, self._limit)]

    def quantiles_ms(self) -> dict[str, float | None]:
        """Return p50 and p95 (linear between order statistics, Hyndman and Fan's type 7) and the exact maximum."""
        if not self.count:
            return {"p50": None, "p95": None, "max": None}
        p50, p95 = np.quantile(self.kept_ms, [0.5, 0.95])
        return {"p50": round(float(p50), 3), "p95": round(float(p95), 3), "max": round(self.max_ms, 3)}

    def histogram(self) -> list[tuple[float, float, int]]:
        """Return [lo_ms, hi_ms, count] of every bin that is not empty."""
        inside = np.clip(self.kept_ms, BIN_EDGES_MS[0], BIN_EDGES_MS[-1] * (1 - 1e-12))
        counts, _ = np.histogram(inside, BIN_EDGES_MS)
        return [
            (round(BIN_EDGES_MS[place], 4), round(BIN_EDGES_MS[place + 1], 4), int(counts[place]))
            for place in np.flatnonzero(counts)
        ]


@dataclass(slots=True)
class _DeviceLane:
    """The reports of one device on one transport."""

    seen: _SeqSet = field(default_factory=_SeqSet)
    latest_ms: deque[float] = field(default_factory=lambda: deque(maxlen=DEVICE_SAMPLES))


@dataclass(frozen=True, slots=True)
class Participant:
    """A device in the results."""

    client: int
    name: int
    """The number by which it is called; devices count from 1."""
    transports: tuple[str, ...]
    """The transports assigned to it."""
    since_ns: float = -math.inf
    """When its page opened: earlier events could only arrive late, which shows nothing about the transport."""


class ClassResults:
    """All accepted deliveries of one run at a time."""

    def __init__(self, transports: Sequence[str], sample_limit: int = SAMPLE_LIMIT) -> None:
        self._transports = tuple(transports)
        self._sample_limit = sample_limit
        self.begin(0, 0.0)

    def begin(self, run: int, one_way_delay_ms: float) -> None:
        """Start a new run with all counts at zero."""
        self.run = run
        self.one_way_delay_ms = one_way_delay_ms
        self.refused: Counter[Refusal] = Counter()
        self._samples = {name: Sample(self._sample_limit) for name in self._transports}
        self._lanes: dict[tuple[int, str], _DeviceLane] = {}
        self._uncertainty_ms: dict[int, float] = {}
        self._refused_of: Counter[int] = Counter()

    def take(self, device: Participant, report: Report, evidence: Evidence, now_ns: int) -> Counter[Refusal]:
        """Record the credible part of a device's report; return what was refused, by reason."""
        client = device.client
        refused: Counter[Refusal] = Counter()
        if report.run < self.run:
            return refused  # it was under way when the next run began
        if report.run > self.run:
            refused[Refusal.OTHER_RUN] += sum(len(rows) for rows in report.transports.values())
        else:
            self._uncertainty_ms[client] = report.uncertainty_ms
            if report.uncertainty_ms <= MAX_UNCERTAINTY_MS:
                for transport, rows in report.transports.items():
                    refused.update(self._take_rows(device, transport, rows, report.uncertainty_ms, evidence, now_ns))
        self.refused.update(refused)
        self._refused_of[client] += refused.total()
        return refused

    def forget(self, client: int) -> None:
        """Delete a device that has left, except for its deliveries, which did happen."""
        for transport in self._transports:
            self._lanes.pop((client, transport), None)
        self._uncertainty_ms.pop(client, None)
        del self._refused_of[client]

    def summary(self, participants: Iterable[Participant], evidence: Evidence) -> dict[str, object]:
        """Return the `class` message of the live channel without its type."""
        present = list(participants)
        uncertain = [(p.name, self._uncertainty_ms[p.client]) for p in present if p.client in self._uncertainty_ms]
        known_ms = [ms for _, ms in uncertain if ms <= MAX_UNCERTAINTY_MS]
        return {
            "run": self.run,
            "devices": len(present),
            "transports": {name: self._transport_summary(name, present, evidence) for name in self._transports},
            "clock_uncertainty_ms": {
                "p50": round(statistics.median(known_ms), 3) if known_ms else None,
                "max": round(max(known_ms), 3) if known_ms else None,
            },
            "clock_unknown_devices": sorted(name for name, ms in uncertain if ms > MAX_UNCERTAINTY_MS),
            "refused": {reason.value: self.refused[reason] for reason in Refusal if self.refused[reason]},
            "refused_devices": sorted(p.name for p in present if self._refused_of[p.client]),
        }

    def _transport_summary(
        self, transport: str, present: Sequence[Participant], evidence: Evidence
    ) -> dict[str, object]:
        mine = [p for p in present if transport in p.transports]
        sample = self._samples[transport]
        lanes = [(p, lane) for p in mine if (lane := self._lanes.get((p.client, transport))) and lane.latest_ms]
        return {
            "devices": len(mine),
            "deliveries": sample.count,
            "latency_ms": sample.quantiles_ms(),
            "histogram": sample.histogram(),
            "missed": sum(evidence.missed(p.client, transport) for p in mine),
            "device_medians_ms": [[p.name, round(statistics.median(lane.latest_ms), 1)] for p, lane in lanes],
        }

    def _take_rows(
        self,
        device: Participant,
        transport: str,
        rows: Sequence[tuple[int, float]],
        uncertainty_ms: float,
        evidence: Evidence,
        now_ns: int,
    ) -> Counter[Refusal]:
        refused: Counter[Refusal] = Counter()
        if transport not in self._transports:
            return Counter({Refusal.NOT_ASSIGNED: len(rows)})
        is_assigned = transport in device.transports
        lane = self._lanes.setdefault((device.client, transport), _DeviceLane()) if is_assigned else None
        tolerance_ms = uncertainty_ms + CLOCK_SLACK_MS
        for seq, latency_ms in rows:
            published = evidence.published(seq)
            if published is None:
                refused[Refusal.UNKNOWN_EVENT] += 1
                continue
            due_ns, _ = published
            if due_ns < device.since_ns:
                continue
            sent_after_ns = evidence.sent_after_ns(device.client, transport, seq)
            if sent_after_ns is None:
                refused[Refusal.NOT_SENT if is_assigned else Refusal.NOT_ASSIGNED] += 1
                continue
            if lane is None:
                continue  # it had this transport until a moment ago
            earliest_ms = (sent_after_ns - due_ns) / _NS_PER_MS + self.one_way_delay_ms
            latest_ms = (now_ns - due_ns) / _NS_PER_MS
            if latency_ms < earliest_ms - tolerance_ms:
                refused[Refusal.TOO_EARLY] += 1
            elif latency_ms > latest_ms + tolerance_ms:
                refused[Refusal.IN_FUTURE] += 1
            elif lane.seen.add(seq):
                self._samples[transport].add(max(0.0, latency_ms))
                lane.latest_ms.append(latency_ms)
        return refused
