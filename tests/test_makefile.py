"""What people give to `make` reaches the programs as it stands; nothing of it is run, by make or by a shell."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from system.processes import PROJECT_FOLDER

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
    "bench": ("SCENARIO", "TARGET", "FAULT", "SEED", "PROCESSES", "WORKERS", "LISTEN", "MASTER_PORT"),
    "worker": ("MASTER", "MASTER_PORT"),
    "report": ("RUN",),
    "gate": ("RUN", "BASE", "BUDGET", "JUNIT"),
    "export": ("RUN", "FORMAT", "OUT"),
    "compare": ("A", "B", "C", "D", "OUT"),
    "peers": ("PEERS_SECONDS", "PEERS_BLOCKS", "TOOLS", "SEED"),
    "ui": ("PORT", "SEED"),
    "demo": ("HOST", "PORT"),
}
pytestmark = [
    pytest.mark.skipif(shutil.which("make") is None, reason="there is no make on this machine"),
    pytest.mark.takes_s(15),
]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The project's Makefile over a .venv whose Python only says what it was called with."""
    for name in ("Makefile", "requirements.lock", "requirements-export.lock", "requirements-test.lock"):
        shutil.copy(PROJECT_FOLDER / name, tmp_path)
    stand_in = tmp_path / ".venv" / "bin" / "python"
    stand_in.parent.mkdir(parents=True)
    stand_in.write_text(STAND_IN)
    stand_in.chmod(0o755)
    for ready in (".complete", ".complete-for-formats", ".complete-for-tests"):
        (tmp_path / ".venv" / ready).touch()
    return tmp_path


def environment(**further: str) -> dict[str, str]:
    """That of a person's shell: `make test` itself leaves traces for the makes below it."""
    named = {name for names in GIVEN.values() for name in names}
    kept = {
        name: text for name, text in os.environ.items() if name not in named and not name.startswith(("MAKE", "PIP_"))
    }
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
@pytest.mark.parametrize(
    ("target", "value"),
    [("bench", value) for value in HOSTILE] + [(target, value) for target in GIVEN for value in HOSTILE[1:10:4]],
)
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
    for target in ("report", "microbench"):
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


@pytest.mark.parametrize("target", ["bench", "worker"])
def test_the_masters_port_goes_by_its_earlier_name_too(checkout: Path, target: str) -> None:
    make(checkout, target, "PORT=6000")
    assert "--port=6000" in called(checkout)
    make(checkout, target, "PORT=6000", "MASTER_PORT=6001")
    assert "--port=6001" in called(checkout)


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


def test_optional_packages_are_installed_when_they_are_asked_for(checkout: Path) -> None:
    ready = checkout / ".venv" / ".complete-for-formats"
    ready.unlink()
    assert make(checkout, "export", "FORMAT=parquet").returncode == 0
    assert called(checkout)[:3] == ["-m", "analysis", "export"]
    assert make(checkout, "formats").returncode == 0
    assert called(checkout)[:3] == ["-m", "pip", "install"]
    assert called(checkout)[-3:] == ["--require-hashes", "-r", "requirements-export.lock"]
    assert ready.exists()
    ready.unlink()
    assert make(checkout, "microbench").returncode == 0
    assert ready.exists()


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


WHEEL = "stand_in-1.0-py3-none-any.whl"


@pytest.fixture
def bare_checkout(tmp_path: Path) -> Path:
    """The project's Makefile where nothing is installed yet, and a lock of one package that lies beside it."""
    checkout = tmp_path / "check out"
    (checkout / "analysis").mkdir(parents=True)
    shutil.copy(PROJECT_FOLDER / "Makefile", checkout)
    (checkout / "analysis" / "__main__.py").write_text("import stand_in; print('reported by', stand_in.__file__)")
    info = {
        "METADATA": "Metadata-Version: 2.1\nName: stand-in\nVersion: 1.0\n",
        "WHEEL": "Wheel-Version: 1.0\nGenerator: none\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "RECORD": "",
    }
    with zipfile.ZipFile(tmp_path / WHEEL, "w") as wheel:
        wheel.writestr("stand_in.py", "")
        for name, text in info.items():
            wheel.writestr(f"stand_in-1.0.dist-info/{name}", text)
    digest = hashlib.sha256((tmp_path / WHEEL).read_bytes()).hexdigest()
    (checkout / "requirements.lock").write_text(f"stand-in==1.0 --hash=sha256:{digest}\n")
    return checkout


def test_how_pip_is_set_up_decides_where_packages_come_from_and_nothing_else(bare_checkout: Path) -> None:
    """By a file or by the environment; and a .venv whose Python is gone is made anew."""
    gone = bare_checkout / ".venv" / "bin" / "python"
    gone.parent.mkdir(parents=True)
    gone.symlink_to("/nowhere/python3")
    (bare_checkout / ".venv" / ".complete").touch()
    elsewhere = bare_checkout.parent / "elsewhere"
    (bare_checkout.parent / "constraints.txt").write_text("stand-in==2.0\n")
    settings = {
        "user": "true", "target": elsewhere, "prefix": elsewhere, "root": elsewhere, "dry-run": "true",
        "require-virtualenv": "true", "constraint": bare_checkout.parent / "constraints.txt",
    }  # fmt: skip
    lines = [f"{name} = {value}" for name, value in settings.items()]
    source = ["[global]", "no-index = true", f"find-links = {bare_checkout.parent}"]
    (bare_checkout.parent / "pip.conf").write_text("\n".join([*source, "[install]", *lines]) + "\n")
    named = {f"PIP_{name.upper().replace('-', '_')}": str(value) for name, value in settings.items()}
    by_file = {"PIP_CONFIG_FILE": str(bare_checkout.parent / "pip.conf")}
    by_environment = {
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": bare_checkout.parent.as_uri(),
        "PIP_PYTHON": sys.executable,
    }
    for given in (by_file, {**named, **by_environment}):
        ran = make(bare_checkout, "report", f"PYTHON={sys.executable}", **given)
        assert ran.returncode == 0, ran.stderr
        assert f"reported by {bare_checkout}/.venv/lib/" in ran.stdout
        assert not elsewhere.exists()
        assert "Setting up" not in make(bare_checkout, "report", **given).stdout
        # The next one installs into the .venv that there is.
        (bare_checkout / ".venv" / ".complete").unlink()


@pytest.mark.parametrize("python", ["/nowhere/python3", "false"])
def test_what_is_no_python_is_refused_and_leaves_nothing(bare_checkout: Path, python: str) -> None:
    ran = make(bare_checkout, "report", f"PYTHON={python}")
    assert ran.returncode == 2
    assert ran.stderr.startswith("error: ")
    assert not (bare_checkout / ".venv").exists()
