"""JSON documents with `format` and `version`: written completely or not at all, and checked when read."""

from __future__ import annotations

import dataclasses
import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from contract.errors import UserError
from contract.parameters import FORMER_NAMES
from terminal.plain import plain

if TYPE_CHECKING:
    from pydantic import ValidationError

RUN_FORMAT = "push-vs-poll/run"
TRIAL_FORMAT = "push-vs-poll/trial"
SUMMARY_FORMAT = "push-vs-poll/summary"
NOISE_FORMAT = "push-vs-poll/noise"
_VERSIONS = {TRIAL_FORMAT: 2}
"""The version that this program writes, and the newest that it reads, of formats beyond their first version."""
SUMMARY_FILE = "summary.json"
NOISE_FILE = "noise.json"
"""In a run's folder: the noise floor that the run started with, copied from an earlier run; absent if there was none.
"""
SCENARIO_FILE = "scenario.toml"
"""In a run's folder: the scenario with all its values, so that it can be measured again; older runs do not have it."""

MAX_DOCUMENT_BYTES = 64 * 2**20
"""Limit of what is read: many times the longest document that a run writes. A file may state any size."""
_SHOWN_CHARACTERS = 80

JsonObject = dict[str, Any]
Record = TypeVar("Record")


def version_of(format_name: str) -> int:
    """Return the version of a format that this program writes, which is the newest that it reads."""
    return _VERSIONS.get(format_name, 1)


def write_json(path: Path, format_name: str, fields: JsonObject) -> None:
    """Write `fields` after `format` and `version`, completely or not at all."""
    document = {"format": format_name, "version": version_of(format_name), **fields}
    write_text(path, json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def as_document(value: Any) -> Any:
    """Return a record, or what it holds, in the types of JSON."""
    if isinstance(value, Mapping):
        return {name: as_document(held) for name, held in value.items()}
    if dataclasses.is_dataclass(value):
        return {field.name: as_document(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, list | tuple):
        return [as_document(item) for item in value]
    return value


def write_text(path: Path, text: str) -> None:
    """Write a file, completely or not at all. It is a new file: hard links to the old one keep the old text."""
    # Named by this process: another one that writes the same file leaves it alone.
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def read_json(path: Path, format_name: str) -> JsonObject:
    """Read one of our documents and check format and version; raise UserError if they do not match.

    Control characters in its texts are escaped, since other programs may have written them and they are shown to
    people. Parameters have their present names, whichever version wrote it.
    """
    try:
        if (size_bytes := path.stat().st_size) > MAX_DOCUMENT_BYTES:
            raise ValueError(f"it has {size_bytes} bytes (expected at most {MAX_DOCUMENT_BYTES})")
        document = _as_written_now(
            json.loads(
                path.read_text(encoding="utf-8"),
                parse_constant=_refuse_number,
                parse_int=_parse_whole_number,
                parse_float=_parse_number,
            )
        )
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read: {error}") from error
    except RecursionError as error:
        raise UserError(f"{path}: cannot be read: lists or objects are nested too deeply") from error
    if not isinstance(document, dict) or document.get("format") != format_name:
        raise UserError(f"{path}: not a {format_name} file")
    if not isinstance(document.get("version"), int) or document["version"] > version_of(format_name):
        raise UserError(
            f"{path}: version {document.get('version')!r} of {format_name} is newer than this program knows "
            f"(up to {version_of(format_name)}): use the program that wrote it"
        )
    return {key: value for key, value in document.items() if key not in ("format", "version")}


def parse_record(record: type[Record], document: JsonObject, path: Path) -> Record:
    """Build the dataclass `record` and its parts from `document`; raise UserError if a field is missing or wrong."""
    from pydantic import TypeAdapter, ValidationError  # noqa: PLC0415 (what records a trial only writes, and starts sooner)

    # mypy has no bound for a type variable that says "any dataclass".
    expected = {field.name for field in dataclasses.fields(record)}  # type: ignore[arg-type]
    if missing := expected - document.keys():
        raise UserError(f"{path}: lacks {', '.join(sorted(missing))}")
    try:
        return TypeAdapter(record).validate_python(document)
    except ValidationError as error:
        raise UserError(f"{path}: {describe_error(error)}") from error


def describe_error(error: ValidationError) -> str:
    """Return the first thing that is wrong with a document, in a sentence."""
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] == "value_error":
        return f"{where}: {first['ctx']['error']}"
    return f"{where}: {first['msg']}, not {ascii(first['input'])[:_SHOWN_CHARACTERS]}"


def _parse_whole_number(text: str) -> int:
    return number if abs(number := int(text)) < 2**63 else _refuse_number(text)


def _parse_number(text: str) -> float:
    return number if math.isfinite(number := float(text)) else _refuse_number(text)


def _refuse_number(text: str) -> NoReturn:
    raise ValueError(f"{text[:_SHOWN_CHARACTERS]} (expected a number of at most 64 bits)")


def _as_written_now(value: Any) -> Any:
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, list):
        return [_as_written_now(item) for item in value]
    if isinstance(value, dict):
        return {plain(_present_name(name, item)): _as_written_now(item) for name, item in value.items()}
    return value


def _present_name(name: str, value: object) -> str:
    # The values of these parameters are numbers; the lists of load processes in trial.json and summary.json are not.
    return FORMER_NAMES.get(name, name) if isinstance(value, int) else name
