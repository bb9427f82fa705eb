"""The progress bar of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
from rich.text import Text

from contract.points import point_name
from contract.records import PlannedTrial
from contract.transports import TRANSPORTS
from loadtests.plan.durations import trial_seconds
from terminal.console import PlainConsole

_SHOWN = ("poll_interval_s", "server", "rate_per_s", "clients")
"""Parameters of the present trial that are shown beside its transport."""


class _TimeLeft(ProgressColumn):
    """The remaining time by the plan, corrected by how long the trials so far took."""

    def render(self, task: Task) -> Text:
        """Return `m:ss left`."""
        left_s = max(0.0, (task.total or 0.0) - task.completed)
        if task.elapsed and task.completed > 0.1 * (task.total or 0.0):
            left_s *= task.elapsed / task.completed
        minutes, seconds = divmod(round(left_s), 60)
        return Text(f"{minutes}:{seconds:02d} left", style="cyan")


class RunProgress:
    """The progress of a run in planned seconds, so that a long trial fills more of the bar than a short one."""

    def __init__(self, progress: Progress, trials: tuple[PlannedTrial, ...], console: PlainConsole) -> None:
        self._progress = progress
        self._console = console
        self._count = 0
        self._total_s = 0.0
        self._done_s = 0.0
        self._task = progress.add_task("", total=0.0)
        self.extend(trials)

    def extend(self, trials: tuple[PlannedTrial, ...]) -> None:
        """Add further planned trials."""
        self._count += len(trials)
        self._total_s += sum(trial_seconds(trial.parameters) for trial in trials)
        self._progress.update(self._task, total=self._total_s)

    def start(self, trial: PlannedTrial) -> Callable[[float], None]:
        """Show the trial that runs now; return a function to call with its elapsed seconds."""
        planned_s = trial_seconds(trial.parameters)
        self._progress.update(
            self._task,
            description=f"{trial.index + 1}/{self._count} {_describe(trial)}",
            completed=self._done_s,
            refresh=True,
        )

        def tick(elapsed_s: float) -> None:
            self._progress.update(self._task, completed=self._done_s + min(elapsed_s, planned_s), refresh=True)

        return tick

    def print_sentence(self, sentence: str) -> None:
        """Print a sentence above the bar."""
        self._console.print_sentence(sentence)

    def finish(self, trial: PlannedTrial) -> None:
        """Count one trial as done."""
        self._done_s += trial_seconds(trial.parameters)
        self._progress.update(self._task, completed=self._done_s)


@contextmanager
def run_progress(trials: tuple[PlannedTrial, ...], console: PlainConsole) -> Iterator[RunProgress]:
    """Show the progress bar on the console while the run lasts."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), _TimeLeft())
    # Refreshed by the observer of each trial, since a thread of Rich's would draw at ordinary priority.
    with Progress(*columns, console=console, auto_refresh=False) as progress:
        yield RunProgress(progress, trials, console)


def _describe(trial: PlannedTrial) -> str:
    return point_name(TRANSPORTS[trial.transport].label, trial.parameters, _SHOWN)
