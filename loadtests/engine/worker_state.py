"""What a master knows of one worker of its trial."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from contract.records import COMPLETE, JsonObject, WorkerInfo
from loadtests.engine import messages
from loadtests.engine.merging import WorkerClock, judge_clock
from loadtests.engine.messages import Identity
from loadtests.engine.spool import Spool
from loadtests.server_clock import ClockReading

SILENCE_S = 5.0
"""A worker whose heartbeats Locust misses is taken for dead when it has not sent a row for so long either."""


class Member:
    """A worker that takes part; what it says is noted as it comes."""

    def __init__(self, index: int, identity: Identity, received: Path) -> None:
        self.index = index
        self.identity = identity
        self.share = range(0)
        self.same_machine = False
        self.server_offset_ns = 0
        """The server's clock minus the trial's."""
        self.ready: JsonObject = {}
        self.finished: JsonObject | None = None
        self.failed = ""
        self._received = Spool(received)
        self._heard_s = time.monotonic()
        self._asked_again = False

    @property
    def name(self) -> str:
        """For sentences."""
        return f"worker {self.index} on {self.identity.host}"

    @property
    def problems(self) -> list[str]:
        """Sentences about what went wrong with its clients."""
        own = list(self.finished["problems"]) if self.finished is not None else []
        return [*own, f"{self.name}: {self.failed}"] if self.failed else own

    def hear(self, message: str, data: JsonObject) -> None:
        """READY, FAILED or FINISHED."""
        self._heard_s = time.monotonic()
        if message == messages.READY:
            self.ready = data
        elif message == messages.FAILED:
            self.failed = data["reason"]
        elif message == messages.FINISHED:
            self.finished = data
            self._asked_again = False

    def take(self, offsets_bytes: dict[str, int], rows: dict[str, bytes]) -> None:
        """Rows as they come."""
        self._heard_s = time.monotonic()
        self._received.accept(offsets_bytes, rows)

    @property
    def whole(self) -> bool:
        """Whether it is done, and all its rows are here."""
        return self.finished is not None and self._received.sizes_bytes() == self.finished["sizes"]

    def lacks(self) -> dict[str, int] | None:
        """The sizes of what is here, once, where it is done and some of its rows are not here."""
        if self.finished is None or self._asked_again or self.whole:
            return None
        self._asked_again = True
        return self._received.sizes_bytes()

    def gone(self, node: Any) -> bool:
        """Whether it lives no more; `node` is what Locust's runner has of it, None where it has left."""
        if node is None:
            return True
        return node.state == "missing" and time.monotonic() - self._heard_s > SILENCE_S

    def rows(self) -> Spool:
        """Its rows: as received, or as it wrote them itself where it did so on this machine and more have come."""
        own = Spool(Path(self.identity.folder))
        if self.same_machine and sum(own.sizes_bytes().values()) > sum(self._received.sizes_bytes().values()):
            return own
        return self._received

    def clock(self) -> WorkerClock:
        """Its clock against the trial's, as far as it is known by now."""
        before = ClockReading(self.ready["round_trip_ns"], self.ready["offset_ns"])
        after = self.finished and ClockReading(self.finished["round_trip_ns"], self.finished["offset_ns"])
        return judge_clock(before, after or None, self.server_offset_ns, same_machine=self.same_machine)

    def info(self, gone: bool) -> WorkerInfo:
        """For the records, once the trial is over."""
        clock = self.clock()
        end = COMPLETE if self.whole else "died" if gone or self.failed else "behind"
        return WorkerInfo(
            index=self.index,
            host=self.identity.host,
            first_client=self.share.start,
            clients=len(self.share),
            offset_ns=clock.offset_ns,
            uncertainty_ns=clock.uncertainty_ns,
            round_trip_ns=self.ready["round_trip_ns"],
            drift_ns=clock.drift_ns,
            end=end,
            kept_in="" if end == COMPLETE or self._is_the_runs_own else self.identity.folder,
        )

    @property
    def _is_the_runs_own(self) -> bool:
        """Whether the run started it itself: then its folder is in the trial's, and goes with it."""
        return self.same_machine and Path(self.identity.folder).parent == self._received.folder.parent
