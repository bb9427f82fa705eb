from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.statistics.distribution import least_events
from contract.errors import UserError
from contract.parameters import DEFAULTS, PARAMETERS
from contract.transports import TRANSPORTS
from loadtests.plan.blocks import check_plan, plan_trials
from loadtests.plan.durations import OVERHEAD_S, expected_seconds, trial_seconds
from loadtests.plan.scenario_file import load_scenario, parse_scenario, shipped_scenarios

GOOD = """
name = "small"
description = "A small one."
repeats = 2
budget_s = 60
transports = ["websocket", "short_poll"]

[parameters]
clients = 5
rate_per_s = 10
arrival = "poisson"
payload_bytes = 20
one_way_delay_ms = 0
warm_up_s = 0.1
measured_s = 1
poll_interval_s = 0.2

[[sweep]]
transports = ["short_poll"]
poll_interval_s = [0.2, 0.4]

[[sweep]]
rate_per_s = [10, 20]
"""


def test_points_are_the_base_and_the_sweeps_each_once() -> None:
    points = parse_scenario(GOOD, "small.toml").points()
    found = [(p.transport, p.parameters.get("poll_interval_s"), p.parameters.rate_per_s) for p in points]
    assert found == [
        ("websocket", None, 10),
        ("short_poll", 0.2, 10),
        ("short_poll", 0.4, 10),
        ("websocket", None, 20),
        ("short_poll", 0.2, 20),
    ]


def test_parameters_of_other_transports_are_left_out_of_a_point() -> None:
    for point in parse_scenario(GOOD, "small.toml").points():
        others = {name for t in TRANSPORTS.values() if t.name != point.transport for name in t.parameters}
        assert not (others - set(TRANSPORTS[point.transport].parameters)) & point.parameters.keys()


def test_factors_need_not_be_named_and_are_recorded_with_their_defaults() -> None:
    websocket, short_poll = parse_scenario(GOOD, "small.toml").points()[:2]
    shared = {"stack": "fastapi", "compression": "off"}
    assert shared.items() <= websocket.parameters.items()
    assert "headers" not in websocket.parameters
    assert (shared | {"headers": "lean", "keep_alive": True}).items() <= short_poll.parameters.items()


def test_factors_are_swept_over_the_transports_that_have_them() -> None:
    swept = GOOD + '\n[[sweep]]\nkeep_alive = [true, false]\n\n[[sweep]]\nstack = ["asgi"]\n'
    points = parse_scenario(swept, "small.toml").points()
    assert [p.transport for p in points if p.parameters.keep_alive is False] == ["short_poll"]
    assert [p.transport for p in points if p.parameters.stack == "asgi"] == ["websocket", "short_poll"]


def test_parameters_may_have_their_former_names_but_not_both() -> None:
    present = (
        GOOD.replace("clients = 5", "clients = 5\nserver_processes = 2") + "\n[[sweep]]\nserver_processes = [1, 4]\n"
    )
    former = present.replace("server_processes", "workers")
    assert parse_scenario(former, "small.toml") == parse_scenario(present, "small.toml")
    assert "server_processes" in parse_scenario(former, "small.toml").as_toml()
    both = present.replace("server_processes = 2", "server_processes = 2\nworkers = 2")
    with pytest.raises(
        UserError, match=r"parameters\.workers = 2: the former name of server_processes, which is given"
    ):
        parse_scenario(both, "small.toml")


def test_the_bound_of_a_knee_may_be_named() -> None:
    assert "p99_bound_ms" not in parse_scenario(GOOD, "small.toml").as_json()
    bounded = parse_scenario(GOOD.replace("repeats", "p99_bound_ms = 250\nrepeats"), "small.toml")
    assert bounded.as_json()["p99_bound_ms"] == 250.0
    for wrong in ("0", "-1", '"100 ms"', "true"):
        with pytest.raises(UserError, match=r"p99_bound_ms = .*expected a number from 1 to 60000"):
            parse_scenario(GOOD.replace("repeats", f"p99_bound_ms = {wrong}\nrepeats"), "small.toml")


