from __future__ import annotations

import pytest

from classroom.allowed_hosts import Addresses, is_loopback
from classroom.refusals import RefusedError

PORT = 8000


def addresses(host: str) -> Addresses:
    return Addresses(host, PORT, (8001, 8002, 8003, 8004), 8005, frozenset({"desk", "desk.local"}))


def host_of(listening: str, *hosts: str) -> str | None:
    try:
        return addresses(listening).host_of([(b"host", host.encode()) for host in hosts], PORT)
    except RefusedError:
        return None


def origin_of(*origins: str) -> str | None:
    try:
        return addresses("0.0.0.0").origin_of([(b"origin", origin.encode()) for origin in origins], "127.0.0.1")
    except RefusedError:
        return None


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:8000", "LOCALHOST:8000"])
@pytest.mark.parametrize("listening", ["127.0.0.1", "0.0.0.0", "localhost"])
def test_this_machine_reaches_it_under_its_own_names(listening: str, host: str) -> None:
    assert host_of(listening, host) == host.lower().partition(":")[0]


@pytest.mark.parametrize(
    "host", ["evil.example:8000", "127.0.0.1:8001", "127.0.0.1", "", "127.0.0.1.evil.example:8000", "[::1]:8000"]
)
@pytest.mark.parametrize("listening", ["127.0.0.1", "0.0.0.0"])
def test_a_name_that_is_led_here_by_rebinding_is_refused(listening: str, host: str) -> None:
    assert host_of(listening, host) is None


def test_host_must_be_given_once() -> None:
    assert host_of("127.0.0.1") is None
    assert host_of("127.0.0.1", "127.0.0.1:8000", "127.0.0.1:8000") is None


@pytest.mark.parametrize("host", ["192.168.1.5:8000", "desk:8000", "desk.local:8000"])
def test_only_a_class_reaches_it_by_the_network(host: str) -> None:
    assert host_of("0.0.0.0", host) == host.partition(":")[0]
    assert host_of("127.0.0.1", host) is None


@pytest.mark.parametrize(
    ("origin", "own"),
    [
        ("http://127.0.0.1:8000", True),
        ("http://localhost:8000", False),
        ("http://127.0.0.1:8001", False),
        ("https://127.0.0.1:8000", False),
        ("http://192.168.1.5:8000", False),
        ("null", False),
        ("", False),
    ],
)
def test_an_origin_is_own_only_where_it_is_the_page_under_the_same_name(origin: str, own: bool) -> None:
    assert origin_of(origin) == (origin if own else None)
    assert origin_of() is None


def test_the_usual_port_is_left_out_of_origins_and_hosts() -> None:
    usual = Addresses("127.0.0.1", 80, (81, 82, 83, 84), 85)
    assert usual.origin("localhost") == "http://localhost"
    assert usual.host_of([(b"host", b"localhost")], 80) == "localhost"


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("localhost", True), ("0.0.0.0", False), ("a", False)],
)
def test_loopback_is_for_this_machine_alone(host: str, expected: bool) -> None:
    assert is_loopback(host) == expected
    assert addresses(host).solo == expected
