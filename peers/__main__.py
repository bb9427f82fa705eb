"""`python -m peers`: the program whose command line is peers/command_line.py."""

from __future__ import annotations

from terminal.program import run_program

if __name__ == "__main__":
    run_program("peers.command_line", sigterm_interrupts=True)
