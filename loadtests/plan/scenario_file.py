"""Scenarios, read from TOML files and checked completely; shipped scenarios are read by name."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from contract.errors import UserError
from contract.parameters import (
    DEFAULTS,
    PARAMETERS,
    SCENARIO_PARAMETERS,
    SERVER_PARAMETERS,
    WITHOUT_EFFECT,
    Number,
    Parameters,
    Rule,
    Switch,
)
from contract.records import JsonObject
from contract.transports import OWN_PARAMETERS, TRANSPORTS
from loadtests.plan.scenario import Scenario, Sweep
from loadtests.plan.servers import NamedServer, parse_servers
from loadtests.plan.toml_values import known_keys, toml_value

SCENARIO_FOLDER = Path(__file__).parents[1] / "scenarios"
MAX_REPEATS = 100
MAX_BUDGET_S = 24 * 3600
MAX_POINTS = 10_000
"""One trial of so many points takes more than half of the largest budget."""
MAX_FILE_BYTES = 2**20
MAX_NAME_CHARACTERS = 100
LEAST_PILOT = 3
"""The fewest blocks of a pilot: the spread of two trials is almost meaningless (t is 12.7)."""


def load_scenario(name_or_path: str) -> Scenario:
    """Read a scenario by the name of a shipped one or by path; raise UserError if it is missing or wrong."""
    path = Path(name_or_path)
    expected = f"expected one of {', '.join(shipped_scenarios())}, or the path of a .toml file"
    if path.suffix != ".toml":
        shipped = SCENARIO_FOLDER / f"{name_or_path}.toml"
        if not shipped.exists():
            what = "not a .toml file" if path.exists() else "no such scenario"
            raise UserError(f"scenario {name_or_path!r}: {what} ({expected})")
        path = shipped
    try:
        if path.exists() and not path.is_file():
            raise UserError(f"scenario {name_or_path!r}: not a regular file ({expected})")
        if (size_bytes := path.stat().st_size) > MAX_FILE_BYTES:
            raise UserError(f"{path}: has {size_bytes} bytes (expected a scenario of at most {MAX_FILE_BYTES})")
        # Editors on Windows begin a file with a byte-order mark, which is not part of the TOML.
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not a text file in UTF-8 (expected a scenario in TOML)") from error
    except OSError as error:
        raise UserError(f"scenario {name_or_path!r}: {error.strerror or error} ({expected})") from error
    return parse_scenario(text, str(path))


def shipped_scenarios() -> list[str]:
    """Return the names that `SCENARIO=` accepts."""
    return sorted(path.stem for path in SCENARIO_FOLDER.glob("*.toml"))


def is_shipped(scenario: Scenario) -> bool:
    """Return whether the scenario is equal to the shipped one of the same name."""
    return scenario.name in shipped_scenarios() and load_scenario(scenario.name) == scenario


def parse_scenario(text: str, file: str) -> Scenario:
    """Check a scenario's text; every UserError names file, key, value and the accepted values."""
    try:
        return _parse_document(_read_toml(text, file), file)
    except RecursionError as error:
        raise UserError(f"{file}: not valid TOML: lists or tables are nested too deeply") from error


def _read_toml(text: str, file: str) -> JsonObject:
    try:
        return tomllib.loads(text)
    except ValueError as error:  # a TOMLDecodeError, or a number of thousands of digits
        raise UserError(f"{file}: not valid TOML: {error}") from error


