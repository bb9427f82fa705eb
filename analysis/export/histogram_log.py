"""`hdrhistogram`: a histogram log (.hlog) with an interval per trial, tagged with the name of its point.

Values are latencies in nanoseconds, to three significant digits. The package encodes the histograms; their lines are
formatted here, since its own log writer does not support tags.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
from hdrh.histogram import HdrHistogram

from analysis.compare.comparison import ReportedRun
from analysis.export.labels import marked_name_parts
from analysis.export.raw_trials import raw_trials
from contract.records import Ints, Trial
from contract.records.measured import is_measured

SIGNIFICANT_DIGITS = 3
LONGEST_NS = 3_600_000_000_000
"""The range of histograms, which are added quickly if their ranges are equal; a longer latency gets a larger range."""
_NOT_IN_TAGS = re.compile(r"[\s,]+")
_NS_PER_MS, _NS_PER_S = 1e6, 1e9


def lines(run: ReportedRun) -> Iterator[str]:
    """Yield the log; an interval starts with its trial's measured window, in seconds after that of the first trial."""
    yield "#[Histogram log format version 1.3]\n"
    yield _comment(f"{run.name}, scenario {run.info.scenario['name']}, started at {run.info.started_at}")
    if not run.summary.valid:
        yield _comment(run.summary.verdict)
    yield '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"\n'
    first_ns = None
    for each in raw_trials(run):
        info = each.trial.info
        first_ns = info.window_start_ns if first_ns is None else first_ns
        start_s = (info.window_start_ns - first_ns) / _NS_PER_S
        length_s = (info.window_end_ns - info.window_start_ns) / _NS_PER_S
        latencies_ns = _latencies_ns(each.trial)
        max_ms = int(latencies_ns.max(initial=0)) / _NS_PER_MS
        tag = _NOT_IN_TAGS.sub("_", ";".join(marked_name_parts(run, each.point)))
        encoded = histogram_of(latencies_ns).encode().decode("ascii")
        yield f"Tag={tag},{start_s:.3f},{length_s:.3f},{max_ms:.3f},{encoded}\n"


def histogram_of(latencies_ns: Ints) -> HdrHistogram:
    """Return the histogram of latencies that are not negative."""
    longest_ns = max(LONGEST_NS, int(latencies_ns.max(initial=0)))
    histogram = HdrHistogram(1, longest_ns, SIGNIFICANT_DIGITS)
    # record_value takes a microsecond or more per call. So it is called once for all values that the histogram does not
    # tell apart: those that agree in as many leading bits as a sub-bucket index has.
    leading_bits = histogram.sub_bucket_count.bit_length() - 1
    others = np.maximum(np.frexp(latencies_ns)[1] - leading_bits, 0)
    values, counts = np.unique((latencies_ns >> others) << others, return_counts=True)
    for value, count in zip(values.tolist(), counts.tolist(), strict=True):
        histogram.record_value(value, count)
    return histogram


def _latencies_ns(trial: Trial) -> Ints:
    """Return the measured latencies; negative ones, due to uncertain clocks, become 0, as the format has none."""
    rows = trial.deliveries
    latencies_ns: Ints = np.maximum(trial.arrivals_ns(rows) - rows.due_ns, 0)[is_measured(trial)]
    return latencies_ns


def _comment(text: str) -> str:
    return f"#[{' '.join(text.split())}]\n"
