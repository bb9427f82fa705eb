"""Points and their parameters have the same names while a run is measured and in its report."""

from __future__ import annotations

import pytest

from contract.point_names import parameter_value, point_name


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
