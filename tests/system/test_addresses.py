"""Names with several addresses, a reserved port against a real server, and as many source addresses as clients need."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from contract.errors import UserError
from loadtests.clients.base import ClientSetup
from loadtests.clients.recorder import Recorder
from loadtests.control_client import ControlClient
from loadtests.engine.load_processes import parse_load_processes
from loadtests.engine.worker_command import find_master
from loadtests.load.socket_driver import Driver
from loadtests.plan.population import new_client
from system.addresses import (
    Endpoint,
    Target,
    can_vary_sources,
    checked_url,
    ephemeral_ports,
    first_accepting,
    first_to_listen_on,
    reserved_port,
    source_addresses,
    usable_ports,
)
from system.processes import PROJECT_FOLDER, Child
from tests.loadtests.raw_server import raw_server
from tests.loadtests.test_other_servers import check_all_delivered
from tests.made_parameters import parameters
from tests.running import PATIENCE_S
from tests.runs import command, in_process, scenario

pytestmark = pytest.mark.takes_s(30)

V4, V6 = "127.0.0.1", "::1"
NOT_OURS = "203.0.113.1"
"""TEST-NET-3 (RFC 5737): of no machine."""

LOCALHOST_IS = """
import socket
_asked = socket.getaddrinfo
def getaddrinfo(host, *rest, **options):
    if host != "localhost":
        return _asked(host, *rest, **options)
    return [found for address in {addresses!r} for found in _asked(address, *rest, **options)]
