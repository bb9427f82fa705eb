"""The state of one worker, as its trial's master knows it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from contract.records import COMPLETE, JsonObject, WorkerInfo
from loadtests.engine import messages
from loadtests.engine.merging import WorkerClock, judge_clock
from loadtests.engine.messages import Identity
from loadtests.engine.worker_records import append_piece, sizes_bytes
from loadtests.server_clock import ClockReading

SILENCE_S = 5.0
"""A worker whose heartbeats Locust has missed for so long counts as dead."""


class WorkerState:
    """A worker that takes part in the trial, and the records that it has sent so far."""

    def __init__(self, index: int, identity: Identity, received: Path) -> None:
        self.index = index
        self.identity = identity
        self.received = received
        """The folder of the records that it sends."""
        self.share = range(0)
        self.same_machine = False
        self.server_offset_ns = 0
        """The server's clock minus the trial's."""
        self.ready: JsonObject = {}
        self.finished: JsonObject | None = None
        self.failed = ""
        self._last_message_s = time.monotonic()
        self._missing_since_s: float | None = None

    @property
    def name(self) -> str:
        """The worker in a sentence."""
        return f"worker {self.index} on {self.identity.host}"

    @property
    def problems(self) -> list[str]:
        """Sentences about what went wrong with its clients."""
        own = list(self.finished["problems"]) if self.finished is not None else []
        return [*own, f"{self.name}: {self.failed}"] if self.failed else own

    def receive(self, message: str, data: JsonObject) -> None:
        """Record a message: READY, FAILED, RECORDS or FINISHED."""
        self._last_message_s = time.monotonic()
        if message == messages.READY:
            self.ready = data
        elif message == messages.FAILED:
            self.failed = data["reason"]
        elif message == messages.RECORDS:
            append_piece(self.received, data["file"], data["piece"])
        elif message == messages.FINISHED:
            self.finished = data

    @property
    def complete(self) -> bool:
        """Whether it has finished and all its records are here."""
        return self.finished is not None and sizes_bytes(self.received) == self.finished["sizes_bytes"]

    @property
    def silent_s(self) -> float:
        """How long ago its last message arrived, not counting heartbeats."""
        return time.monotonic() - self._last_message_s

    def gone(self, node: Any) -> bool:
        """Return whether it has died or its link has failed; `node` is Locust's state of it, None once it has left."""
        if node is None:
            return True
        if node.state != "missing":
            self._missing_since_s = None
            return False
        now_s = time.monotonic()
        if self._missing_since_s is None:
            self._missing_since_s = now_s
        return now_s - self._missing_since_s >= SILENCE_S

    def clock(self) -> WorkerClock:
        """Return its clock against the trial's, as far as it is known by now."""
        before = ClockReading(self.ready["round_trip_ns"], self.ready["offset_ns"])
        after = self.finished and ClockReading(self.finished["round_trip_ns"], self.finished["offset_ns"])
        return judge_clock(before, after or None, self.server_offset_ns, same_machine=self.same_machine)

    def info(self, gone: bool) -> WorkerInfo:
        """Return the worker's entry in the records, once the trial is over."""
        clock = self.clock()
        return WorkerInfo(
            index=self.index,
            host=self.identity.host,
            first_client=self.share.start,
            clients=len(self.share),
            offset_ns=clock.offset_ns,
            uncertainty_ns=clock.uncertainty_ns,
            round_trip_ns=self.ready["round_trip_ns"],
            drift_ns=clock.drift_ns,
            end=COMPLETE if self.complete else "died" if gone or self.failed else "behind",
        )
