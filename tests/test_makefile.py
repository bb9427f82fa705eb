"""What people give to `make` reaches the programs as it stands; nothing of it is run, by make or by a shell."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from loadtests.processes import PROJECT_FOLDER

STAND_IN = f"""#!{sys.executable} -S
import json, os, sys
if sys.argv[1:] != ["-E", "-c", "import pip"]:
    with open("called.json", "w") as called:
        json.dump({{"arguments": sys.argv[1:], "environment": dict(os.environ)}}, called)
"""
HOSTILE = (
    "`touch ran`",
    "$(shell touch ran)",
    "$$(touch ran)",
    "$(touch ran)",
    "${shell touch ran}",
    '"; touch ran; "',
    "'; touch ran; '",
    "; touch ran",
    "a\ntouch ran",
    "a\n\ttouch ran",
    "$PATH and $$ and \\ and # and %",
    "two  spaces and *",
    "--help",
)
GIVEN = {
    "bench": ("SCENARIO", "TARGET", "FAULT", "PROCESSES", "WORKERS", "LISTEN", "PORT"),
    "worker": ("MASTER", "PORT"),
    "report": ("RUN",),
    "compare": ("A", "B"),
    "peers": ("PEERS_SECONDS", "PEERS_BLOCKS", "TOOLS"),
    "ui": ("PORT",),
    "demo": ("HOST", "PORT"),
}
pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="there is no make on this machine")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The project's Makefile over a .venv whose Python only says what it was called with."""
    for name in ("Makefile", "requirements.lock", "requirements-test.lock"):
        shutil.copy(PROJECT_FOLDER / name, tmp_path)
    stand_in = tmp_path / ".venv" / "bin" / "python"
    stand_in.parent.mkdir(parents=True)
    stand_in.write_text(STAND_IN)
    stand_in.chmod(0o755)
    (tmp_path / ".venv" / ".complete").touch()
    (tmp_path / ".venv" / ".complete-for-tests").touch()
    return tmp_path


def environment(**further: str) -> dict[str, str]:
    """That of a person's shell: `make test` itself leaves traces for the makes below it."""
    named = {name for names in GIVEN.values() for name in names}
    kept = {name: value for name, value in os.environ.items() if name not in named and not name.startswith("MAKE")}
    return {**kept, **further}


def make(checkout: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", *arguments], cwd=checkout, env=environment(**variables), capture_output=True, text=True, check=False
    )


def called(checkout: Path) -> list[str]:
    """The arguments of the program that make has called."""
    arguments: list[str] = json.loads((checkout / "called.json").read_text())["arguments"]
    return arguments


def values(arguments: list[str]) -> list[str]:
    """The values among the arguments, whether behind an option's name or on their own."""
    return [word.split("=", 1)[-1] if word.startswith("--") and "=" in word else word for word in arguments]


@pytest.mark.parametrize("origin", ["command", "environment"])
@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("target", GIVEN)
def test_a_value_reaches_its_program_as_it_stands(checkout: Path, target: str, value: str, origin: str) -> None:
    given = {name: value for name in GIVEN[target] if origin == "command" or name != "HOST"}
    on_command_line = [f"{name}={text}" for name, text in given.items()]
    ran = make(checkout, target, *on_command_line) if origin == "command" else make(checkout, target, **given)
    assert ran.returncode == 0, ran.stderr
    assert values(called(checkout)).count(value) == len(given)
    assert not (checkout / "ran").exists()


@pytest.mark.parametrize("value", HOSTILE)
def test_no_other_variable_is_run_either(checkout: Path, value: str) -> None:
    names = ("PYTHON", "BENCH_ARGS", "LOCUST_RUN_TIME", "UNKNOWN")
    for target in ("report", "check", "help", "microbench"):
        make(checkout, target, *(f"{name}={value}" for name in names))
        make(checkout, target, **dict.fromkeys(names, value))
    (checkout / ".venv" / ".complete").unlink()
    assert make(checkout, "report", f"PYTHON={value}").returncode == 2
    assert not (checkout / "ran").exists()


def test_what_is_not_given_has_its_default(checkout: Path) -> None:
    for target, expected in (
        ("bench", ["loadtests", "run", "standard"]),
        ("worker", ["loadtests", "worker", "127.0.0.1"]),
        ("report", ["analysis", "report", "latest"]),
        ("ui", ["loadtests", "ui", "8089"]),
        ("demo", ["classroom", "127.0.0.1", "8000"]),
    ):
        assert make(checkout, target, HOST="0.0.0.0").returncode == 0
        told = [word for word in values(called(checkout)) if word not in ("", "-m", "--", "--report")]
        assert told == expected


def test_a_trace_is_asked_for_by_any_value(checkout: Path) -> None:
    make(checkout, "bench", "TRACE=1")
    assert "--trace" in called(checkout)
    make(checkout, "bench", "TRACE=")
    assert "--trace" not in called(checkout)


def test_only_the_command_opens_the_classroom(checkout: Path) -> None:
    make(checkout, "demo", "HOST=0.0.0.0")
    assert "--host=0.0.0.0" in called(checkout)


def test_options_of_micro_benchmarks_are_several_words(checkout: Path) -> None:
    make(checkout, "microbench", "BENCH_ARGS=-k 'two words'")
    told = json.loads((checkout / "called.json").read_text())["environment"]
    assert told["PYTEST_ADDOPTS"] == " -k 'two words'"


def test_pythons_own_settings_are_not_handed_on(checkout: Path) -> None:
    settings = {
        "PYTHONPATH": "/nowhere",
        "PYTHONWARNINGS": "error",
        "PYTHONSAFEPATH": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    make(checkout, "report", **settings)
    told = json.loads((checkout / "called.json").read_text())["environment"]
    assert not settings.keys() & told.keys()