socket.getaddrinfo = getaddrinfo
"""


def name_has(addresses: Sequence[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Have `localhost` stand for these in this process."""
    asked = socket.getaddrinfo

    def getaddrinfo(host: str, *rest: Any, **options: Any) -> list[Any]:
        if host != "localhost":
            return asked(host, *rest, **options)
        return [found for address in addresses for found in asked(address, *rest, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


@contextmanager
def listening(address: str) -> Iterator[int]:
    """A port of this address, and of no other, on which somebody listens."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as listener:
        listener.bind((address, 0))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.mark.parametrize("addresses", [(V4, V6), (V6, V4)])
@pytest.mark.parametrize("theirs", [V4, V6])
def test_the_first_address_that_accepts_is_the_one(
    addresses: Sequence[str], theirs: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name_has(addresses, monkeypatch)
    with listening(theirs) as port:
        assert first_accepting("localhost", port, "TARGET=…") == Endpoint(theirs, port)
        found = Target.find(f"http://localhost:{port}")
        assert (found.host, found.endpoint) == (f"localhost:{port}", Endpoint(theirs, port))
        assert find_master("localhost", port, 1.0) == Endpoint(theirs, port)


def test_where_no_address_accepts_each_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    name_has((V6, V4), monkeypatch)
    with pytest.raises(UserError, match=r"TARGET=…: cannot connect to port 1 at ::1 \(.*\) or at 127\.0\.0\.1 \(.*\)"):
        first_accepting("localhost", 1, "TARGET=…")


def test_an_address_that_refuses_is_named_once() -> None:
    refused = rf"TARGET=http://{V4}:1: cannot connect to port 1 (Connection refused) (expected a running server)"
    with pytest.raises(UserError) as caught:
        Target.find(f"http://{V4}:1")
    assert str(caught.value) == refused


@pytest.mark.parametrize(
    "url",
    [
        "http://[::1", "http://[zz]:1", "http://exa℀mple:1", "http://host", "http://host:0", "http://host:99999",
        "host:1", "https://host:1", "http://host:1/path", "http://host:1?query", "http://host:1/?query", "http://host:1#part",
        "http://user:pw@host:1", "http://:1", "",
    ],
)  # fmt: skip
def test_what_is_no_address_of_a_server_is_refused(url: str) -> None:
    with pytest.raises(UserError) as caught:
        checked_url("TARGET", url)
    assert str(caught.value) == f"TARGET={url}: not the address of a server (expected http://host:port)"


@pytest.mark.parametrize("url", ["http://host:1", "http://host:1/", "HTTP://host:1"])
def test_an_address_of_a_server_is_taken_without_its_slash(url: str) -> None:
    assert checked_url("TARGET", url) == "http://host:1"


def test_a_name_that_no_host_can_have_is_one_plain_sentence() -> None:
    too_long = "a" * 70
    with pytest.raises(UserError) as caught:
        Target.find(f"http://{too_long}:1")
    assert str(caught.value).startswith(f"TARGET=http://{too_long}:1: no such host: not a valid host name (expected")
    with pytest.raises(UserError) as caught:
        find_master(too_long, 1, 60.0)
    assert str(caught.value).startswith(f"MASTER={too_long}: no such host: not a valid host name (expected")


def test_a_master_with_one_address_is_not_waited_for_and_one_without_is_no_host() -> None:
    # Its worker waits, when it is already loaded.
    assert find_master(V4, 1, 60.0) == Endpoint(V4, 1)
    with pytest.raises(UserError, match=r"MASTER=no\.such\.host\.invalid: no such host"):
        find_master("no.such.host.invalid", 1, 60.0)


def test_the_first_address_of_this_machine_is_listened_on(monkeypatch: pytest.MonkeyPatch) -> None:
    name_has((NOT_OURS, V6, V4), monkeypatch)
    assert first_to_listen_on("localhost") == V6
    assert parse_load_processes("2", "", "localhost", "").listen == V6


def test_an_endpoint_is_written_as_urls_have_it() -> None:
    assert Endpoint(V6, 80).url == "http://[::1]:80"
    for url in ("http://[::1]:80", "http://127.0.0.1:8000"):
        assert Endpoint.of_url(url).url == url


@pytest.mark.parametrize(
    ("addresses", "theirs", "delay_ms", "processes", "transports"),
    [
        ((V6, V4), V4, 0, "1", '"websocket", "sse", "echo_post"'),
        ((V4, V6), V6, 0, "1", '"long_poll", "short_poll"'),
        # Behind the relay and from Locust's workers, one that stays connected and one that connects anew.
        ((V6, V4), V4, 5, "2", '"websocket", "echo_post_new"'),
    ],
)
def test_everyone_of_a_run_connects_to_the_address_that_accepted(
    addresses: Sequence[str],
    theirs: str,
    delay_ms: float,
    processes: str,
    transports: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "sitecustomize.py").write_text(LOCALHOST_IS.format(addresses=tuple(addresses)))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    results = tmp_path / "results"
    with raw_server(host=theirs) as (url, server):
        endpoint = Endpoint.of_url(url)
        given = f"http://localhost:{endpoint.port}"
        path = scenario(tmp_path, transports, delay_ms)
        ran = command("loadtests", "run", path, "--results", results, "--target", given, "--processes", processes)
        assert ran.returncode == 0, ran.stderr
        assert in_process("analysis", "summary", results / "latest").returncode == 0
    points = json.loads((results / "latest" / "summary.json").read_text())["points"]
    assert len(points) == transports.count(",") + 1
    check_all_delivered({point["transport"]: point for point in points})
    assert set(server.hosts) == {f"localhost:{endpoint.port}"}, "as the user wrote it, also behind the relay"
    run = json.loads((results / "latest" / "run.json").read_text())
    assert (run["target"], run["settings"]["server"]) == (given, f"given: {given}, at {endpoint}")
    for trial in sorted((results / "latest" / "trials").glob("*/trial.json")):
        assert json.loads(trial.read_text())["capabilities"]["server_address"] == str(endpoint)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux lets a port be held for another process")
@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_reserved_port_is_given_to_nobody_but_the_server_that_asks_for_it(tmp_path: Path, processes: str) -> None:
    with reserved_port() as port:
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", port))
        with Child(
            ["-m", "servers", "polling", "--port", str(port), "--server-processes", processes], tmp_path / "log"
        ) as server:
            control = ControlClient(f"http://127.0.0.1:{port}")
            assert control.wait_until_ready(PATIENCE_S), server.last_output()
            control.close()


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
from system.addresses import bind_source, ephemeral_ports, source_addresses

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
