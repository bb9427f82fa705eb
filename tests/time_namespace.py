"""A command on a machine that seems to have been up for so long: `python -m tests.time_namespace AGE_S COMMAND …`.

Linux moves CLOCK_MONOTONIC and CLOCK_BOOTTIME for the processes of a time namespace (time_namespaces(7)). Where none
can be made, it says why, and runs nothing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time

JUST_BOOTED_S = 5
UP_FOR_MONTHS_S = 300 * 24 * 3600
_UNSHARE = ("unshare", "--time", "--fork", "--kill-child")


def aged(age_s: int) -> tuple[str, ...]:
    """The words before a command that runs on a machine that was started `age_s` seconds ago, by its clocks."""
    # Whole seconds, and never less than wanted: the kernel takes no clock that would be negative.
    monotonic_s, boottime_s = (int(time.clock_gettime(clock)) for clock in (time.CLOCK_MONOTONIC, time.CLOCK_BOOTTIME))
    return (*_UNSHARE, f"--monotonic={age_s - monotonic_s}", f"--boottime={age_s - boottime_s}")


def why_not() -> str | None:
    """Why no time namespace can be made here; None where one can."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0 or shutil.which("unshare") is None:
        return "needs root on Linux and unshare, to make time namespaces"
    tried = subprocess.run([*aged(JUST_BOOTED_S), "true"], check=False, capture_output=True, text=True)
    return f"time namespaces cannot be made here: {tried.stderr.strip()}" if tried.returncode else None


def main(age_s: str, *command: str) -> int:
    """Run the command; its exit status."""
    reason = why_not()
    if reason is not None:
        print(f"not run on a machine that is {age_s} s old: {reason}", file=sys.stderr)
        return 0
    return subprocess.run([*aged(int(age_s)), *command], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
