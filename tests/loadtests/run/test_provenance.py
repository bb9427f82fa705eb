"""A run tells which code it was made with, and nothing where that is not known."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from loadtests.run.provenance import describe_checkout

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="there is no git on this machine")


def git(folder: Path, *arguments: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    names = ["-c", "user.name=Nobody", "-c", "user.email=nobody@example.org", "-c", "commit.gpgsign=false"]
    return subprocess.run(
        ["git", *names, *arguments], cwd=folder, env=environment, check=True, capture_output=True, text=True
    ).stdout


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    folder.mkdir()
    git(folder, "init")
    (folder / "code.py").write_text("one")
    git(folder, "add", ".")
    git(folder, "commit", "-m", "one")
    return folder


def test_a_clean_checkout_and_a_changed_one(repository: Path) -> None:
    commit = git(repository, "rev-parse", "HEAD").strip()
    assert describe_checkout(repository) == {"commit": commit, "clean": True}
    (repository / "my-scenario.toml").write_text("a file of the user's")
    assert describe_checkout(repository) == {"commit": commit, "clean": True}
    (repository / "code.py").write_text("two")
    assert describe_checkout(repository) == {"commit": commit, "clean": False}


def test_a_copy_without_git_within_another_repository_is_not_taken_for_it(repository: Path, tmp_path: Path) -> None:
    (repository / "copy").mkdir()
    assert describe_checkout(repository / "copy") is None
    (tmp_path / "plain").mkdir()
    assert describe_checkout(tmp_path / "plain") is None


def test_a_repository_named_in_the_environment_does_not_count(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = describe_checkout(repository)
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    assert describe_checkout(repository) == expected is not None


def test_without_git_it_is_not_known(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert describe_checkout(repository) is None


def test_a_repository_without_a_commit_is_not_known(tmp_path: Path) -> None:
    git(tmp_path, "init")
    assert describe_checkout(tmp_path) is None
