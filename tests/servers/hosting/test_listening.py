"""Where servers listen."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from servers.hosting.listening import StartError, listen


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
