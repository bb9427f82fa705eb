"""The servers of a scenario: what their table may hold, and the points that follow from it."""

from __future__ import annotations

from collections import Counter

import pytest

from contract.errors import UserError
from loadtests.plan.blocks import plan_trials
from loadtests.plan.scenario import Scenario
from loadtests.plan.scenario_file import parse_scenario
from tests.loadtests.plan.test_scenario_file import GOOD

SERVERS = """
[servers]
before = {stack = "asgi", server_processes = 2}
after = {command = "./start 'in two words' --on {host}:{port}", transports = ["websocket"]}
elsewhere = {url = "http://127.0.0.1:8000"}
"""


def parsed(servers: str = SERVERS, scenario: str = GOOD) -> Scenario:
    return parse_scenario(scenario + servers, "mine.toml")


def test_each_point_is_measured_on_each_server_that_has_its_transport() -> None:
    found = [(p.transport, p.parameters.get("poll_interval_s"), p.parameters.server) for p in parsed().points()]
    assert found[:5] == [
        ("websocket", None, "before"),
        ("websocket", None, "after"),
        ("websocket", None, "elsewhere"),
        ("short_poll", 0.2, "before"),
        ("short_poll", 0.2, "elsewhere"),
    ]
    assert len(found) == 2 * 3 + 3 * 2, "two points of the WebSocket, three of the short poll"


def test_what_is_known_of_a_server_is_stated_and_nothing_else() -> None:
    before, after, elsewhere = (point.parameters for point in parsed().points()[:3])
    assert (before["server"], before["server_processes"], "stack" in before) == ("before", 2, False)
    assert (after["server"], after["server_processes"], "stack" in after) == ("after", 1, False)
    assert (elsewhere["server"], "server_processes" in elsewhere, "stack" in elsewhere) == ("elsewhere", False, False)
    assert parsed().parameters["server"] == "before", "the first server is the base point's"


def test_servers_are_in_random_order_within_each_block() -> None:
    trials = plan_trials(parsed(), 7)
    blocks = [[trial for trial in trials if trial.block == block] for block in range(2)]
    assert Counter(t.parameters.server for t in blocks[0]) == Counter(t.parameters.server for t in blocks[1])
    orders = [[(t.transport, t.parameters.server) for t in block] for block in blocks]
    assert orders[0] != orders[1]
    assert len({trial.seed for trial in blocks[0]}) == 1, "all servers of a block have the same stream"


def test_a_scenario_is_written_as_it_is_read() -> None:
    scenario = parsed()
    assert parse_scenario(scenario.as_toml(), "copy.toml") == scenario
    assert scenario.as_json()["servers"]["before"] == {"stack": "asgi", "server_processes": 2}
    assert "servers" not in parse_scenario(GOOD, "small.toml").as_json()


def test_a_command_becomes_words_without_a_shell() -> None:
    after = parsed().server("after")
    assert after is not None
    assert after.arguments("127.0.0.1", 4567) == ["./start", "in two words", "--on", "127.0.0.1:4567"]
    assert parsed().server(None) is None


@pytest.mark.parametrize(
    ("servers", "said"),
    [
        ('before = "./start"', "servers = {before = \"./start\"}: expected a table of servers"),
        ("before = {}", "servers.before: has none of them (expected one of stack, command, url)"),
        ('a = {stack = "asgi", url = "http://x:1"}', "servers.a: has stack, url (expected one of stack, command, url)"),
        ('a = {stack = "flask"}', 'servers.a.stack = "flask": expected one of "fastapi", "asgi"'),
        ('a = {comand = "./start"}', 'servers.a.comand = "./start": unknown key (expected one of stack, command,'),
        ('a = {command = "./start"}', 'servers.a.command = "./start": has no {port} (expected it in place of'),
        ('a = {command = "./{port}"}', "has no {port}"),
        ("a = {command = \"./start ' {port}\"}", "servers.a.command = \"./start ' {port}\": no closing quotation"),
        ("a = {command = 3}", "servers.a.command = 3: expected a text"),
        ('a = {url = "localhost"}', "servers.a.url=localhost: not the address of a server (expected http://host:port)"),
        ('a = {url = "http://x:1", server_processes = 2}', "servers.a.server_processes: not known of a server that is"),
        ('a = {stack = "asgi", server_processes = 0}', "servers.a.server_processes = 0: expected a whole number"),
        ('a = {stack = "asgi", transports = "sse"}', 'servers.a.transports = "sse": expected a list'),
        ('a = {stack = "asgi", transports = ["sse"]}', 'servers.a.transports = "sse": not of this scenario'),
        ('a = {stack = "asgi", transports = ["morse"]}', 'servers.a.transports = "morse": unknown transport'),
        ('a = {stack = "asgi", transports = ["websocket"]}', "servers.a.transports: lacks short_poll (expected all"),
        ('"a b" = {stack = "asgi"}', 'servers."a b": expected a name of at most 40 letters, digits, - and _'),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_server_is_said(servers: str, said: str) -> None:
    with pytest.raises(UserError) as caught:
        parsed(f"\n[servers]\n{servers}\n")
    assert said in str(caught.value)


def test_what_is_of_a_server_is_no_parameter_beside_servers() -> None:
    varied = GOOD.replace("rate_per_s = [10, 20]", 'stack = ["asgi"]')
    with pytest.raises(UserError, match=r'sweep\[1\]\.stack = \["asgi"\]: not beside \[servers\]'):
        parsed(scenario=varied)
    with pytest.raises(UserError, match=r"parameters\.server_processes = 2: not beside \[servers\]"):
        parsed(scenario=GOOD.replace("clients = 5", "clients = 5\nserver_processes = 2"))
    with pytest.raises(UserError, match=r'parameters\.server = "a": unknown key'):
        parse_scenario(GOOD.replace("clients = 5", 'clients = 5\nserver = "a"'), "mine.toml")


def test_a_servers_processes_may_have_their_former_name() -> None:
    assert parsed(SERVERS.replace("server_processes = 2", "workers = 2")) == parsed()
