"""What the figures were measured on, and whether it can carry the run: recorded in run.json, checked before a start."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

from loadtests.records import JsonObject, PlannedTrial, UserError

_PACKAGES = (
    "fastapi",
    "starlette",
    "uvicorn",
    "uvloop",
    "httptools",
    "websockets",
    "httpx",
    "locust",
    "gevent",
    "numpy",
)
_DESCRIPTORS_BESIDE_CLIENTS = 128


def describe_machine() -> JsonObject:
    """Processor, cores, memory, system."""
    return {
        "processor": _processor_name(),
        "cores": os.cpu_count(),
        "usable_cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "system": f"{platform.system()} {platform.release()}",
        "architecture": platform.machine(),
    }


def describe_versions() -> JsonObject:
    """Python and the packages that matter to a figure."""
    found: JsonObject = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    return found


def ensure_descriptors(trials: tuple[PlannedTrial, ...]) -> None:
    """Raise this process' limit of open files as far as the run needs and the system lets; UserError where it does not.

    A relay holds two sockets per client; children inherit the limit.
    """
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415 - not on Windows

    needed = max(trial.parameters["clients"] * (2 if trial.parameters["one_way_delay_ms"] else 1) for trial in trials)
    needed += _DESCRIPTORS_BESIDE_CLIENTS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise UserError(
            f"clients: the scenario needs {needed} open files per process, this system allows {hard} "
            f"(expected fewer clients, or a higher limit: ulimit -n {needed})"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def _processor_name() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
