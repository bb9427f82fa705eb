"""`csv-deliveries`: a row per event that a client received, from the raw records."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from analysis.compare.comparison import ReportedRun
from analysis.export.raw_trials import raw_trials
from contract.records import Trial
from contract.records.measured import is_measured

OF_TRIAL = ("run_valid", "valid", "trial", "block", "point", "transport")
OF_DELIVERY = ("client", "seq", "due_ns", "published_ns", "arrival_ns", "measured")
_ROWS_AT_ONCE = 10_000


def lines(run: ReportedRun) -> Iterator[str]:
    """Yield a header, and the deliveries of one trial after another, copies and warm-up included.

    Latencies are `arrival_ns` - `due_ns`. `measured` is 1 for those that figures are computed from, the first
    copies of events that were due in the measured window, else 0.
    """
    yield ",".join((*OF_TRIAL, *OF_DELIVERY)) + "\n"
    for each in raw_trials(run):
        validity = (int(run.summary.valid), int(each.point.valid))
        planned = each.planned
        of_trial = (*validity, planned.index, planned.block, planned.point, planned.transport)
        yield from _rows(",".join(map(str, of_trial)), each.trial)


def _rows(of_trial: str, trial: Trial) -> Iterator[str]:
    rows = trial.deliveries
    columns = (rows.client, rows.seq, rows.due_ns, rows.published_ns, trial.arrivals_ns(rows), is_measured(trial))
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        part = np.column_stack([column[start : start + _ROWS_AT_ONCE].astype(np.int64) for column in columns])
        yield "".join(f"{of_trial},{','.join(map(str, row))}\n" for row in part.tolist())