def _parse_document(document: JsonObject, file: str) -> Scenario:
    known = (
        "name",
        "description",
        "wrong_way",
        "overload",
        "repeats",
        "precision",
        "p99_bound_ms",
        "budget_s",
        "transports",
        "parameters",
        "sweep",
        "servers",
    )
    if "seed" in document:
        raise UserError(
            f"{file}: seed = {toml_value(document['seed'])}: a scenario has no seed, as each run draws its own "
            "(expected no such line; SEED=… repeats a run's streams)"
        )
    document = known_keys(document, known, file, "")
    transports = _transports(document.get("transports"), file, "transports")
    servers = parse_servers(document.get("servers", {}), transports, file)
    scenario = Scenario(
        name=_text(document, "name", file),
        description=_text(document, "description", file),
        repeats=int(_checked(document, "repeats", Number(1, MAX_REPEATS, whole=True), file)),
        budget_s=float(_checked(document, "budget_s", Number(1, MAX_BUDGET_S), file)),
        transports=transports,
        parameters=_parameters(document.get("parameters"), transports, servers, file),
        sweeps=_sweeps(document.get("sweep", []), transports, servers, file),
        wrong_way=_text(document, "wrong_way", file) if "wrong_way" in document else "",
        precision=_precision(document, file),
        overload=_checked(document, "overload", Switch(), file) if "overload" in document else False,
        p99_bound_ms=_optional(document, "p99_bound_ms", Number(1, 60_000), file),
        servers=servers,
    )
    for name in {name for sweep in scenario.sweeps for name, _ in sweep.values} - scenario.parameters.keys():
        raise UserError(f"{file}: parameters.{name}: missing, but varied (expected {_expected(name)})")
    if (
        not scenario.name.replace("-", "").replace("_", "").isalnum()
        or len(scenario.name.encode()) > MAX_NAME_CHARACTERS
    ):
        raise UserError(
            f"{file}: name = {toml_value(scenario.name)}: expected letters, digits, - and _ only, at most "
            f"{MAX_NAME_CHARACTERS} (it names a folder)"
        )
    # Before any of them is made: a few sweeps of three parameters can have millions.
    points = len(transports) + sum(
        len(sweep.transports) * math.prod(len(values) for _, values in sweep.values) for sweep in scenario.sweeps
    )
    points *= len(servers) or 1
    if points > MAX_POINTS:
        raise UserError(f"{file}: sweep: {points} points (expected at most {MAX_POINTS})")
    return scenario


def _parameters(found: object, transports: tuple[str, ...], servers: tuple[NamedServer, ...], file: str) -> Parameters:
    if not isinstance(found, dict):
        known = ", ".join(SCENARIO_PARAMETERS)
        raise UserError(f"{file}: parameters: missing (expected a table [parameters] with {known})")
    found = known_keys(found, SCENARIO_PARAMETERS, file, "parameters.")
    _reject_beside_servers(found, servers, file, "parameters.")
    own = {name for transport in transports for name in TRANSPORTS[transport].parameters}
    needed = [
        name
        for name in SCENARIO_PARAMETERS
        if (name not in OWN_PARAMETERS or name in own) and (name not in WITHOUT_EFFECT or name in found)
    ]
    resolved = {**DEFAULTS, **found}
    checked = {name: _checked(resolved, name, PARAMETERS[name].rule, file, "parameters.") for name in needed}
    # A parameter of a transport that this scenario does not use is checked too: a wrong value is a mistake.
    for name in found.keys() - checked.keys():
        _checked(found, name, PARAMETERS[name].rule, file, "parameters.")
    parameters = Parameters.of(checked)
    return servers[0].parameters(parameters) if servers else parameters


def _sweeps(
    found: object, transports: tuple[str, ...], servers: tuple[NamedServer, ...], file: str
) -> tuple[Sweep, ...]:
    if not isinstance(found, list) or not all(isinstance(table, dict) for table in found):
        raise UserError(f"{file}: sweep = {toml_value(found)}: expected [[sweep]] tables")
    known = ("transports", *SCENARIO_PARAMETERS)
    tables = [known_keys(table, known, file, f"sweep[{i}].") for i, table in enumerate(found)]
    for i, table in enumerate(tables):
        _reject_beside_servers(table, servers, file, f"sweep[{i}].")
    return tuple(_sweep(table, transports, file, f"sweep[{i}].") for i, table in enumerate(tables))


