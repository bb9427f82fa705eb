"""Locust users of every transport, over the harness's own clients.

`make bench` starts Locust with this file once per trial, as the only load process or as the master of several; an
environment variable names the trial, and another one marks the workers. By hand, Locust can be used as always, its web
UI included (`make ui`):

   locust -f loadtests/engine/locustfile.py --host http://127.0.0.1:8000 WebsocketUser ShortPollUser

Locust's own statistics show live numbers; results come from the raw records only.
"""

from __future__ import annotations

import gc
import logging
import os
from pathlib import Path
from typing import Any, ClassVar

import gevent
from gevent.event import Event
from locust import User, events, task
from locust.runners import MasterRunner, WorkerRunner

from contract.errors import UserError
from contract.transports import TRANSPORTS
from loadtests.engine.by_hand import InteractiveTest, add_arguments
from loadtests.engine.master import MasterTrial
from loadtests.engine.messages import WORKER_VARIABLE
from loadtests.engine.single_process import SingleProcessTrial
from loadtests.engine.worker import WorkerTrial
from loadtests.load.trial_spec import TRIAL_VARIABLE, TrialSpec

_log = logging.getLogger(__name__)
_spec_path = os.environ.get(TRIAL_VARIABLE)
_worker_folder = os.environ.get(WORKER_VARIABLE)
_by_hand = _spec_path is None and _worker_folder is None
_interactive_test: InteractiveTest | None = None


class TrialUser(User):
    """Stands for all clients of this process in a trial; `loadtests.load.trial_clients` opens them."""

    abstract = _by_hand

    @task
    def stay(self) -> None:
        """Wait until the trial's end stops the user; the driver does the work."""
        Event().wait()


class TransportUser(User):
    """One client of one transport, used by hand."""

    abstract = True
    transport: ClassVar[str]

    def on_start(self) -> None:
        """Open the client, unless the test is being stopped."""
        self._connection = None if _interactive_test is None else _interactive_test.open_client(self.transport)

    @task
    def stay(self) -> None:
        """Wait until Locust stops the user; the driver does the work."""
        Event().wait()

    def on_stop(self) -> None:
        """Close the client."""
        if _interactive_test is not None and self._connection is not None:
            _interactive_test.close_client(self._connection)


if _by_hand:
    for _transport in TRANSPORTS.values():
        _name = "".join(word.capitalize() for word in _transport.name.split("_")) + "User"
        globals()[_name] = type(_name, (TransportUser,), {"transport": _transport.name, "__doc__": _transport.label})


def _on_parser(parser: Any, **_: object) -> None:
    if _by_hand:
        add_arguments(parser)


def _on_init(environment: Any, runner: Any, **_: object) -> None:
    gc.freeze()
    gc.enable()
    if _worker_folder is not None and isinstance(runner, WorkerRunner):
        WorkerTrial(environment, Path(_worker_folder))
    elif _spec_path is not None and isinstance(runner, MasterRunner):
        path = Path(_spec_path)
        master = MasterTrial(environment, TrialSpec.read(path), path.parent)
        environment.events.quitting.add_listener(lambda **_: master.stop_waiting())


def _on_test_start(environment: Any, **_: object) -> None:
    global _interactive_test  # noqa: PLW0603 - Locust offers users no other way to the running test
    if _by_hand:
        try:
            _interactive_test = InteractiveTest(environment)
        except UserError as error:
            _log.error("%s", error)
            environment.process_exit_code = 2
            gevent.spawn(environment.runner.quit)
        return
    if _spec_path is None or isinstance(environment.runner, MasterRunner):
        return
    path = Path(_spec_path)
    trial = SingleProcessTrial(TrialSpec.read(path))

    def run_trial() -> None:
        environment.process_exit_code = 1
        try:
            outcome = trial.run(path.parent)
        except BaseException:
            # Whatever went wrong (a full disk, say), the process must end. Its log states why.
            environment.runner.quit()
            raise
        # The records are written. What Locust and the interpreter do at exit would only cost each trial a tenth of a
        # second.
        os._exit(1 if outcome.end == "failed" else 0)

    gevent.spawn(run_trial)


def _on_test_stop(**_: object) -> None:
    global _interactive_test  # noqa: PLW0603 - as above
    if _interactive_test is not None:
        _interactive_test.close()
        _interactive_test = None


_hooks: Any = events
_hooks.init_command_line_parser.add_listener(_on_parser)
_hooks.init.add_listener(_on_init)
_hooks.test_start.add_listener(_on_test_start)
_hooks.test_stop.add_listener(_on_test_stop)
