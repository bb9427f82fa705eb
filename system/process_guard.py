"""`python -m system.process_guard`: ends programs with all that they have started, once whoever started them is gone.

It is told the id of each program in a line of standard input. That ends when the process at its other end does, however
that happens and on every system: who is killed has no chance to end its programs itself.
"""

from __future__ import annotations

import sys

from system.process_tree import ProcessTree


def main() -> None:
    """Read ids until the starter is gone, and then end what still runs of these programs."""
    for tree in [ProcessTree(int(line)) for line in sys.stdin]:
        tree.stop()


if __name__ == "__main__":
    main()