def _sweep(table: dict[str, Any], transports: tuple[str, ...], file: str, prefix: str) -> Sweep:
    values = {name: found for name, found in table.items() if name != "transports"}
    if not values:
        raise UserError(f"{file}: {prefix[:-1]}: expected at least one parameter with a list of values")
    for name, found in values.items():
        if not isinstance(found, list) or not found:
            raise UserError(
                f"{file}: {prefix}{name} = {toml_value(found)}: expected a list of values, each {_expected(name)}"
            )
        for value in found:
            _checked({name: value}, name, PARAMETERS[name].rule, file, prefix)
    own = [name for name in values if name in OWN_PARAMETERS]
    affected = tuple(t for t in transports if all(name in TRANSPORTS[t].parameters for name in own))
    if "transports" in table:
        chosen = _transports(table["transports"], file, f"{prefix}transports")
        for name in chosen:
            if name not in transports:
                raise UserError(
                    f"{file}: {prefix}transports = {toml_value(name)}: expected one of this scenario's transports"
                )
            if name not in affected:
                raise UserError(f"{file}: {prefix}{own[0]}: {name} has no such parameter")
        affected = chosen
    if not affected:
        raise UserError(f"{file}: {prefix}{own[0]}: none of this scenario's transports has this parameter")
    return Sweep(affected, tuple((name, tuple(found)) for name, found in values.items()))


def _transports(found: object, file: str, key: str) -> tuple[str, ...]:
    known = ", ".join(TRANSPORTS)
    if found is None:
        raise UserError(f"{file}: {key}: missing (expected a list of transports out of {known})")
    if not isinstance(found, list) or not found:
        raise UserError(f"{file}: {key} = {toml_value(found)}: expected a list of transports out of {known}")
    for name in found:
        if not isinstance(name, str) or name not in TRANSPORTS:
            raise UserError(f"{file}: {key} = {toml_value(name)}: unknown transport (expected one of {known})")
    if len(set(found)) != len(found):
        raise UserError(f"{file}: {key} = {toml_value(found)}: expected each transport once")
    return tuple(found)


def _precision(document: Mapping[str, Any], file: str) -> float | None:
    if "precision" not in document:
        return None
    repeats = document.get("repeats", 0)
    precision = float(_checked(document, "precision", Number(0.001, 0.5), file))
    if repeats < LEAST_PILOT:
        raise UserError(
            f"{file}: repeats = {repeats}: too few to tell how many trials a precision needs (expected at least "
            f"{LEAST_PILOT}, or no precision)"
        )
    return precision


def _optional(document: Mapping[str, Any], key: str, rule: Rule, file: str) -> float | None:
    return float(_checked(document, key, rule, file)) if key in document else None


def _text(document: Mapping[str, Any], key: str, file: str) -> str:
    if key not in document:
        raise UserError(f"{file}: {key}: missing (expected a text)")
    value = document[key]
    if not isinstance(value, str) or not value.strip():
        raise UserError(f"{file}: {key} = {toml_value(value)}: expected a text")
    return value.strip()


def _checked(document: Mapping[str, Any], key: str, rule: Rule, file: str, prefix: str = "") -> Any:
    if key not in document:
        raise UserError(f"{file}: {prefix}{key}: missing (expected {rule.expected})")
    value = document[key]
    if not rule.accepts(value):
        raise UserError(f"{file}: {prefix}{key} = {toml_value(value)}: expected {rule.expected}")
    return value


def _reject_beside_servers(table: Mapping[str, Any], servers: tuple[NamedServer, ...], file: str, prefix: str) -> None:
    for name in SERVER_PARAMETERS:
        if servers and name in table:
            given = f"{prefix}{name} = {toml_value(table[name])}"
            raise UserError(f"{file}: {given}: not beside [servers] (expected it in the table of a server)")


def _expected(name: str) -> str:
    return PARAMETERS[name].rule.expected