def test_scale_goes_from_a_hundred_clients_to_ten_thousand_of_every_transport_within_a_quarter_of_an_hour() -> None:
    scenario = load_scenario("scale")
    clients: dict[str, set[int]] = {}
    for point in scenario.points():
        clients.setdefault(point.transport, set()).add(point.parameters.clients)
    assert clients.keys() == {"websocket", "sse", "long_poll", "short_poll"}
    assert all({100, 10_000} <= counts for counts in clients.values())
    assert scenario.budget_s <= 900


def test_what_is_without_effect_is_in_a_point_only_where_it_is_named() -> None:
    assert all("replica" not in point.parameters for point in parse_scenario(GOOD, "small.toml").points())
    twice = GOOD.replace("measured_s = 1\n", 'measured_s = 1\nreplica = "a"\n')
    twice += '\n[[sweep]]\nreplica = ["a", "b"]\n'
    found = [p.parameters.replica for p in parse_scenario(twice, "small.toml").points() if p.transport == "websocket"]
    assert found == ["a", "a", "b"]
    assert parse_scenario(twice, "small.toml").as_json()["without_effect"] == ["replica"]
    with pytest.raises(UserError, match=r"parameters\.replica: missing, but varied"):
        parse_scenario(GOOD + '\n[[sweep]]\nreplica = ["a", "b"]\n', "small.toml")


def test_wrong_ways_are_named_and_marked_so_and_short() -> None:
    scenarios = [load_scenario(name) for name in shipped_scenarios()]
    assert sum(bool(scenario.wrong_way) for scenario in scenarios) == 4
    for scenario in scenarios:
        assert bool(scenario.wrong_way) == scenario.name.startswith("wrong-")
        assert ("wrong_way" in scenario.as_json()) == bool(scenario.wrong_way)
        if scenario.wrong_way:
            assert scenario.wrong_way.endswith(".")
            assert scenario.budget_s <= 90


def test_only_scenarios_about_it_overload_the_server() -> None:
    overloading = [name for name in shipped_scenarios() if load_scenario(name).overload]
    assert overloading == ["capacity"]
    assert load_scenario("capacity").as_json()["overload"] is True
    assert "overload" not in parse_scenario(GOOD, "small.toml").as_json()


def test_a_precision_need_not_be_asked_for_and_is_recorded() -> None:
    assert parse_scenario(GOOD, "small.toml").as_json()["precision"] is None
    asked = parse_scenario(GOOD.replace("repeats = 2", "repeats = 3\nprecision = 0.03"), "small.toml")
    assert asked.as_json()["precision"] == 0.03
    assert asked.as_json()["repeats"] == 3


