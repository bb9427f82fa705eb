"""`python -m system.process_guard`: ends programs and all their children when the process that started them has ended.

It reads the id of each program from a line of standard input. Standard input ends when the process at its other end
does, however that happens: a process that is killed has no chance to end its programs itself.
"""

from __future__ import annotations

import sys

from system.process_tree import ProcessTree


def main() -> None:
    """Read ids until standard input ends, and then end those of the programs that still run."""
    for tree in [ProcessTree(int(line)) for line in sys.stdin]:
        tree.stop()


if __name__ == "__main__":
    main()
