"""One worker's side of a trial, inside its Locust process: its clients, its clock, and its records at the end."""

from __future__ import annotations

import json
import os
import socket
import time
from array import array
from contextlib import suppress
from pathlib import Path
from typing import Any

import gevent
import psutil
from gevent.event import AsyncResult
from locust.exception import RPCError

from contract.errors import UserError
from contract.records import JsonObject, SampleRole
from loadtests.control_client import ControlClient
from loadtests.engine import messages
from loadtests.engine.load_processes import LOAD_LOG, traceback_problem
from loadtests.engine.messages import Identity
from loadtests.engine.system_limits import ensure_share
from loadtests.engine.worker_records import read_pieces, sizes_bytes, write_records
from loadtests.load.trial_clients import SERVER_PATIENCE_S, TrialClients
from loadtests.load.trial_spec import TrialSpec
from loadtests.server_clock import ClockReading
from system.addresses import Endpoint
from system.processor import core_times_reader, throttling_reader, waited_ns

SAMPLE_PERIOD_S = 0.2
MASTER_SILENCE_S = 15.0
"""The master or the link to it counts as gone after this time without heartbeats."""
CLOCK_EXCHANGES = 100
_PARENT_CHECK_S = 1.0


class WorkerTrial:
    """The worker's part in one trial; the Locust worker `environment.runner` is connected to the master."""

    def __init__(self, environment: Any, folder: Path) -> None:
        self._environment = environment
        self._runner = environment.runner
        self._folder = folder
        self._received: dict[str, AsyncResult[JsonObject]] = {name: AsyncResult() for name in messages.TO_WORKER}
        self._samples = array("q")
        self._process = psutil.Process()
        self._core_times = core_times_reader(self._process)
        self._throttled_ns = throttling_reader()
        (folder / messages.JOINED_FILE).touch()
        for name in messages.TO_WORKER:
            self._runner.register_message(name, self._receive)
        gevent.spawn(self._end_with_parent)
        serving = gevent.spawn(self._serve)
        # Locust ends if its master is gone or stops it: what was recorded until then is written.
        environment.events.quitting.add_listener(lambda **_: serving.kill())

    def _receive(self, msg: Any, **_: object) -> None:
        self._received[msg.type].set(msg.data)

    def _send(self, name: str, data: JsonObject) -> None:
        # The master notices what is missing if a message cannot be sent.
        with suppress(RPCError):
            self._runner.send_message(name, data)

    def _wait_for(self, name: str) -> JsonObject:
        """Return the data of the master's message of this name; raise UserError if the master is gone or refuses."""
        awaited, refused = self._received[name], self._received[messages.REFUSED]
        since_s = time.time()
        while not gevent.wait([awaited, refused], timeout=1.0, count=1):
            heartbeat_s = self._runner.last_heartbeat_timestamp
            silent_s = time.time() - (since_s if heartbeat_s is None else max(since_s, heartbeat_s))
            if silent_s > MASTER_SILENCE_S:
                raise UserError(f"the master has been silent for {silent_s:.0f} s (expected its {name})")
        if refused.ready():
            raise _RefusedError(refused.get())
        message: JsonObject = awaited.get()
        return message

    def _serve(self) -> None:
        end: JsonObject = {"end": "failed", "reason": "it ended before it was done: see its log", "more_follow": True}
        try:
            end = self._take_part()
        except _RefusedError as refused:
            end = {"end": "refused", **refused.message}
        except (UserError, OSError) as error:
            end = {**end, "reason": str(error)}
            self._send(messages.FAILED, {"reason": str(error)})
        finally:
            (self._folder / messages.END_FILE).write_text(json.dumps(end), encoding="utf-8")
            self._environment.process_exit_code = 0 if end["end"] == "served" else 1
            if end.get("may_come_again"):
                # Wait until this trial is over: then the master makes Locust end all its workers.
                self._runner.greenlet.join()
            self._runner.quit()

    def _take_part(self) -> JsonObject:
        self._send(messages.HELLO, Identity.own().as_json())
        assignment = self._wait_for(messages.TRIAL)
        spec = TrialSpec.from_json(assignment["spec"])
        ensure_share(spec.trial, assignment["count"], Endpoint.of_url(spec.url).host)
        control = ControlClient(spec.control_url, spec.host)
        control.wait_until_ready(SERVER_PATIENCE_S)
        clock = control.read_clock(CLOCK_EXCHANGES)
        clients = TrialClients(spec)
        clients.wait_for_server()
        clients.open(range(assignment["first"], assignment["first"] + assignment["count"]))
        sampling = gevent.spawn(self._keep_sampling)
        clients.wait_for_clients()
        features = {"kernel_stamps": clients.driver.kernel_stamps, "tcp_info": clients.driver.kernel_counters}
        self._send(messages.READY, {**_as_json(clock), **features})
        t0_ns = self._wait_for(messages.BEGIN)["t0_ns"]
        try:
            finished: JsonObject = {"end": clients.receive(t0_ns)}
            finished |= _as_json(control.read_clock(CLOCK_EXCHANGES))
        finally:
            sampling.kill()
            self._sample()
            control.close()
            clients.driver.finish()
            write_records(self._folder, clients.recorder, self._samples)
        finished |= {"problems": self._problems(clients), "deflated": clients.recorder.deflated}
        for file, piece in read_pieces(self._folder):
            self._send(messages.RECORDS, {"file": file, "piece": piece})
            gevent.sleep(0)
        self._send(messages.FINISHED, {**finished, "sizes_bytes": sizes_bytes(self._folder)})
        more_follow = bool(self._wait_for(messages.OVER)["more_follow"])
        return {
            "end": "served",
            "trial": spec.trial.folder_name,
            "clients": assignment["count"],
            "more_follow": more_follow,
        }

    def _problems(self, clients: TrialClients) -> list[str]:
        printed = traceback_problem(f"a load process on {socket.gethostname()}", self._folder / LOAD_LOG)
        return [*clients.recorder.problems, *([printed] if printed else [])]

    def _keep_sampling(self) -> None:
        while True:
            self._sample()
            gevent.sleep(SAMPLE_PERIOD_S)

    def _sample(self) -> None:
        rss_bytes = self._process.memory_info().rss
        cpu_ns = time.process_time_ns()
        core_ns = *self._core_times(), waited_ns(self._process.pid), self._throttled_ns()
        self._samples.extend((time.monotonic_ns(), SampleRole.LOAD, cpu_ns, rss_bytes, *core_ns))

    def _end_with_parent(self) -> None:
        """End this process when the one that started it has ended, even if that was killed."""
        parent = os.getppid()
        while os.getppid() == parent:
            gevent.sleep(_PARENT_CHECK_S)
        self._runner.quit()


class _RefusedError(Exception):
    """The master has refused this worker; `message` has the reason."""

    def __init__(self, message: JsonObject) -> None:
        super().__init__(message["reason"])
        self.message = message


def _as_json(clock: ClockReading) -> JsonObject:
    return {"offset_ns": clock.offset_ns, "round_trip_ns": clock.round_trip_ns}
