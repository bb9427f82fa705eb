"""The master's side of a trial with several load processes, inside a Locust master that measures nothing itself.

It assigns clients to each worker, makes the server start the stream once all are ready, receives the workers' records
at the end, and writes them as the tables of one trial. A worker that died or fell behind has no records in it.
"""

from __future__ import annotations

import dataclasses
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gevent

from contract.errors import UserError
from contract.records import COMPLETE, JsonObject, WorkerInfo
from contract.transports import TRANSPORTS
from loadtests.control_client import ControlClient
from loadtests.engine import messages
from loadtests.engine.messages import Identity
from loadtests.engine.worker_records import WorkerClock, append_piece, index_ranges, judge_clock, merge, sizes_bytes
from loadtests.load.trial_clients import PROGRESS_CHECK_S, SERVER_PATIENCE_S, start_stream
from loadtests.load.trial_spec import LoadOutcome, MeasuredWindow, TrialSpec
from loadtests.plan.durations import connect_patience_s, drain_limit_s
from loadtests.server_clock import ClockReading, judge_server_clock, offset_at_start_ns

SILENCE_S = 5.0
"""A worker counts as dead when Locust has missed its heartbeats for this long."""


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
        """The worker's name in messages."""
        return f"worker {self.index} on {self.identity.host}"

    @property
    def problems(self) -> list[str]:
        """Sentences about problems of its clients."""
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
        """Whether it has finished and all its records have arrived."""
        return self.finished is not None and sizes_bytes(self.received) == self.finished["sizes_bytes"]

    @property
    def silent_s(self) -> float:
        """How long ago its last message arrived, not counting heartbeats."""
        return time.monotonic() - self._last_message_s

    def gone(self, node: Any) -> bool:
        """Return whether the worker or its link has failed; `node` is Locust's own state of it, None if it has left."""
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
        """Estimate its clock relative to the trial's from the readings so far."""
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


_log = logging.getLogger(__name__)

START_IN_MS = 500
"""Time between posting the stream and its start, by when the answer must be back and every worker ready for it."""
SETTLE_S = 10.0
"""How long to wait for a worker's records, beyond the drain limit and after each of its messages."""