def test_every_default_is_accepted_and_none_is_the_only_choice() -> None:
    for name, default in DEFAULTS.items():
        assert PARAMETERS[name].rule.accepts(default)
        assert not PARAMETERS[name].rule.accepts("nonsense")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('name = "small"', "name = 7", ["name = 7", "expected a text"]),
        ('name = "small"', 'name = "a/b"', ['name = "a/b"', "expected letters"]),
        ("repeats = 2", "seed = 1\nrepeats = 2", ["seed = 1: a scenario has no seed, as each run draws its own"]),
        ("repeats = 2", "repeats = 0", ["repeats = 0", "from 1 to 100"]),
        ("repeats = 2", "", ["repeats: missing"]),
        ("repeats = 2", "repeats = 3\nprecision = 0.6", ["precision = 0.6", "a number from 0.001 to 0.5"]),
        ("repeats = 2", 'repeats = 3\nprecision = "high"', ['precision = "high"', "a number from"]),
        ("repeats = 2", "repeats = 2\nprecision = 0.03", ["repeats = 2", "expected at least 3, or no precision"]),
        ("budget_s = 60", "budget = 60", ["budget = 60", "unknown key", "budget_s"]),
        ('"short_poll"]\n\n[p', '"carrier_pigeon"]\n\n[p', ['"carrier_pigeon"', "unknown transport", "websocket"]),
        ('["websocket", "short_poll"]', "[]", ["transports = []", "expected a list"]),
        ('["websocket", "short_poll"]', '["websocket", "websocket"]', ["expected each transport once"]),
        ("clients = 5", "clients = 2.5", ["parameters.clients = 2.5", "whole number"]),
        ("clients = 5", "", ["parameters.clients: missing"]),
        ("rate_per_s = 10\n", "rate_per_s = nan\n", ["parameters.rate_per_s = nan"]),
        ('arrival = "poisson"', 'arrival = "now and then"', ["parameters.arrival", '"periodic"', '"burst"']),
        ("poll_interval_s = 0.2\n", "", ["parameters.poll_interval_s: missing"]),
        ("poll_interval_s = 0.2\n", "poll_interval_s = 0.2\ncolour = 1\n", ["parameters.colour = 1", "unknown key"]),
        ("poll_interval_s = 0.2\n", "poll_interval_s = 0.2\nhold_s = -1\n", ["parameters.hold_s = -1"]),
        ("poll_interval_s = 0.2\n", 'poll_interval_s = 0.2\nstack = "django"\n', ['stack = "django"', '"asgi"']),
        ("poll_interval_s = 0.2\n", "poll_interval_s = 0.2\nkeep_alive = 1\n", ["keep_alive = 1", "true or false"]),
        ("poll_interval_s = 0.2\n", 'poll_interval_s = 0.2\ncursor = "none"\n', ['cursor = "none"', "true or false"]),
        ("poll_interval_s = 0.2\n", 'poll_interval_s = 0.2\nphase = "odd"\n', ['phase = "odd"', '"locked"']),
        ("poll_interval_s = 0.2\n", "poll_interval_s = 0.2\npacing = 1\n", ["pacing = 1", '"pause"']),
        ("repeats = 2", "repeats = 2\nwrong_way = true", ["wrong_way = true", "expected a text"]),
        ("repeats = 2", "repeats = 2\noverload = 1", ["overload = 1", "expected true or false"]),
        ("poll_interval_s = [0.2, 0.4]", "poll_interval_s = 3", ["sweep[0].poll_interval_s = 3", "list of values"]),
        ("poll_interval_s = [0.2, 0.4]", "poll_interval_s = [0]", ["sweep[0].poll_interval_s = 0"]),
        ("poll_interval_s = [0.2, 0.4]", "", ["sweep[0]: expected at least one parameter"]),
        ('transports = ["short_poll"]\n', 'transports = ["websocket"]\n', ["websocket has no such parameter"]),
        ('transports = ["short_poll"]\n', 'transports = ["sse"]\n', ['sweep[0].transports = "sse"', "scenario's"]),
        ('name = "small"', "", ["name: missing (expected a text)"]),
        ('transports = ["websocket", "short_poll"]', "", ["transports: missing (expected a list of transports"]),
        ('["websocket", "short_poll"]', '["sse", ["sse"]]', ['transports = ["sse"]: unknown transport']),
        (
            '["websocket", "short_poll"]',
            '["sse", "sse"]',
            ['transports = ["sse", "sse"]: expected each transport once'],
        ),
        ("repeats = 2", "repeats = {of = [false, 1979-05-27]}", ["repeats = {of = [false, 1979-05-27]}: expected"]),
        ("[parameters]", "[parameters", ["not valid TOML"]),
        ("clients = 5", "clients = 5" + "0" * 5000, ["not valid TOML: Exceeds the limit"]),
        (
            "clients = 5",
            f"clients = {'[' * 5000}{']' * 5000}",
            ["not valid TOML: lists or tables are nested too deeply"],
        ),
        ('name = "small"', f'name = "{"x" * 101}"', ["letters, digits, - and _ only, at most 100"]),
        (
            "poll_interval_s = [0.2, 0.4]",
            f"clients = {list(range(1, 1001))}\nrate_per_s = {list(range(1, 1001))}",
            ["sweep: 1000006 points (expected at most 10000)"],
        ),
    ],
)
def test_a_mistake_is_named_with_file_key_value_and_expectation(old: str, new: str, said: list[str]) -> None:
    assert GOOD.count(old) >= 1
    with pytest.raises(UserError) as caught:
        parse_scenario(GOOD.replace(old, new, 1), "small.toml")
    message = str(caught.value)
    assert message.startswith("small.toml: ")
    assert "\n" not in message.strip() or "TOML" in message
    for part in said:
        assert part in message


def test_an_unknown_scenario_is_told_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"'fast'.*quick.*standard"):
        load_scenario("fast")
    with pytest.raises(UserError, match="No such file"):
        load_scenario(str(tmp_path / "none.toml"))
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="UTF-8"):
        load_scenario(str(tmp_path / "binary.toml"))


