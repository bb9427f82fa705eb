"""The machine, package versions and commit of a run, for run.json."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

from contract.records import JsonObject
from system.processor import processor_name, quota_cores

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


_GIT_PATIENCE_S = 30.0


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


def describe_checkout(folder: Path) -> JsonObject | None:
    """Return the commit of the project in `folder` and whether its files are unchanged; None outside a git checkout."""
    try:
        top, commit = _git(folder, "rev-parse", "--show-toplevel", "HEAD").splitlines()
        # A copy without its own history may lie within another repository.
        if not Path(top).samefile(folder):
            return None
        changed = _git(folder, "--no-optional-locks", "status", "--porcelain", "--untracked-files=no")
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return {"commit": commit, "clean": not changed}


def _git(folder: Path, *arguments: str) -> str:
    # A hook that starts a run names its own repository in the environment.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        timeout=_GIT_PATIENCE_S,
        check=True,
    )
    return done.stdout
