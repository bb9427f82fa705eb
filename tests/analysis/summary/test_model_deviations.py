from __future__ import annotations

from typing import Any

import pytest

from analysis.report.tables import deviation_table
from analysis.summary.model_deviations import deviations
from contract.records import JsonObject
from tests.analysis import made_summary as made


def point(measured_ms: float, **changes: Any) -> JsonObject:
    """A long poll of 100 ms by the model whose mean was measured as told, all else as predicted."""
    entry = made.point("long_poll", 100.0, 1.0)
    entry["latency_ms"] |= {"mean": measured_ms, "p99": 190.0}
    entry["requests_per_event"] = entry["model"]["requests_per_event"]
    return {**entry, "server_cpu_ratio": 0.1, "load_cpu_ratio": 0.1, **changes}


def queued(mean_ms: float | None, reason: str | None = None) -> JsonObject:
    unknown = dict.fromkeys(("p95_ms", "answer_us", "waking_us", "read_us"))
    return {
        **unknown,
        "mean_ms": mean_ms,
        "p50_ms": 100.0,
        "p99_ms": 190.0,
        "requests_per_event": 0.2,
        "reason": reason,
    }


def test_what_is_near_the_model_goes_without_saying() -> None:
    assert deviations([made.typed(point(101.9))]) == []
    assert deviation_table(made.results(made.summary([point(101.9)]), made.BASE)) is None


@pytest.mark.parametrize(
    ("entry", "cause"),
    [
        (point(120.0, server_cpu_ratio=0.9), "saturation: the server used 90.0 % of a core"),
        (point(120.0, load_cpu_ratio=0.7), "saturation: the load generator"),
        (point(103.0, queue_model=queued(102.6)), "queueing by our own server and load: with their queues"),
        (point(91.0, queue_model=queued(90.0)), "the model gives 90.0"),
        (point(150.0, queue_model=queued(104.0)), None),
        (point(103.0, queue_model=queued(None, "the CPU time of the server is not known")), None),
        (point(150.0), None),
    ],
)
def test_the_mean_is_explained_by_what_was_recorded(entry: JsonObject, cause: str | None) -> None:
    (found,) = deviations([made.typed(entry)])
    assert (found.name, found.measured, found.predicted) == ("mean_ms", entry["latency_ms"]["mean"], 100.0)
    assert found.cause is None if cause is None else cause in str(found.cause)


def test_a_slow_hundredth_is_told_in_its_parts() -> None:
    entry = point(100.0)
    entry["latency_ms"]["p99"] = 300.0
    (found,) = deviations([made.typed(entry)])
    assert found.name == "p99_ms"
    assert "the slowest hundredth: 1.20 ms over the model" in str(found.cause)


def test_the_table_names_the_point_and_admits_what_it_cannot_explain() -> None:
    odd = point(150.0)
    odd["parameters"]["rate_per_s"] = 20.0
    table = deviation_table(made.results(made.summary([odd]), made.BASE))
    assert table is not None
    ((name, figure, *_, cause),) = table.rows
    assert (str(name), str(figure)) == ("Long poll 20 events/s", "mean ms")
    assert "not explained" in str(cause)


def test_what_disturbed_a_point_is_named_where_nothing_else_explains_it() -> None:
    taken = "trial 002-long_poll: the server waited for its core while other programs ran on it"
    reasons = [taken, "trial 003-long_poll: another"]
    (found,) = deviations([made.typed(point(150.0, valid=False, invalid_reasons=reasons))])
    assert str(found.cause).endswith(f"makes the point INVALID: {taken} (and 1 more reason)")
    (full,) = deviations([made.typed(point(150.0, valid=False, invalid_reasons=[taken], server_cpu_ratio=0.9))])
    assert "saturation" in str(full.cause)
