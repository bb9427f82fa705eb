"""Bytes and segments as the socket counts them are those that crossed the wire, to the byte.

Server and client stand in two network namespaces, each a host of its own, and the link's own counters are the truth.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from analysis.trial.costs import TCP_IP_HEADER_BYTES
from contract.transports import TRANSPORTS
from system.addresses import Endpoint
from system.processes import PROJECT_FOLDER
from tests.running import PATIENCE_S

pytestmark = pytest.mark.takes_s(30, waits=True)

ETHERNET_BYTES = 14
PREFIXES = {4: "10.77.0.", 6: "fd77::"}
SYN_EXTRA_BYTES = 8
"""A SYN has 20 bytes of options where later segments have 12."""
PORT = 8000
LINK = "wire0"
TRIES = 3
SETTINGS = {
    4: {"ipv4/tcp_early_retrans": 0, "ipv6/conf/all/disable_ipv6": 1},
    6: {"ipv4/tcp_early_retrans": 0, f"ipv6/conf/{LINK}/addr_gen_mode": 1, f"ipv6/conf/{LINK}/accept_ra": 0},
}
"""By version of IP: no tail loss probes, which a busy machine sends for segments that were not lost; and nothing that a
host says of itself, or asks of routers."""


@dataclass(frozen=True)
class Hosts:
    """Two namespaces joined by one link."""

    server: str
    client: str
    server_address: str
    client_interface: str
    ip_version: int


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)


@pytest.fixture(params=[4, 6])
def hosts(request: pytest.FixtureRequest) -> Iterator[Hosts]:
    if not sys.platform.startswith("linux") or os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("needs root and iproute2, to make network namespaces")
    name = f"pvp{os.getpid()}"
    made = Hosts(f"{name}s", f"{name}c", f"{PREFIXES[request.param]}1", LINK, request.param)
    try:
        try:
            ip("netns", "add", made.server)
            ip("netns", "add", made.client)
            _join(made)
        except subprocess.CalledProcessError as error:
            pytest.skip(f"network namespaces cannot be made here: {error.stderr.strip()}")
        yield made
    finally:
        for namespace in (made.server, made.client):
            subprocess.run(["ip", "netns", "del", namespace], check=False, capture_output=True)


def _join(hosts: Hosts) -> None:
    """One veth pair with fixed neighbours, so that nothing but TCP is on it."""
    ip("link", "add", "name", LINK, "netns", hosts.server, "type", "veth", "peer", "name", LINK, "netns", hosts.client)
    prefix, length = PREFIXES[hosts.ip_version], {4: 24, 6: 64}[hosts.ip_version]
    ends = ((hosts.server, f"{prefix}1", "02:00:00:00:00:01"), (hosts.client, f"{prefix}2", "02:00:00:00:00:02"))
    for (namespace, address, mac), (_, other_address, other_mac) in zip(ends, reversed(ends), strict=True):
        inside = ("-n", namespace)
        settings = "".join(
            f"echo {value} > /proc/sys/net/{name}; " for name, value in SETTINGS[hosts.ip_version].items()
        )
        subprocess.run(["ip", "netns", "exec", namespace, "sh", "-ec", settings], check=True, capture_output=True)
        # With `arp off` no group is joined for a host's own address, and none is reported (MLD).
        ip(*inside, "link", "set", LINK, "address", mac, "multicast", "off", "arp", "off")
        # A link counts what it passes on at once as one packet, and a busy machine sends several segments at once.
        ip(*inside, "link", "set", LINK, "gso_max_segs", "1")
        # Without a search for others that have it: there is nobody else.
        ip(*inside, "addr", "add", f"{address}/{length}", "dev", LINK, *(["nodad"] if hosts.ip_version == 6 else []))
        ip(*inside, "link", "set", "lo", "up")
        ip(*inside, "link", "set", LINK, "up")
        ip(*inside, "neigh", "replace", other_address, "lladdr", other_mac, "dev", LINK, "nud", "permanent")


@pytest.mark.parametrize("transport", ["websocket", "sse", "long_poll", "short_poll", "echo_post"])
def test_the_sockets_account_is_the_links_account(transport: str, hosts: Hosts, tmp_path: Path) -> None:
    for _ in range(TRIES):
        before = retransmissions(hosts)
        counted = count(transport, hosts, tmp_path)
        if retransmissions(hosts) == before:
            break
    else:
        pytest.skip("this machine is so busy that TCP takes its segments for lost")
    socket, link = counted["socket"], counted["interface"]
    header_bytes = TCP_IP_HEADER_BYTES[hosts.ip_version]
    for way, direction in (("tx", "up"), ("rx", "down")):
        segments = socket[f"{direction}_segments"]
        assert link[f"{way}_packets"] == segments, direction
        on_the_link = socket[f"{direction}_bytes"] + (header_bytes + ETHERNET_BYTES) * segments + SYN_EXTRA_BYTES
        assert link[f"{way}_bytes"] == on_the_link, direction


def count(transport: str, hosts: Hosts, folder: Path) -> dict[str, dict[str, int]]:
    """What the client's socket and its link counted over one stream."""
    serve = [sys.executable, "-m", "servers", TRANSPORTS[transport].server, "--host", hosts.server_address]
    probe = [sys.executable, "-m", "tests.loadtests.wire_probe", transport]
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen(
            [*inside(hosts.server), *serve, "--port", str(PORT)], cwd=PROJECT_FOLDER, stdout=log, stderr=log
        )
    try:
        done = subprocess.run(
            [*inside(hosts.client), *probe, Endpoint(hosts.server_address, PORT).url, hosts.client_interface],
            cwd=PROJECT_FOLDER, capture_output=True, text=True, timeout=4 * PATIENCE_S, check=False,
        )  # fmt: skip
    finally:
        server.terminate()
        server.wait()
    assert done.returncode == 0, done.stderr
    counted: dict[str, dict[str, int]] = json.loads(done.stdout)
    return counted


def retransmissions(hosts: Hosts) -> int:
    """Segments sent again so far, in both namespaces (RetransSegs of /proc/net/snmp)."""
    total = 0
    for namespace in (hosts.server, hosts.client):
        read = [*inside(namespace), "cat", "/proc/net/snmp"]
        lines = subprocess.run(read, check=True, capture_output=True, text=True).stdout.splitlines()
        names, values = (line.split() for line in lines if line.startswith("Tcp:"))
        total += int(values[names.index("RetransSegs")])
    return total


def inside(namespace: str) -> list[str]:
    """The command's first words that make it run in a namespace."""
    return ["ip", "netns", "exec", namespace]
