"""`jsonl`: a JSON object per point, as in summary.json, with its run's name, scenario, start, commit and validity."""

from __future__ import annotations

import json
from collections.abc import Iterator

from analysis.compare.comparison import ReportedRun
from analysis.export.labels import run_labels
from contract.records import as_document


def lines(run: ReportedRun) -> Iterator[str]:
    """Yield a line per point, the keys of its run first."""
    of_run = run_labels(run)
    for point in run.summary.points:
        yield json.dumps({**of_run, **as_document(point)}, ensure_ascii=False, allow_nan=False) + "\n"
