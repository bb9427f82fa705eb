"""`csv-deliveries`: a row per event that a client received, from the raw records."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from analysis.compare.comparison import ReportedRun
from contract.errors import UserError
from contract.records import PlannedTrial, Trial, finished_trial_folders

COLUMNS = ("trial", "block", "point", "transport", "client", "seq", "due_ns", "published_ns", "arrival_ns", "measured")
_ROWS_AT_ONCE = 10_000


def lines(run: ReportedRun) -> Iterator[str]:
    """Yield a header, and the deliveries of one trial after another, copies and warm-up included.

    Latencies are `arrival_ns` - `due_ns`. `measured` is 1 for events that were due in the measured window, else 0.
    """
    folders = {folder.name: folder for folder in finished_trial_folders(run.folder)}
    if not folders:
        raise UserError(f"{run.folder}: has no raw records (expected trials/*/trial.json, which published runs lack)")
    yield ",".join(COLUMNS) + "\n"
    for planned in run.info.plan:
        if planned.folder_name in folders:
            yield from _rows(planned, Trial.load(folders[planned.folder_name], planned))


def _rows(planned: PlannedTrial, trial: Trial) -> Iterator[str]:
    rows = trial.deliveries
    measured = (rows.due_ns >= trial.info.window_start_ns) & (rows.due_ns < trial.info.window_end_ns)
    of_trial = f"{planned.index},{planned.block},{planned.point},{planned.transport},"
    columns = (rows.client, rows.seq, rows.due_ns, rows.published_ns, trial.arrivals_ns(rows), measured)
    table = np.column_stack([column.astype(np.int64) for column in columns])
    for start in range(0, len(table), _ROWS_AT_ONCE):
        part = table[start : start + _ROWS_AT_ONCE].tolist()
        yield "".join(of_trial + ",".join(map(str, row)) + "\n" for row in part)
