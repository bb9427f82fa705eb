from __future__ import annotations

from typing import Any

import pytest

from analysis.report.capacity_tables import capacity_findings, capacity_tables
from analysis.summary.results import Results
from analysis.verdict.run_verdict import verdict
from contract.records import JsonObject
from tests.analysis import made_summary as made
from tests.analysis.made_loads import ABOVE, BASE, BELOW, Server, measured, tried
from tests.analysis.summary.test_crossover import summary


def run(**changes: Any) -> JsonObject:
    """A summary of a run that overloaded its server."""
    loads = [*measured(blocks=3), *tried(BELOW, blocks=3), *tried(ABOVE, Server(push_us=8.0), blocks=3)]
    return made.standard() | {"overload": True, "capacity": summary(loads)} | changes


def results(found: JsonObject) -> Results:
    return made.results(found, BASE)


def test_a_run_that_tells_no_service_time_has_no_section() -> None:
    for found in (made.standard(), run(capacity=None)):
        assert capacity_tables(results(found)) == []
        assert capacity_findings(results(found)) == []


def test_the_tables_say_what_was_measured_and_where_it_stopped() -> None:
    services, saturations, crossovers = capacity_tables(results(run()))
    by_name = {row[0].text: [cell.text for cell in row[1:]] for row in services.rows}
    assert by_name["WebSocket"][:2] == ["—", "25.5"]
    assert by_name["Short poll"][0] == "204"
    assert "polls with 2.00 events each" in by_name["Short poll"][3]
    assert by_name["Long poll"][-1] == "—"
    assert [row[0].small for row in saturations.rows if row[0].text == "Short poll"] == ["1600 clients, every 0.1 s"]
    assert [row[0].small for row in crossovers.rows] == ["CONFIRMED", "REFUTED"]


def test_each_prediction_stands_beside_what_came_of_it() -> None:
    confirmed, refuted = capacity_findings(results(run()))
    assert "At λI = 1.00 (1,300 clients, 10 events/s, polls every 0.1 s), predicted: WebSocket holds more" in confirmed
    assert "WebSocket holds them at" in confirmed
    assert "Short poll does not hold them at" in confirmed
    assert confirmed.endswith("Confirmed.")
    lone = run()
    lone["capacity"]["crossovers"][0]["tried"][0]["clients"] = 1
    assert "(1 client, 10 events/s" in capacity_findings(results(lone))[0]
    assert refuted.endswith("Refuted: it did not cost less and the other held its clients too.")


def test_an_undecided_one_says_so() -> None:
    found = run()
    found["capacity"]["crossovers"][0]["tried"][0] |= {"predicted": "undecided", "outcome": "undecided", "claims": {}}
    assert capacity_findings(results(found))[0].endswith("is not known well enough. Undecided.")


def test_the_verdict_of_an_overload_is_what_a_core_holds() -> None:
    found = verdict(results(run()))
    assert found.headline.startswith("A second of one server core is enough for")
    assert "events of WebSocket" in found.headline
    assert "[" not in found.headline
    assert "] events of WebSocket." in found.lines[0]
    assert "Short poll holds more clients than WebSocket where event rate × interval is above 10." in " ".join(
        found.lines
    )
    assert "(confirmed at 1.00 and refuted at 50.0)" in " ".join(found.lines)


def test_the_verdict_names_each_outcome_once() -> None:
    found = run()
    tried = found["capacity"]["crossovers"][0]["tried"]
    tried += [{**tried[0], "events_per_poll": 5.0}]
    assert "(confirmed at 1.00 and 5.00 and refuted at 50.0)" in " ".join(verdict(results(found)).lines)


def test_where_polling_never_wins_the_verdict_says_so() -> None:
    found = run(capacity=summary(measured(Server(event_us=25.0))))
    assert "Short poll never holds more clients than WebSocket" in " ".join(verdict(results(found)).lines)


@pytest.mark.parametrize("changes", [{"overload": False}, {"capacity": None}])
def test_any_other_run_has_its_usual_verdict(changes: JsonObject) -> None:
    alone = [made.point("websocket", 25.2, 0.0)]
    assert verdict(results(run(points=alone, **changes))).lines[0].startswith("With 50 clients")


def test_an_invalid_run_has_no_verdict() -> None:
    assert (
        verdict(results(run(valid=False, invalid_reasons=["an event was lost"]))).headline
        == "INVALID: an event was lost."
    )