class MasterTrial:
    """A trial whose clients are in workers, over Locust's master runner `environment.runner`."""

    def __init__(self, environment: Any, spec: TrialSpec, folder: Path) -> None:
        self._runner = environment.runner
        self._options = environment.parsed_options
        self._spec = spec
        self._folder = folder
        self._control = ControlClient(spec.control_url, spec.host)
        self._own = Identity.own()
        self._workers: dict[str, WorkerState] = {}
        self._late: list[Identity] = []
        self._refusal = ""
        self._stopping = False
        self._runner.register_message(messages.HELLO, self._admit)
        for name in (messages.READY, messages.FAILED, messages.RECORDS, messages.FINISHED):
            self._runner.register_message(name, self._receive)
        self._running = gevent.spawn(self._run_and_quit)

    def stop_waiting(self) -> None:
        """Stop waiting for workers and keep the records so far, because Locust ends."""
        self._stopping = True
        self._running.join(SETTLE_S)

    def _admit(self, msg: Any, **_: object) -> None:
        """Handle HELLO: add the worker to the trial, or refuse it."""
        worker = Identity(**msg.data)
        mismatch = self._own.mismatch(worker)
        if mismatch is not None:
            self._refusal = mismatch
            # If it was the only worker, a headless Locust would end when it leaves. This run waits for others.
            self._options.headless = False
            self._send(messages.REFUSED, {"reason": mismatch, "may_come_again": False}, msg.node_id)
        elif len(self._workers) == self._spec.workers:
            self._late.append(worker)
            reason = f"{self._spec.trial.folder_name} has begun with {self._spec.workers} workers"
            self._send(messages.REFUSED, {"reason": reason, "may_come_again": True}, msg.node_id)
        else:
            index = len(self._workers)
            received = self._folder / messages.WORKERS_FOLDER / f"received-{index}"
            self._workers[msg.node_id] = WorkerState(index, worker, received)

    def _receive(self, msg: Any, **_: object) -> None:
        if msg.node_id in self._workers:
            self._workers[msg.node_id].receive(msg.type, msg.data)

    def _send(self, name: str, data: Any, client_id: str) -> None:
        self._runner.send_message(name, data, client_id)

    def _run_and_quit(self) -> None:
        status = 1
        try:
            try:
                outcome = self._run()
            except UserError as error:
                outcome = LoadOutcome.failed(str(error))
            outcome.write(self._folder)
            status = 1 if outcome.end == "failed" else 0
        except Exception:
            # For any error (a full disk, say) the process must end; its log shows the reason.
            _log.exception("the trial could not be run")
        self._control.close()
        self._runner.quit()
        # Locust itself would keep waiting for workers if one that it expects has left meanwhile.
        os._exit(status)

    def _run(self) -> LoadOutcome:
        self._control.wait_until_ready(SERVER_PATIENCE_S)
        before = self._control.read_clock()
        server_offset_ns = offset_at_start_ns(before)
        # A server that was already running still sends the previous stream to clients without a cursor.
        self._control.empty_log()
        self._wait_for_workers()
        workers = self._workers
        shares = index_ranges(self._spec.trial.parameters.clients, len(workers))
        for (client_id, worker), share in zip(workers.items(), shares, strict=True):
            worker.share = share
            assignment = {"spec": self._spec.as_json(), "first": share.start, "count": len(share)}
            self._send(messages.TRIAL, assignment, client_id)
        self._wait_for_ready()
        for worker in workers.values():
            worker.same_machine = self._own.same_machine(worker.identity)
            worker.server_offset_ns = server_offset_ns
        t0_ns, window = start_stream(self._control, self._spec.trial, START_IN_MS, server_offset_ns, self._folder)
        for client_id, worker in workers.items():
            self._send(messages.BEGIN, {"t0_ns": t0_ns - worker.clock().offset_ns}, client_id)
        self._wait_for_records(window.end_ns)
        clock = judge_server_clock(before, self._control.read_clock())
        outcome = self._outcome(t0_ns, window, dataclasses.asdict(clock))
        clients_stamp = TRANSPORTS[self._spec.trial.transport].kind.clients_send
        complete = {client_id: worker for client_id, worker in workers.items() if worker.complete}
        folders = [(worker.index, worker.received) for worker in complete.values()]
        for table in merge(folders, 0 if clients_stamp else server_offset_ns):
            table.save(self._folder)
        for client_id in complete:
            self._send(messages.OVER, {"more_follow": self._spec.more_follow}, client_id)
        return outcome

    def _wait_for_workers(self) -> None:
        def missing() -> str:
            joined = f"only {len(self._workers)} of {self._spec.workers} workers came within"
            reason = f": {self._refusal}" if self._refusal else ""
            expected = "expected: make worker MASTER=… on each machine"
            return f"{joined} {self._spec.workers_patience_s:g} s{reason} ({expected})"

        self._wait(lambda: len(self._workers) == self._spec.workers, self._spec.workers_patience_s, missing)

    def _wait_for_ready(self) -> None:
        """Wait until all workers are ready; raise UserError if one fails, since the trial has no records yet."""

        def ready() -> bool:
            for client_id, worker in self._workers.items():
                if worker.failed:
                    raise UserError(f"{worker.name}: {worker.failed}")
                if worker.gone(self._runner.clients.get(client_id)):
                    raise UserError(f"{worker.name}: it ended before the stream began (expected it to take part)")
            return all(bool(worker.ready) for worker in self._workers.values())

        def unready() -> str:
            names = ", ".join(worker.name for worker in self._workers.values() if not worker.ready)
            return f"{names}: not ready in time (expected all clients to be connected)"

        self._wait(ready, SERVER_PATIENCE_S + 2 * connect_patience_s(self._spec.trial.parameters), unready)

    def _wait_for_records(self, stream_end_ns: int) -> None:
        """Wait until each worker has sent its records, has died, or has been silent beyond the time limit."""
        limit_s = stream_end_ns / 1e9 + drain_limit_s(self._spec.trial.parameters) + SETTLE_S

        def awaited(client_id: str, worker: WorkerState) -> bool:
            gone = worker.gone(self._runner.clients.get(client_id))
            overdue = time.monotonic() > limit_s and worker.silent_s > SETTLE_S
            return not (gone or overdue or worker.complete or worker.failed)

        while [
            worker for client_id, worker in self._workers.items() if awaited(client_id, worker)
        ] and not self._stopping:
            gevent.sleep(PROGRESS_CHECK_S)

    def _wait(self, done: Callable[[], bool], patience_s: float, otherwise: Callable[[], str]) -> None:
        deadline = time.monotonic() + patience_s
        while not done():
            if self._stopping or time.monotonic() > deadline:
                raise UserError(otherwise())
            gevent.sleep(PROGRESS_CHECK_S)

    def _outcome(self, t0_ns: int, window: MeasuredWindow, server_clock: dict[str, int]) -> LoadOutcome:
        workers = self._workers.values()
        complete = [worker.finished for worker in workers if worker.finished is not None and worker.complete]
        deflated = [finished["deflated"] for finished in complete if finished["deflated"] is not None]
        ends = [finished["end"] for finished in complete]
        nodes = self._runner.clients
        taking_part = [worker.info(worker.gone(nodes.get(client_id))) for client_id, worker in self._workers.items()]
        late = [
            WorkerInfo(len(taking_part) + i, identity.host, 0, 0, 0, 0, 0, None, "late")
            for i, identity in enumerate(self._late)
        ]
        return LoadOutcome(
            t0_ns=t0_ns,
            window_start_ns=window.start_ns,
            window_end_ns=window.end_ns,
            finished_ns=time.monotonic_ns(),
            end=next((end for end in ends if end != COMPLETE), COMPLETE) if ends else "load_died",
            failure="",
            problems=tuple(sorted({problem for worker in workers for problem in worker.problems})),
            kernel_stamps=all(worker.ready["kernel_stamps"] for worker in workers),
            tcp_info=all(worker.ready["tcp_info"] for worker in workers),
            server_clock=server_clock,
            workers=(*taking_part, *late),
            deflated=all(deflated) if deflated else None,
        )
