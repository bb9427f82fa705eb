"""Points and their parameters have the same names while a run is measured and in its report."""

from __future__ import annotations

import pytest

from contract.points import agrees, agrees_but_for_server, differing, identity, parameter_value, point_name


@pytest.mark.parametrize(
    ("parameter", "value", "shown"),
    [
        ("rate_per_s", 1, "1 event/s"),
        ("rate_per_s", 5.0, "5 events/s"),
        ("clients", 1, "1 client"),
        ("poll_interval_s", 0.25, "every 0.25 s"),
        ("arrival", "poisson", "Poisson arrivals"),
        ("window_bits", 9, "window_bits 9"),
        ("keep_alive", False, "keep-alive off"),
        ("keep_alive", True, "keep-alive on"),
        ("stack", "asgi", "asgi stack"),
        ("server_processes", 1, "1 server process"),
    ],
)
def test_parameters_in_words(parameter: str, value: object, shown: str) -> None:
    assert parameter_value(parameter, value) == shown


def test_a_point_is_named_by_its_transport_and_the_parameters_that_are_shown() -> None:
    parameters = {"clients": 1, "poll_interval_s": 2.0, "rate_per_s": 5.0}
    assert point_name("Short poll", parameters, ["poll_interval_s", "hold_s", "clients"]) == (
        "Short poll, every 2 s, 1 client"
    )
    assert point_name("SSE", parameters, []) == "SSE"


BASE = {"clients": 10, "rate_per_s": 5.0, "measured_s": 20.0, "poll_interval_s": 1.0}


def test_parameters_differ_where_both_have_them_and_their_values_are_not_the_same() -> None:
    other = {"rate_per_s": 10.0, "clients": 20, "hold_s": 30.0, "poll_interval_s": 1.0}
    assert differing(other, BASE) == ["rate_per_s", "clients"]
    assert not agrees(other, BASE)


def test_how_long_trials_took_makes_no_other_point() -> None:
    assert agrees({"clients": 10, "measured_s": 5.0}, BASE)


def test_the_same_point_is_found_whatever_the_order_of_its_parameters() -> None:
    found = identity("sse", {"clients": 1, "repeat": 1, "rate_per_s": 5.0}, {"repeat"})
    assert found == identity("sse", {"rate_per_s": 5.0, "repeat": 2, "clients": 1}, {"repeat"})
    assert found != identity("websocket", {"clients": 1, "rate_per_s": 5.0})
    assert found != identity("sse", {"clients": 2, "rate_per_s": 5.0})


def test_the_same_point_on_another_server_may_have_another_number_of_processes() -> None:
    base = {**BASE, "server": "before", "server_processes": 1}
    assert agrees_but_for_server(base, base)
    assert agrees_but_for_server({**base, "server": "after", "server_processes": 2}, base)
    assert not agrees_but_for_server({**base, "server": "after", "clients": 20}, base)
    assert not agrees_but_for_server({**BASE, "server_processes": 2}, {**BASE, "server_processes": 1}), (
        "a sweep of it, on one server"
    )
