"""The master's side of a trial with several load processes, inside a Locust master: it conducts, and measures nothing.

It tells each worker its clients, has the server start the stream once all are ready, takes the workers' rows as they
come, and writes them as the tables of one trial: those of a worker that died or fell behind as far as they came.
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
from contract.records import COMPLETE, WorkerInfo
from contract.stream import due_offsets_ns, payloads
from contract.transports import TRANSPORTS
from loadtests.control_client import ControlClient
from loadtests.engine import messages
from loadtests.engine.merging import index_ranges, merge
from loadtests.engine.messages import Identity
from loadtests.engine.worker_state import Member
from loadtests.load.trial_clients import PROGRESS_CHECK_S, SERVER_PATIENCE_S, window_ns
from loadtests.load.trial_spec import LoadOutcome, MeasuredWindow, TrialSpec
from loadtests.plan.blocks import connect_patience_s, drain_limit_s, stream_spec
from loadtests.server_clock import judge_server_clock, offset_at_start_ns

_log = logging.getLogger(__name__)

START_IN_MS = 500
"""Between posting the stream and its start: the answer must be back, and every worker on every machine told."""
SETTLE_S = 10.0
"""Beyond the drain limit: for a worker's last rows."""


class MasterConductor:
    """Conducts the trial of one spec over Locust's master runner `environment.runner`."""

    def __init__(self, environment: Any, spec: TrialSpec, folder: Path) -> None:
        self._runner = environment.runner
        self._options = environment.parsed_options
        self._spec = spec
        self._folder = folder
        self._control = ControlClient(spec.control_url, spec.host)
        self._own = Identity.own(folder)
        self._members: dict[str, Member] = {}
        self._late: list[Identity] = []
        self._turned_away = ""
        self._called_off = False
        hears = {
            messages.HELLO: self._hello,
            messages.READY: self._heard,
            messages.FAILED: self._heard,
            messages.ROWS: self._rows,
            messages.FINISHED: self._heard,
        }
        for name, hear in hears.items():
            self._runner.register_message(name, hear)
        self._conducting = gevent.spawn(self._conduct_and_quit)

    def call_off(self) -> None:
        """Locust ends, for whatever reason: keep what there is."""
        self._called_off = True
        self._conducting.join(SETTLE_S)

    # What workers say.

    def _hello(self, msg: Any, **_: object) -> None:
        worker = Identity(**msg.data)
        mismatch = self._own.mismatch(worker)
        if mismatch is not None:
            self._turned_away = mismatch
            # It leaves now, and while it is the only one Locust would end with it: a run without a page has nobody to
            # wait for. This one waits for those that were asked for.
            self._options.headless = False
            self._say(messages.REFUSED, {"reason": mismatch, "may_come_again": False}, msg.node_id)
        elif len(self._members) == self._spec.workers:
            self._late.append(worker)
            reason = f"{self._spec.trial.folder_name} has begun with {self._spec.workers} workers"
            self._say(messages.REFUSED, {"reason": reason, "may_come_again": True}, msg.node_id)
        else:
            index = len(self._members)
            self._members[msg.node_id] = Member(
                index, worker, self._folder / messages.WORKERS_FOLDER / f"received-{index}"
            )

    def _heard(self, msg: Any, **_: object) -> None:
        if msg.node_id in self._members:
            self._members[msg.node_id].hear(msg.type, msg.data)

    def _rows(self, msg: Any, **_: object) -> None:
        if msg.node_id in self._members:
            self._members[msg.node_id].take(msg.data["offsets"], msg.data["rows"])

    def _say(self, name: str, data: Any, client_id: str) -> None:
        self._runner.send_message(name, data, client_id)

    # The trial.

    def _conduct_and_quit(self) -> None:
        status = 1
        try:
            try:
                outcome = self._conduct()
            except UserError as error:
                outcome = LoadOutcome.failed(str(error))
            outcome.write(self._folder)
            status = 1 if outcome.end == "failed" else 0
        except Exception:
            # Whatever went wrong (a full disk, say): the process must end, and its log tells why.
            _log.exception("the trial could not be conducted")
        self._control.close()
        self._runner.quit()
        # Locust itself would go on waiting for workers, where one that it had counted on has left meanwhile.
        os._exit(status)

    def _conduct(self) -> LoadOutcome:
        self._control.wait_until_ready(SERVER_PATIENCE_S)
        before = self._control.read_clock()
        server_offset_ns = offset_at_start_ns(before)
        # A server that was already running still tells the stream before this one to whoever comes without a cursor.
        self._control.empty_log()
        self._wait_for_workers()
        members = self._members
        shares = index_ranges(int(self._spec.trial.parameters["clients"]), len(members))
        for (client_id, member), share in zip(members.items(), shares, strict=True):
            member.share = share
            told = {"spec": self._spec.as_json(), "first": share.start, "count": len(share)}
            self._say(messages.TRIAL, told, client_id)
        self._wait_for_ready()
        for member in members.values():
            member.same_machine = self._own.same_machine(member.identity)
            member.server_offset_ns = server_offset_ns
        t0_ns = self._start_stream(server_offset_ns)
        for client_id, member in members.items():
            self._say(messages.BEGIN, {"t0_ns": t0_ns - member.clock().offset_ns}, client_id)
        window = MeasuredWindow(*window_ns(self._spec.trial, t0_ns))
        window.write(self._folder)
        self._wait_for_rows(window.end_ns)
        clock = judge_server_clock(before, self._control.read_clock())
        outcome = self._outcome(t0_ns, dataclasses.asdict(clock))
        clients_stamp = TRANSPORTS[self._spec.trial.transport].kind.clients_send
        spools = [(member.index, member.rows()) for member in members.values()]
        for table in merge(spools, 0 if clients_stamp else server_offset_ns):
            table.save(self._folder)
        for client_id, member in members.items():
            if member.finished is not None:
                self._say(messages.OVER, {"more_follow": self._spec.more_follow}, client_id)
        return outcome

    def _start_stream(self, server_offset_ns: int) -> int:
        if TRANSPORTS[self._spec.trial.transport].kind.clients_send:
            return time.monotonic_ns() + START_IN_MS * 1_000_000
        stream = stream_spec(self._spec.trial)
        offsets_ns = due_offsets_ns(stream).tolist()
        clients = self._spec.trial.parameters["clients"]
        t0_ns = self._control.start_stream(START_IN_MS, offsets_ns, list(payloads(stream)), clients)
        return t0_ns - server_offset_ns

    def _wait_for_workers(self) -> None:
        def missing() -> str:
            came = f"only {len(self._members)} of {self._spec.workers} workers came within"
            seen = f": {self._turned_away}" if self._turned_away else ""
            return f"{came} {self._spec.workers_patience_s:g} s{seen} (expected: make worker MASTER=… on each machine)"

        self._wait(lambda: len(self._members) == self._spec.workers, self._spec.workers_patience_s, missing)

    def _wait_for_ready(self) -> None:
        """UserError where a worker cannot, or is gone: before the stream there is nothing to be kept of a trial."""

        def ready() -> bool:
            for client_id, member in self._members.items():
                if member.failed:
                    raise UserError(f"{member.name}: {member.failed}")
                if member.gone(self._runner.clients.get(client_id)):
                    raise UserError(f"{member.name}: it ended before the stream began (expected it to take part)")
            return all(bool(member.ready) for member in self._members.values())

        def unready() -> str:
            names = ", ".join(member.name for member in self._members.values() if not member.ready)
            return f"{names}: not ready in time (expected all clients to be connected)"

        self._wait(ready, SERVER_PATIENCE_S + 2 * connect_patience_s(self._spec.trial.parameters), unready)

    def _wait_for_rows(self, stream_end_ns: int) -> None:
        """Until every worker has finished and all its rows are here, or is gone, or the time is over."""

        def settled() -> bool:
            for client_id, member in self._members.items():
                if (sizes := member.lacks()) is not None:
                    self._say(messages.SEND_AGAIN, {"sizes": sizes}, client_id)
            return all(
                member.whole or member.failed or member.gone(self._runner.clients.get(client_id))
                for client_id, member in self._members.items()
            )

        limit_s = (stream_end_ns - time.monotonic_ns()) / 1e9 + drain_limit_s(self._spec.trial.parameters) + SETTLE_S
        deadline = time.monotonic() + limit_s
        while not settled() and not self._called_off and time.monotonic() < deadline:
            gevent.sleep(PROGRESS_CHECK_S)

    def _wait(self, done: Callable[[], bool], patience_s: float, otherwise: Callable[[], str]) -> None:
        deadline = time.monotonic() + patience_s
        while not done():
            if self._called_off or time.monotonic() > deadline:
                raise UserError(otherwise())
            gevent.sleep(PROGRESS_CHECK_S)

    def _outcome(self, t0_ns: int, server_clock: dict[str, int]) -> LoadOutcome:
        members = list(self._members.values())
        told = [member.finished["deflated"] for member in members if member.finished is not None]
        deflated = [each for each in told if each is not None]
        ends = [member.finished["end"] for member in members if member.finished is not None]
        window_start_ns, stream_end_ns = window_ns(self._spec.trial, t0_ns)
        runner_has = self._runner.clients
        workers = [member.info(member.gone(runner_has.get(client_id))) for client_id, member in self._members.items()]
        late = [
            WorkerInfo(len(members) + i, worker.host, 0, 0, 0, 0, 0, None, "late")
            for i, worker in enumerate(self._late)
        ]
        return LoadOutcome(
            t0_ns=t0_ns,
            window_start_ns=window_start_ns,
            window_end_ns=stream_end_ns,
            stream_end_ns=stream_end_ns,
            finished_ns=time.monotonic_ns(),
            end=next((end for end in ends if end != COMPLETE), COMPLETE) if ends else "load_died",
            failure="",
            problems=tuple(sorted({problem for member in members for problem in member.problems})),
            kernel_stamps=all(member.ready["kernel_stamps"] for member in members),
            tcp_info=all(member.ready["tcp_info"] for member in members),
            server_clock=server_clock,
            workers=(*workers, *late),
            deflated=all(deflated) if deflated else None,
        )
