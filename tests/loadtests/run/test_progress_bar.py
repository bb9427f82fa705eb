from __future__ import annotations

import io

from rich.progress import Progress

from loadtests.run.progress_bar import RunProgress
from terminal.console import PlainConsole
from tests.fabricate import SMALL


def test_the_trial_that_runs_now_is_named_as_in_the_report() -> None:
    console = PlainConsole(file=io.StringIO())
    trials = SMALL.plan()
    with Progress(console=console, auto_refresh=False) as progress:
        shown = RunProgress(progress, trials, console)
        shown.start(next(trial for trial in trials if trial.transport == "short_poll"))
        [task] = progress.tasks
    assert task.description.endswith("/12 Short poll, every 1 s, 10 events/s, 6 clients")
