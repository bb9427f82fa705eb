"""JSON documents with `format` and `version`, and the one error that is shown to people."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

RUN_FORMAT = "push-vs-poll/run"
TRIAL_FORMAT = "push-vs-poll/trial"
SUMMARY_FORMAT = "push-vs-poll/summary"
NOISE_FORMAT = "push-vs-poll/noise"
_VERSIONS = {TRIAL_FORMAT: 2}
"""What this program writes, and the newest that it reads, of formats that are no longer at their first version."""
SUMMARY_FILE = "summary.json"
NOISE_FILE = "noise.json"
"""In a run's folder: the noise floor that it began with, copied from an earlier run; absent where there was none."""
SCENARIO_FILE = "scenario.toml"
"""In a run's folder: the scenario as resolved, to be measured again; runs from before it was kept do not have it."""


JsonObject = dict[str, Any]


class UserError(Exception):
    """Something the person at the keyboard can mend: one clear sentence, shown without a traceback."""


def version_of(format_name: str) -> int:
    """The version of a format that this program writes, and the newest that it reads."""
    return _VERSIONS.get(format_name, 1)


def write_json(path: Path, format_name: str, fields: JsonObject) -> None:
    """Write `fields` behind `format` and `version`, whole or not at all."""
    document = {"format": format_name, "version": version_of(format_name), **fields}
    partial = path.with_name(path.name + ".partial")
    partial.write_text(json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
    partial.replace(path)


def read_json(path: Path, format_name: str) -> JsonObject:
    """Read a document of ours, checked for format and version; UserError otherwise."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read: {error}") from error
    if not isinstance(document, dict) or document.get("format") != format_name:
        raise UserError(f"{path}: not a {format_name} file")
    if not isinstance(document.get("version"), int) or document["version"] > version_of(format_name):
        raise UserError(
            f"{path}: version {document.get('version')!r} of {format_name} is newer than this program knows "
            f"(up to {version_of(format_name)}): use the program that wrote it"
        )
    return {key: value for key, value in document.items() if key not in ("format", "version")}


def fields_of(record: type, document: JsonObject, path: Path) -> JsonObject:
    """The fields of dataclass `record` out of `document`, lists as tuples; UserError where one is missing."""
    expected = {field.name for field in dataclasses.fields(record)}
    if missing := expected - document.keys():
        raise UserError(f"{path}: lacks {', '.join(sorted(missing))}")
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in document.items() if name in expected
    }
