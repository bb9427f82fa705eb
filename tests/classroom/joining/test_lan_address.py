"""Which address a class is told."""

from __future__ import annotations

import pytest

from classroom.joining import lan_address


@pytest.mark.parametrize(
    ("interfaces", "ranked"),
    [
        ([("lo", "127.0.0.1")], []),
        ([("lo", "127.0.0.1"), ("wlan0", "192.168.1.23")], ["192.168.1.23"]),
        ([("docker0", "172.17.0.1"), ("eth0", "10.1.2.3"), ("wlan0", "192.168.43.1")],
         ["192.168.43.1", "10.1.2.3", "172.17.0.1"]),
        ([("vEthernet (WSL)", "192.168.80.1"), ("Wi-Fi", "172.20.10.2")], ["172.20.10.2", "192.168.80.1"]),
        ([("eth0", "169.254.7.7")], []),
        ([("eth0", "203.0.113.7"), ("eth1", "10.0.0.1")], ["10.0.0.1", "203.0.113.7"]),
        ([("eth0", "192.168.2.1"), ("eth1", "192.168.1.1")], ["192.168.2.1", "192.168.1.1"]),
    ],
)  # fmt: skip
def test_the_likeliest_address_comes_first(interfaces: list[tuple[str, str]], ranked: list[str]) -> None:
    assert lan_address.rank_addresses(interfaces) == ranked


def test_a_named_host_is_the_one_that_is_told() -> None:
    assert lan_address.own_hosts("192.168.7.7") == ["192.168.7.7"]
    assert lan_address.own_hosts("127.0.0.1") == ["127.0.0.1"]


def test_a_server_on_every_interface_always_has_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lan_address, "machine_addresses", lambda: ["192.168.1.5", "10.0.0.5"])
    assert lan_address.own_hosts("0.0.0.0") == ["192.168.1.5", "10.0.0.5"]
    monkeypatch.setattr(lan_address, "machine_addresses", list)
    [name] = lan_address.own_hosts("0.0.0.0")
    assert name


def test_this_machine_has_no_loopback_address_to_tell() -> None:
    assert not [host for host in lan_address.machine_addresses() if host.startswith("127.")]
