"""Which folder a person means, and texts of a run on the terminal."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis import command_line as program
from analysis.command_line import run_folder
from contract.errors import UserError


def run_of(results: Path, name: str) -> Path:
    (results / name).mkdir(parents=True)
    (results / name / "run.json").write_text("{}")
    return results / name


def test_latest_is_the_run_that_the_link_points_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "RESULTS_FOLDER", tmp_path)
    linked = run_of(tmp_path, "20260101T000000Z-quick")
    run_of(tmp_path, "20260201T000000Z-quick")
    (tmp_path / "latest").symlink_to(linked.name, target_is_directory=True)
    assert run_folder("latest") == run_folder(str(tmp_path / "latest")) == linked


@pytest.mark.parametrize("instead", ["a folder", "a file", "a broken link", "nothing"])
def test_without_a_link_latest_is_the_newest_run_and_never_a_copy_of_an_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, instead: str
) -> None:
    monkeypatch.setattr(program, "RESULTS_FOLDER", tmp_path)
    for name in ("20260101T000000Z-standard", "reference", "peers", "20260301T000000Z-not-a-run"):
        run_of(tmp_path, name)
    (tmp_path / "20260301T000000Z-not-a-run" / "run.json").unlink()
    newest = run_of(tmp_path, "20260201T000000Z-quick")
    if instead == "a folder":
        run_of(tmp_path, "latest")
    elif instead == "a file":
        (tmp_path / "latest").write_text("20260101T000000Z-standard")
    elif instead == "a broken link":
        (tmp_path / "latest").symlink_to("20260401T000000Z-gone", target_is_directory=True)
    assert run_folder("latest") == run_folder(str(tmp_path / "latest")) == newest


def test_where_there_is_no_run_latest_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "RESULTS_FOLDER", tmp_path)
    with pytest.raises(UserError, match="there is no run yet"):
        run_folder("latest")


@pytest.mark.parametrize(("words", "setting"), [(("compare", "", "b"), "A"), (("report", ""), "RUN")])
def test_the_setting_that_names_no_run_is_told(
    words: tuple[str, ...], setting: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program.main(words) == 2
    assert capsys.readouterr().err == f"error: {setting}: no run was named (expected {setting}=results/…)\n"
