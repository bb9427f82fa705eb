"""The processor's name: that of its model if it has one, else the numbers or device that identify it, as on ARM."""

from __future__ import annotations

import platform
from pathlib import Path

_CPU_FILE, _DEVICE_FILE = Path("/proc/cpuinfo"), Path("/proc/device-tree/model")
_PARTS = ("CPU implementer", "CPU part", "CPU variant")
"""ARM's numbers for the maker of a core, its design and its major revision (Main ID Register)."""


def processor_name() -> str:
    """Return the name of this machine's processor, as exactly as the system knows it."""
    named = parse_processor_name(_text(_CPU_FILE), _text(_DEVICE_FILE))
    return named or platform.processor() or platform.machine()


def parse_processor_name(cpuinfo: str, device_model: str) -> str | None:
    """Return the processor's name from the texts of /proc/cpuinfo and /proc/device-tree/model, either possibly empty.

    The name includes all kinds of cores. None if the texts contain no name.
    """
    lines = (line.partition(":") for line in cpuinfo.splitlines())
    fields = [(name.strip(), value.strip()) for name, _, value in lines]
    for name, value in fields:
        if name == "model name" and value:
            return value
    device = device_model.strip("\0 \n") or next((value for name, value in fields if name in ("Model", "Hardware")), "")
    kinds: list[str] = []
    parts: dict[str, str] = {}
    for name, value in [*fields, ("processor", "")]:
        if name == "processor" and parts:
            kinds.append(", ".join(f"{part.removeprefix('CPU ')} {parts[part]}" for part in _PARTS if part in parts))
            parts = {}
        elif name in _PARTS:
            parts[name] = value
    cores = " and ".join(dict.fromkeys(kinds))
    if cores and device:
        return f"{device} ({cores})"
    return device or cores or None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
