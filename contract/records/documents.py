"""JSON documents with the keys `format` and `version`: written completely or not at all, and checked when read."""

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
"""The version that is written, and the newest that can be read, of formats that have changed; 1 for all others."""
SUMMARY_FILE = "summary.json"
NOISE_FILE = "noise.json"
"""In a run's folder: the noise floor that the run started with, copied from an earlier run; absent if there was none.
"""
SCENARIO_FILE = "scenario.toml"
"""In a run's folder: the scenario with all its values, so that it can be measured again; older runs do not have it."""

MAX_DOCUMENT_BYTES = 64 * 2**20
"""Larger files are refused before they are read; a run's longest document has a small fraction of this."""
_SHOWN_CHARACTERS = 80

JsonObject = dict[str, Any]
Record = TypeVar("Record")


def version_of(format_name: str) -> int:
    """Return the version of a format that is written, which is also the newest that can be read."""
    return _VERSIONS.get(format_name, 1)


def write_json(path: Path, format_name: str, fields: JsonObject) -> None:
    """Write a JSON object of `format`, `version` and `fields`, completely or not at all."""
    document = {"format": format_name, "version": version_of(format_name), **fields}
    write_text(path, json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def as_document(value: Any) -> Any:
    """Convert a record, and all values in it, to the types of JSON."""
    if isinstance(value, Mapping):
        return {name: as_document(item) for name, item in value.items()}
    if dataclasses.is_dataclass(value):
        return {field.name: as_document(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, list | tuple):
        return [as_document(item) for item in value]
    return value


def write_text(path: Path, text: str) -> None:
    """Write a file, completely or not at all. It replaces the old file: hard links to that keep the old text."""
    # With the process id in its name, so that two processes that write the same file do not share a temporary file.
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        error.filename = str(path)
        raise
    finally:
        partial.unlink(missing_ok=True)


def read_json(path: Path, format_name: str) -> JsonObject:
    """Read a document and check its format and version; raise UserError if they do not match.

    Control characters are escaped, since the texts are printed on terminals and may come from other programs.
    Parameters that older versions named differently get their present names.
    """
    try:
        if (size_bytes := path.stat().st_size) > MAX_DOCUMENT_BYTES:
            raise ValueError(f"it has {size_bytes} bytes (expected at most {MAX_DOCUMENT_BYTES})")
        document = _escaped_and_renamed(
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
    """Build the dataclass `record` from `document`; raise UserError if a field is missing or has a wrong value."""
    from pydantic import TypeAdapter, ValidationError  # noqa: PLC0415 (slow to import, and not needed to write documents)

    # mypy has no bound for a type variable that says "any dataclass".
    expected = {field.name for field in dataclasses.fields(record)}  # type: ignore[arg-type]
    if missing := expected - document.keys():
        raise UserError(f"{path}: lacks {', '.join(sorted(missing))}")
    try:
        return TypeAdapter(record).validate_python(document)
    except ValidationError as error:
        raise UserError(f"{path}: {describe_error(error)}") from error


def describe_error(error: ValidationError) -> str:
    """Return the first error that pydantic found in a document, as one sentence."""
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] == "value_error":
        return f"{where}: {first['ctx']['error']}"
    if first["type"] == "missing":
        return f"{where}: {first['msg']}"
    return f"{where}: {first['msg']}, not {ascii(first['input'])[:_SHOWN_CHARACTERS]}"


def _parse_whole_number(text: str) -> int:
    return number if abs(number := int(text)) < 2**63 else _refuse_number(text)


def _parse_number(text: str) -> float:
    return number if math.isfinite(number := float(text)) else _refuse_number(text)


def _refuse_number(text: str) -> NoReturn:
    raise ValueError(f"{text[:_SHOWN_CHARACTERS]} (expected a number of at most 64 bits)")


def _escaped_and_renamed(value: Any) -> Any:
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, list):
        return [_escaped_and_renamed(item) for item in value]
    if isinstance(value, dict):
        return {plain(_present_name(name, item)): _escaped_and_renamed(item) for name, item in value.items()}
    return value


def _present_name(name: str, value: object) -> str:
    # The values of these parameters are numbers; the lists of load processes in trial.json and summary.json are not.
    return FORMER_NAMES.get(name, name) if isinstance(value, int) else name
