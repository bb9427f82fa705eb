"""The folder for what is kept from one start to the next is private, or there is none."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from system.runtime_folder import private_runtime_folder


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files, without one of the session."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    return folder


def mode_of(folder: Path) -> int:
    return folder.stat().st_mode & 0o777


def test_it_is_in_the_sessions_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    found = private_runtime_folder("push-vs-poll")
    assert found == tmp_path / "push-vs-poll"
    assert mode_of(found) == 0o700
    assert private_runtime_folder("push-vs-poll") == found


@pytest.mark.parametrize("session", [None, "", "relative", "/no/such/folder"])
def test_without_a_session_it_is_a_folder_of_the_user_for_temporary_files(
    session: str | None, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if session is not None:
        monkeypatch.setenv("XDG_RUNTIME_DIR", session)
    found = private_runtime_folder("push-vs-poll")
    assert found is not None
    assert found.parent == temporary
    assert mode_of(found) == 0o700


@pytest.mark.parametrize("damage", ["open to the group", "open to all", "a link", "a file"])
def test_a_place_that_is_not_private_is_not_used(tmp_path: Path, damage: str) -> None:
    found = private_runtime_folder("push-vs-poll")
    assert found is not None
    if damage.startswith("open"):
        found.chmod(0o750 if damage == "open to the group" else 0o703)
    else:
        found.rmdir()
        if damage == "a link":
            found.symlink_to(tmp_path)
        else:
            found.touch()
    assert private_runtime_folder("push-vs-poll") is None
