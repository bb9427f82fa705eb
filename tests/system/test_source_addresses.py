"""As many source addresses as the ports that clients need, and connections that really come from them."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys

import pytest

from loadtests.clients.base import ClientSetup
from loadtests.clients.recorder import Recorder
from loadtests.load.socket_driver import Driver
from loadtests.plan.population import new_client
from system.processes import PROJECT_FOLDER
from system.source_addresses import can_vary_sources, ephemeral_ports, source_addresses, usable_ports
from tests.made_parameters import parameters
from tests.running import PATIENCE_S

linux_only = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems have one loopback address")


@linux_only
@pytest.mark.parametrize(
    ("host", "needed", "ports", "expected"),
    [
        ("127.0.0.1", 1, 1000, 0),
        ("127.0.0.1", 800, 1000, 0),
        ("127.0.0.1", 801, 1000, 2),
        ("127.0.0.1", 10_000, 28_232, 0),
        ("127.0.0.1", 100_000, 28_232, 5),
        ("127.0.0.7", 801, 1000, 2),
        ("192.0.2.1", 100_000, 28_232, 0),
        ("example.org", 100_000, 28_232, 0),
        ("::1", 100_000, 28_232, 0),
        ("127.0.0.1", 300, 1, 300),
    ],
)
def test_as_many_addresses_as_the_ports_need(host: str, needed: int, ports: int, expected: int) -> None:
    addresses = source_addresses(host, needed, ports)
    assert len(addresses) == len(set(addresses)) == expected
    assert all(can_vary_sources(address) for address in addresses)
    if addresses:
        assert len(addresses) * usable_ports(ports) >= needed > (len(addresses) - 1) * usable_ports(ports)


def test_this_system_has_ports() -> None:
    assert 1 <= ephemeral_ports() <= 65_536


@linux_only
def test_clients_take_turns_with_the_addresses_that_their_driver_has() -> None:
    recorder = Recorder()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE_S)
        driver = Driver(listener.getsockname(), recorder)
        driver.sources = ("127.0.0.2", "127.0.0.3")
        for index in range(4):
            setup = ClientSetup(index, "127.0.0.1:1", parameters(), ("x",), (1,))
            driver.add(new_client("websocket", setup, recorder))
        accepted = [listener.accept() for _ in range(4)]
        driver.finish()
    assert sorted(peer[0] for _, peer in accepted) == ["127.0.0.2", "127.0.0.2", "127.0.0.3", "127.0.0.3"]
    for connection, _ in accepted:
        connection.close()


IN_A_NAMESPACE = """
import contextlib, errno, socket
from system.source_addresses import bind_source, ephemeral_ports, source_addresses

ports = ephemeral_ports()
assert ports == 40, ports
sources = source_addresses("127.0.0.1", 100, ports)
assert len(sources) == 4, sources
with contextlib.ExitStack() as opened:
    listener = opened.enter_context(socket.create_server(("127.0.0.1", 8000), backlog=200))
    alone = [opened.enter_context(socket.socket()) for _ in range(41)]
    found = [sock.connect_ex(("127.0.0.1", 8000)) for sock in alone]
    assert found.count(0) == 40 and found[-1] == errno.EADDRNOTAVAIL, found
    for sock in alone:
        sock.close()
with contextlib.ExitStack() as opened:
    listener = opened.enter_context(socket.create_server(("127.0.0.1", 8001), backlog=200))
    for i in range(100):
        sock = opened.enter_context(socket.socket())
        bind_source(sock, sources[i % len(sources)])
        sock.connect(("127.0.0.1", 8001))
        peer = opened.enter_context(listener.accept()[0])
        assert peer.getpeername()[0] == sources[i % len(sources)]
print("100 connections through 40 ports")
"""


def test_more_connections_than_ports_in_a_namespace_with_few() -> None:
    if not sys.platform.startswith("linux") or os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("needs root and util-linux, to make a network namespace")
    shell = "ip link set lo up && echo 40000 40039 > /proc/sys/net/ipv4/ip_local_port_range"
    prepared = subprocess.run(["unshare", "--net", "sh", "-ec", shell], check=False, capture_output=True, text=True)
    if prepared.returncode:
        pytest.skip(f"network namespaces cannot be made here: {prepared.stderr.strip()}")
    done = subprocess.run(
        ["unshare", "--net", "sh", "-ec", f'{shell}; exec "$0" -c "$1"', sys.executable, IN_A_NAMESPACE],
        cwd=PROJECT_FOLDER, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout.strip() == "100 connections through 40 ports", done.stderr
