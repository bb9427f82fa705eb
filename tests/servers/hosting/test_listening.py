"""Where servers listen, and that they allow themselves as many open files as the system lets them have."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from servers.hosting.listening import StartError, listen, raise_descriptor_limit

resource = pytest.importorskip("resource", reason="Windows has no such limit")


@pytest.mark.parametrize(
    ("limits", "system_allows", "expected"),
    [
        ((1024, 20_000), 20_000, 20_000),
        ((20_000, 20_000), 20_000, None),
        ((256, -1), 10**9, 1_048_576),
        ((256, -1), 100_000, 65_536),
        ((256, -1), 10_240, 10_240),
        ((256, -1), 256, None),
        ((80_000, -1), 100_000, None),
        ((-1, -1), 100_000, None),
    ],
)
def test_the_most_that_the_system_grants_is_taken(
    monkeypatch: pytest.MonkeyPatch, limits: tuple[int, int], system_allows: int, expected: int | None
) -> None:
    """As on macOS: the hard limit is infinite, and whoever asks for infinity, or for too many, is refused."""
    granted: list[int] = []

    def set_limit(_: int, wanted: tuple[int, int]) -> None:
        assert wanted[1] == limits[1]
        if wanted[0] == resource.RLIM_INFINITY or wanted[0] > system_allows:
            raise ValueError("Invalid argument")
        granted.append(wanted[0])

    infinity = resource.RLIM_INFINITY
    monkeypatch.setattr(resource, "getrlimit", lambda _: tuple(infinity if n == -1 else n for n in limits))
    monkeypatch.setattr(resource, "setrlimit", set_limit)
    raise_descriptor_limit()
    assert granted == ([] if expected is None else [expected])


def name_has(addresses: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """Have `localhost` stand for these."""
    asked = socket.getaddrinfo

    def getaddrinfo(_host: str, *rest: Any, **options: Any) -> list[Any]:
        return [found for address in addresses for found in asked(address, *rest, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


@pytest.mark.parametrize(
    ("addresses", "taken"),
    [
        (("127.0.0.1", "::1"), "127.0.0.1"),
        (("::1", "127.0.0.1"), "::1"),
        # TEST-NET-3 (RFC 5737) is of no machine, as ::1 is of none without IPv6.
        (("203.0.113.1", "127.0.0.1"), "127.0.0.1"),
    ],
)
def test_a_name_is_listened_on_at_its_first_address_that_this_machine_has(
    addresses: tuple[str, ...], taken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name_has(addresses, monkeypatch)
    with listen("localhost", 0) as listener:
        assert listener.getsockname()[0] == taken


def test_a_port_in_use_is_told_and_no_other_address_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        name_has(("127.0.0.1", "127.0.0.2"), monkeypatch)
        with pytest.raises(StartError, match=f"port {port} on localhost is already in use"):
            listen("localhost", port)


def test_a_name_without_an_address_of_this_machine_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    name_has(("203.0.113.1",), monkeypatch)
    with pytest.raises(StartError, match="cannot listen on localhost port 0"):
        listen("localhost", 0)
