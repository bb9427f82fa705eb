"""Key and code of a class: kept for a restart on the same port, and only as far as they are whole and recent."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from classroom.access import KEPT_FOR_S, Access, file_of, keep_access, read_access
from tests.classroom.conftest import CHECKOUT, PATIENCE_S, row_of_free_ports, running_classroom

pytestmark = pytest.mark.takes_s(12)


def test_what_is_kept_is_read_again_and_is_the_owners_alone(tmp_path: Path) -> None:
    access, file = Access.draw(), file_of(tmp_path, 8000)
    assert keep_access(file, access)
    assert read_access(file) == access
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [file]
    other = Access.draw()
    assert other.teacher_key != access.teacher_key
    assert other.join_code != access.join_code
    assert keep_access(file, other)
    assert read_access(file) == other


def test_each_port_has_its_own(tmp_path: Path) -> None:
    keep_access(file_of(tmp_path, 8000), Access.draw())
    assert read_access(file_of(tmp_path, 8001)) is None


@pytest.mark.parametrize(("age_s", "is_kept"), [(0, True), (KEPT_FOR_S - 60, True), (KEPT_FOR_S, False), (1e9, False)])
def test_the_class_of_another_day_is_another_class(tmp_path: Path, age_s: float, is_kept: bool) -> None:
    file = file_of(tmp_path, 8000)
    keep_access(file, Access.draw())
    then_s = time.time() - age_s
    os.utime(file, (then_s, then_s))
    assert (read_access(file) is not None) == is_kept


WHOLE = {"teacher_key": "a" * 22, "join_code": "ABCDEF"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no json",
        "[]",
        "7",
        "[" * 100_000,
        "\x00",
        json.dumps(WHOLE | {"join_code": "ABCDE"}),
        json.dumps(WHOLE | {"join_code": "ABCDE0"}),
        json.dumps(WHOLE | {"join_code": 7}),
        json.dumps(WHOLE | {"teacher_key": ""}),
        json.dumps(WHOLE | {"teacher_key": "a b" * 8}),
        json.dumps({"teacher_key": WHOLE["teacher_key"]}),
    ],
    ids=lambda text: text[:60],
)
def test_what_is_damaged_counts_as_nothing(tmp_path: Path, text: str) -> None:
    file = file_of(tmp_path, 8000)
    file.write_text(json.dumps(WHOLE))
    assert read_access(file) == Access(**WHOLE)
    file.write_text(text)
    assert read_access(file) is None


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    keep_access(tmp_path / "elsewhere", Access.draw())
    file_of(tmp_path, 8000).symlink_to(tmp_path / "elsewhere")
    assert read_access(file_of(tmp_path, 8000)) is None


def test_what_cannot_be_kept_is_said(tmp_path: Path) -> None:
    assert not keep_access(file_of(tmp_path / "missing", 8000), Access.draw())
    in_the_way = file_of(tmp_path, 8000)
    in_the_way.mkdir()
    assert not keep_access(in_the_way, Access.draw())
    assert list(tmp_path.iterdir()) == [in_the_way]


def test_a_restart_on_the_same_port_has_the_same_key_and_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    port, other_port = row_of_free_ports(), 0
    arguments = ("--host", "0.0.0.0", "--port", str(port))
    with running_classroom(*arguments) as first:
        known = (first.teacher_key, first.join_code)
        refused = subprocess.run(
            [sys.executable, "-m", "classroom", *arguments],
            cwd=CHECKOUT, capture_output=True, text=True, check=False, timeout=PATIENCE_S,
        )  # fmt: skip
        assert refused.returncode == 2
    assert "another code" not in first.welcome
    with running_classroom(*arguments) as again:
        assert (again.teacher_key, again.join_code) == known
        assert again.request("GET", "/api/class").json()["code"] == first.join_code
    [file] = (tmp_path / "push-vs-poll").iterdir()
    file.write_text("damaged")
    with running_classroom(*arguments) as anew:
        assert (anew.teacher_key, anew.join_code) != known
        assert anew.join_code is not None
    with running_classroom("--host", "0.0.0.0", "--port", str(other_port)) as elsewhere:
        assert "A restart will have another key and another code." in elsewhere.welcome
