"""Values in the syntax of scenario files (TOML)."""

from __future__ import annotations

import tomli_w


def toml_value(value: object) -> str:
    """Return a value in one line of TOML."""
    if isinstance(value, list):
        return f"[{', '.join(map(toml_value, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key} = {toml_value(held)}' for key, held in value.items())}}}"
    return tomli_w.dumps({"value": value}).removeprefix("value = ").rstrip("\n")
