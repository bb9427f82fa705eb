"""`python -m analysis`: the program whose command line is analysis/command_line.py."""

from __future__ import annotations

from terminal.program import run_program

if __name__ == "__main__":
    run_program("analysis.command_line")
