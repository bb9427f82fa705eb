"""The version of the code that a run was measured with, for run.json."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from contract.records import JsonObject

_PATIENCE_S = 30.0


def describe_checkout(folder: Path) -> JsonObject | None:
    """Return the commit of the project in `folder` and whether its files are unchanged; None if git does not know."""
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
        timeout=_PATIENCE_S,
        check=True,
    )
    return done.stdout
