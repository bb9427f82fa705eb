"""The machine that a run was measured on, for run.json."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version

import psutil

from contract.records import JsonObject
from system.cpu_quota import quota_cores
from system.processor_name import processor_name

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


def describe_machine() -> JsonObject:
    """Return processor, cores, memory, system, and the CPU quota of a container if there is one."""
    quota = quota_cores()
    return {
        "processor": processor_name(),
        "cores": os.cpu_count(),
        "usable_cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        **({} if quota is None else {"cpu_quota_cores": quota}),
        "memory_bytes": psutil.virtual_memory().total,
        "system": f"{platform.system()} {platform.release()}",
        "architecture": platform.machine(),
    }


def describe_versions() -> JsonObject:
    """Return the versions of Python and of the packages that affect figures."""
    found: JsonObject = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    return found
