"""`python -m benchmarks.peers`: the program whose command line is benchmarks/peers/command_line.py."""

from __future__ import annotations

from terminal.program import run_program

if __name__ == "__main__":
    run_program("benchmarks.peers.command_line", sigterm_interrupts=True)
