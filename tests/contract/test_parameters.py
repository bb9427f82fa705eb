"""Parameters as attributes with defaults, and as the mapping that a record states."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import MISSING, fields

import pytest

from contract.parameters import DEFAULTS, PARAMETERS, REQUIRED, Parameters, required
from contract.transports import OWN_PARAMETERS, TRANSPORTS
from system.processes import PROJECT_FOLDER
from tests.made_parameters import BASE, parameters


def test_every_field_is_a_parameter_with_its_statement_but_for_the_two_that_say_what_is_stated() -> None:
    assert [field.name for field in fields(Parameters)] == [*PARAMETERS, "stated", "others"]
    for name, parameter in PARAMETERS.items():
        assert parameter.meaning, name
        assert not parameter.rule.accepts(object()), name


def test_a_default_is_one_that_a_scenario_may_set_and_what_has_none_must_be_stated() -> None:
    defaults = {field.name: field.default for field in fields(Parameters)}
    assert set(REQUIRED) == {name for name in PARAMETERS if defaults[name] is MISSING}
    assert all(PARAMETERS[name].rule.accepts(default) for name, default in DEFAULTS.items())
    assert DEFAULTS.keys() & {"poll_interval_s", "hold_s", "replica", *REQUIRED} == set()
    assert DEFAULTS["keep_alive"] is True


def test_a_record_from_before_a_parameter_existed_reads_with_its_default() -> None:
    read = parameters()
    assert (read.stack, read.server_processes, read.keep_alive, read.pacing) == ("fastapi", 1, True, "schedule")
    assert dict(read) == BASE, "what was not recorded is not invented"


def test_what_is_stated_keeps_its_order_and_is_all_that_two_are_compared_by() -> None:
    stated = {"server_processes": 1, **BASE}
    assert list(Parameters.of(stated)) == list(stated)
    assert Parameters.of(stated) == Parameters.of({**BASE, "server_processes": 1}) == stated
    assert Parameters.of(stated) != parameters(), "one says nothing of its server"
    assert len({Parameters.of(stated), Parameters.of({**BASE, "server_processes": 1}), parameters()}) == 2


def test_a_changed_value_is_stated_and_one_that_is_left_out_has_its_default() -> None:
    changed = parameters().replace(poll_interval_s=0.5, clients=7)
    assert (changed.poll_interval_s, changed["clients"]) == (0.5, 7)
    left = changed.without("poll_interval_s")
    assert left == parameters(clients=7)
    assert left.poll_interval_s is None, "no time at all, and not one of 0 s"
    with pytest.raises(KeyError):
        left["poll_interval_s"]


def test_a_parameter_that_a_transport_does_not_take_has_no_value() -> None:
    everything = parameters(**dict.fromkeys(OWN_PARAMETERS, 1))
    kept = {name: transport.select(everything) for name, transport in TRANSPORTS.items()}
    assert {name for name, own in kept.items() if own.poll_interval_s is not None} == {"short_poll"}
    assert {name for name, own in kept.items() if own.hold_s is not None} == {"long_poll"}
    assert kept["long_poll"].longest_wait_for_poll_s == 0.0
    assert required(kept["short_poll"].poll_interval_s) == kept["short_poll"].longest_wait_for_poll_s == 1
    with pytest.raises(AssertionError, match="must have"):
        required(kept["websocket"].poll_interval_s)


def test_each_trial_states_what_its_transport_takes_and_has_no_default() -> None:
    beyond = {name: set(transport.required_parameters) - set(REQUIRED) for name, transport in TRANSPORTS.items()}
    assert {name: required for name, required in beyond.items() if required} == {
        "short_poll": {"poll_interval_s"},
        "long_poll": {"hold_s"},
    }


def test_a_parameter_of_another_version_is_kept_as_it_was() -> None:
    odd, even = parameters(colour="red"), parameters(colour="blue")
    assert odd["colour"] == "red"
    assert odd != even
    assert odd.replace(clients=2)["colour"] == "red"


def test_each_transport_takes_what_its_kind_takes() -> None:
    polls = {"headers", "keep_alive", "cursor"}
    assert {name: set(transport.parameters) for name, transport in TRANSPORTS.items()} == {
        "websocket": set(),
        "sse": set(),
        "long_poll": {*polls, "hold_s", "turnaround_jitter_ms"},
        "short_poll": {*polls, "poll_interval_s", "phase", "pacing"},
        "echo_websocket": set(),
        "echo_post": {"headers"},
        "echo_post_new": {"headers"},
    }
    everything = parameters(**dict.fromkeys(OWN_PARAMETERS, 1))
    for transport in TRANSPORTS.values():
        assert set(transport.select(everything)) - set(BASE) == set(transport.parameters)


def test_they_are_read_without_numpy_or_pydantic_for_the_servers_that_start_with_them() -> None:
    loaded = (
        "import sys, contract.parameters; print({'numpy', 'pydantic', 'pydantic_core', 'tomli_w'} & set(sys.modules))"
    )
    asked = subprocess.run(
        [sys.executable, "-c", loaded], cwd=PROJECT_FOLDER, capture_output=True, text=True, check=True
    )
    assert asked.stdout.strip() == "set()"
