"""Keys and values of scenario files, in TOML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tomli_w

from contract.errors import UserError
from contract.parameters import FORMER_NAMES


def toml_value(value: object) -> str:
    """Format a value as one line of TOML."""
    if isinstance(value, list):
        return f"[{', '.join(map(toml_value, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key} = {toml_value(item)}' for key, item in value.items())}}}"
    return tomli_w.dumps({"value": value}).removeprefix("value = ").rstrip("\n")


def known_keys(table: Mapping[str, Any], known: tuple[str, ...], file: str, prefix: str) -> dict[str, Any]:
    """Return a table with former names replaced by present ones; raise UserError if a key is unknown or given twice."""
    renamed: dict[str, Any] = {}
    for key, value in table.items():
        given = f"{file}: {prefix}{key} = {toml_value(value)}"
        name = FORMER_NAMES.get(key, key)
        if name not in known:
            raise UserError(f"{given}: unknown key (expected one of {', '.join(known)})")
        if name in renamed:
            raise UserError(f"{given}: the former name of {name}, which is given too (expected one of them)")
        renamed[name] = value
    return renamed
