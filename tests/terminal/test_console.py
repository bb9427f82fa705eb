"""Texts, cells and titles are printed as they stand: no markup, no emoji codes, no control characters."""

from __future__ import annotations

import ast
import io

import pytest
from rich.table import Table

from system.processes import PROJECT_FOLDER
from terminal.console import PlainConsole

TEXTS = ["compare [/poll/long] with [/ws]", "[red]x[/red]", "[/nothing]", ":warning: \\[x]", "results/[/bold]/x"]


def printed(print_something: str, text: str) -> str:
    file = io.StringIO()
    console = PlainConsole(file=file, width=100)
    if print_something == "table":
        table = Table(text, title=text)
        table.add_row(text)
        console.print(table)
    elif print_something == "print":
        console.print(text)
    else:
        console.print_sentence(text, style="bold")
    return file.getvalue()


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_printed_as_it_stands(text: str) -> None:
    assert printed("sentence", text) == printed("print", text) == f"{text}\n"
    assert printed("table", text).count(text) == 3


@pytest.mark.parametrize("kind", ["sentence", "print", "table"])
def test_a_control_character_is_written_out(kind: str) -> None:
    shown = printed(kind, "a\x1b[2Jb\x9b31m")
    assert "\x1b" not in shown
    assert "\x9b" not in shown
    assert r"a\x1b[2Jb\x9b31m" in shown


def test_a_sentence_is_not_folded() -> None:
    assert printed("sentence", "word " * 100) == "word " * 100 + "\n"


def test_no_program_has_a_console_of_another_kind() -> None:
    for path in PROJECT_FOLDER.glob("*/**/*.py"):
        folder = path.relative_to(PROJECT_FOLDER).parts[0]
        if folder in ("contract", "system", "servers", "loadtests", "analysis", "classroom", "benchmarks"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                module = node.module if isinstance(node, ast.ImportFrom) else None
                assert module not in ("rich.console", "rich.markup"), path
