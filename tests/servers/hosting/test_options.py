"""A server's options are the scenarios' parameters, stated once."""

from __future__ import annotations

import dataclasses

import pytest

from contract.parameters import DEFAULTS, PARAMETERS, SERVER_OPTIONS, Choice, server_option
from loadtests.trial.trial_server import server_options
from servers import command_line
from servers.hosting.options import ServerOptions
from servers.hosting.uvicorn_server import describe_settings
from tests.made_parameters import parameters


def asked(*words: str) -> ServerOptions:
    return command_line._server_options(command_line._parser().parse_args(["sse", "--port", "0", *words]), ())


def test_each_has_the_parameters_default_and_takes_what_the_parameter_accepts() -> None:
    assert {name: getattr(asked(), name) for name in SERVER_OPTIONS} == {
        name: DEFAULTS[name] for name in SERVER_OPTIONS
    }
    for name in SERVER_OPTIONS:
        rule = PARAMETERS[name].rule
        for value in rule.words if isinstance(rule, Choice) else (1, 64):
            assert getattr(asked(server_option(name), str(value)), name) == value
        for wrong in ("nonsense", "0", "65", "-1", "1.5"):
            with pytest.raises(SystemExit):
                asked(server_option(name), wrong)


def test_a_trial_gives_its_server_what_its_record_states() -> None:
    stated = {"stack": "asgi", "server_processes": 2, "compression": "deflate", "headers": "padded"}
    words = server_options(parameters(**stated))
    found = asked(*words)
    assert {name: getattr(found, name) for name in SERVER_OPTIONS} == stated
    assert server_options(parameters()) == []


def test_the_settings_that_a_server_reports_name_each_option() -> None:
    options = asked("--server-processes", "3", "--stack", "asgi", "--headers", "padded")
    reported = describe_settings(options)
    assert (reported["server_processes"], reported["stack"], reported["headers"]) == (3, "asgi", "padded")
    assert "faults" not in reported
    assert describe_settings(dataclasses.replace(options, faults=("drop:seq=2",)))["faults"] == ["drop:seq=2"]
