"""`parquet` and `parquet-requests`: raw deliveries and raw requests, with the unit of each column in its metadata.

The parameters of a row's point are columns too: constant within a trial, they take next to no space.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from enum import IntEnum
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from analysis.compare.comparison import ReportedRun
from analysis.export.labels import labels_as_text, run_labels
from analysis.export.raw_trials import RawTrial, raw_trials
from contract.parameters import PARAMETERS, Number, Switch
from contract.records import Ints, Outcome, RequestKind, Trial, is_time
from contract.records.measured import in_window, is_measured

ROWS_PER_GROUP = 2**17
"""Rows in a row group, which are in memory at once in addition to the records of one trial."""
_UNITS = {"_ns": "ns", "_ms": "ms", "_per_s": "1/s", "_s": "s", "_bytes": "bytes"}
"""The unit by the ending of a name; `_per_s` stands before `_s`, since the first match counts."""
_OF_TRIAL = {
    "run_valid": pa.bool_(),
    "valid": pa.bool_(),
    "trial": pa.int32(),
    "block": pa.int32(),
    "point": pa.int32(),
    "transport": pa.string(),
}
_OF_DELIVERY = {
    "client": pa.int32(),
    "seq": pa.int64(),
    "due_ns": pa.int64(),
    "published_ns": pa.int64(),
    "arrival_ns": pa.int64(),
    "measured": pa.bool_(),
}
_OF_REQUEST = {
    "client": pa.int32(),
    "kind": pa.string(),
    "planned_ns": pa.int64(),
    "start_ns": pa.int64(),
    "end_ns": pa.int64(),
    "outcome": pa.string(),
    "status": pa.int32(),
    "events": pa.int64(),
    "up_bytes": pa.int64(),
    "down_bytes": pa.int64(),
    "measured": pa.bool_(),
}
Columns = dict[str, Any]
"""Arrow arrays by name."""


def deliveries(run: ReportedRun) -> Iterator[bytes]:
    """Yield the file of all deliveries, copies and warm-up included; its columns are those of `csv-deliveries`."""
    return _file(run, _OF_DELIVERY, _deliveries)


def requests(run: ReportedRun) -> Iterator[bytes]:
    """Yield the file of all connection attempts, handshakes, polls and POSTs, failed ones included.

    `measured` is true for those that were started in the measured window.
    """
    return _file(run, _OF_REQUEST, _requests)


def unit_of(name: str) -> str | None:
    """Return the unit that the name of a column ends with; None if it has none."""
    return next((unit for ending, unit in _UNITS.items() if name.endswith(ending)), None)


def _deliveries(trial: Trial) -> Columns:
    rows = trial.deliveries
    return {
        **{name: pa.array(getattr(rows, name)) for name in ("client", "seq")},
        "due_ns": _times(rows.due_ns),
        "published_ns": _times(rows.published_ns),
        "arrival_ns": _times(trial.arrivals_ns(rows)),
        "measured": pa.array(is_measured(trial)),
    }


def _requests(trial: Trial) -> Columns:
    rows = trial.requests
    return {
        **{name: pa.array(getattr(rows, name)) for name in ("client", "status", "events", "up_bytes", "down_bytes")},
        **{name: _times(getattr(rows, name)) for name in ("planned_ns", "start_ns", "end_ns")},
        "kind": _words(RequestKind, rows.kind),
        "outcome": _words(Outcome, rows.outcome),
        "measured": pa.array(in_window(trial, rows.start_ns)),
    }


def _file(run: ReportedRun, own: Mapping[str, Any], columns_of: Callable[[Trial], Columns]) -> Iterator[bytes]:
    """Yield a file part by part, with only the rows of one trial and one row group of the file in memory."""
    types = {**_OF_TRIAL, **own}
    types |= {name: kind for name, kind in _parameter_types(run).items() if name not in types}
    schema = pa.schema([_field(name, kind) for name, kind in types.items()], metadata=_about(run))
    written = io.BytesIO()
    with pq.ParquetWriter(written, schema, compression="zstd") as writer:
        for each in raw_trials(run):
            columns, of_trial = columns_of(each.trial), _of_trial(run, each)
            rows = len(columns["client"])
            for start in range(0, rows, ROWS_PER_GROUP):
                number = min(ROWS_PER_GROUP, rows - start)
                arrays = [
                    columns[name].slice(start, number).cast(kind)
                    if name in columns
                    else pa.repeat(pa.scalar(of_trial.get(name), kind), number)
                    for name, kind in types.items()
                ]
                writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
                yield _take(written)
    yield _take(written)


def _take(written: io.BytesIO) -> bytes:
    """Return and remove the bytes written since the last call; the writer itself counts its position in the file."""
    part = written.getvalue()
    written.seek(0)
    written.truncate()
    return part


def _of_trial(run: ReportedRun, each: RawTrial) -> dict[str, Any]:
    """Return the values that all rows of a trial share."""
    planned = each.planned
    return {
        **{name: value if name in PARAMETERS else str(value) for name, value in planned.parameters.items()},
        "run_valid": run.summary.valid,
        "valid": each.point.valid,
        "trial": planned.index,
        "block": planned.block,
        "point": planned.point,
        "transport": planned.transport,
    }


def _parameter_types(run: ReportedRun) -> dict[str, Any]:
    """Return the type of each parameter that a trial of the plan has."""
    return {name: _type_of(name) for planned in run.info.plan for name in planned.parameters}


def _type_of(parameter: str) -> Any:
    """Return the type of a parameter's values; text for one that this version does not know."""
    match PARAMETERS[parameter].rule if parameter in PARAMETERS else None:
        case Number(whole=True):
            return pa.int64()
        case Number():
            return pa.float64()
        case Switch():
            return pa.bool_()
    return pa.string()


def _field(name: str, kind: Any) -> Any:
    unit = unit_of(name)
    return pa.field(name, kind, metadata=None if unit is None else {"unit": unit})


def _about(run: ReportedRun) -> dict[str, str]:
    """Return the metadata of the file."""
    return {
        **labels_as_text(run_labels(run)),
        "verdict": run.summary.verdict,
        "clock": "columns in ns are times of CLOCK_MONOTONIC",
    }


def _times(times_ns: Ints) -> Any:
    """Return a column of times, with null for a time that was not recorded."""
    return pa.array(times_ns, mask=~is_time(times_ns))


def _words(meaning: type[IntEnum], numbers: Ints) -> Any:
    """Return a column of the names of an enumeration, which counts from 0."""
    return pa.array([member.name.lower() for member in meaning]).take(pa.array(numbers))