def test_what_is_no_scenario_file_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# Notes")
    for path in (str(tmp_path / "README.md"), str(tmp_path), "/dev/zero"):
        with pytest.raises(UserError, match=r"not a \.toml file \(expected one of .*, or the path of a \.toml file\)"):
            load_scenario(path)
    os.mkfifo(tmp_path / "pipe.toml")
    (tmp_path / "folder.toml").mkdir()
    for name in ("pipe.toml", "folder.toml"):
        with pytest.raises(UserError, match=rf"{name}': not a regular file"):
            load_scenario(str(tmp_path / name))


def test_a_file_larger_than_any_scenario_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "large.toml").open("wb") as stream:
        stream.truncate(2**31)  # of which no disk holds anything
    with pytest.raises(UserError, match="has 2147483648 bytes"):
        load_scenario(str(tmp_path / "large.toml"))


PIECES = st.one_of(
    st.text(max_size=6),
    st.integers(0, 600).map(lambda depth: "[" * depth + "]" * depth),
    st.integers(0, 600).map(lambda depth: "{a=" * depth + "1" + "}" * depth),
    st.sampled_from(
        ["\n[parameters]\n", "\n[[sweep]]\n", "= nan", "= -0.0", "= 1e308", "1979-05-27", "9" * 5000, '"""']
    ),
)


@given(data=st.data())
def test_whatever_a_file_says_is_a_scenario_or_one_sentence(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(GOOD)))
    end = data.draw(st.integers(start, min(start + 20, len(GOOD))))
    text = GOOD[:start] + data.draw(PIECES) + GOOD[end:]
    try:
        scenario = parse_scenario(text, "small.toml")
        check_plan(scenario, plan_trials(scenario, 1))
    except UserError as error:
        assert str(error).startswith(("small.toml: ", "scenario "))


@pytest.mark.parametrize("name", shipped_scenarios())
def test_shipped_scenarios_can_be_carried_out_within_their_budget(name: str) -> None:
    scenario = load_scenario(name)
    assert scenario.name == name
    check_plan(scenario, plan_trials(scenario, 1))


def test_the_promised_limits_of_the_shipped_scenarios() -> None:
    limits = {
        "quick": 60, "standard": 300, "thorough": 1800, "factors": 420, "noise": 280, "capacity": 360, "scale": 900,
    }  # fmt: skip
    for name, limit_s in limits.items():
        scenario = load_scenario(name)
        assert scenario.budget_s <= limit_s
        assert expected_seconds(plan_trials(scenario, 1)) <= limit_s


FEW_EVENTS = {"scale", "wrong-phase-locked", "wrong-response-time"}
"""One event goes to ten thousand clients; periods that must be commensurate, and answers that must be slow."""


@pytest.mark.parametrize("name", [name for name in shipped_scenarios() if name not in FEW_EVENTS])
def test_base_points_reach_a_p95_and_those_of_thorough_a_p99(name: str) -> None:
    scenario = load_scenario(name)
    base = scenario.parameters
    # The messages of a round trip are each an event of its own.
    sent_by = base["clients"] if name == "echo" else 1
    events = sent_by * sum(
        int(base["rate_per_s"] * trial.parameters.measured_s) for trial in plan_trials(scenario, 1) if trial.point == 0
    )
    assert events >= least_events(0.99 if name == "thorough" else 0.95)


@pytest.mark.parametrize("name", shipped_scenarios())
def test_no_two_points_differ_only_in_how_long_they_are_measured(name: str) -> None:
    points = [(point.transport, {**point.parameters, "measured_s": None}) for point in load_scenario(name).points()]
    assert all(point not in points[:i] for i, point in enumerate(points))


def test_standard_leaves_room_for_trials_to_be_repeated_and_quick_for_a_machine_half_as_fast() -> None:
    standard, quick = (plan_trials(load_scenario(name), 1) for name in ("standard", "quick"))
    assert expected_seconds(standard) <= 300 - 2 * max(trial_seconds(trial.parameters) for trial in standard[:1])
    windows_s = sum(trial_seconds(trial.parameters) - OVERHEAD_S for trial in quick)
    # On the machine of docs/internals/speed.md a trial takes 0.9 s beyond its windows at most, a report of it 2 s.
    assert windows_s + 2 * (0.9 * len(quick) + 2) <= 60
