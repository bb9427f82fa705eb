"""`python -m servers`: the program whose command line is servers/command_line.py."""

from __future__ import annotations

from terminal.program import run_program

if __name__ == "__main__":
    run_program("servers.command_line")
