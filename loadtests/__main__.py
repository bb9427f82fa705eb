"""`python -m loadtests`: the program whose command line is loadtests/command_line.py."""

from __future__ import annotations

from terminal.program import run_program

if __name__ == "__main__":
    run_program("loadtests.command_line", sigterm_interrupts=True)
