from __future__ import annotations

from contract.same_point import agrees, agrees_but_for_server, differing, identity

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
