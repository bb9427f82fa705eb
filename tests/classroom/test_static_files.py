"""The page's files: fetched once, and anew when any of them has changed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fastapi import HTTPException
from playwright.sync_api import Page

from classroom.static_files import STATIC_FOLDER, StaticFiles
from tests.classroom.conftest import RunningClassroom
from tests.classroom.page_driving import open_page

NOT_FROM_CACHE = """() => performance.getEntriesByType("resource")
  .filter(({ name, transferSize }) => name.includes("/static/") && transferSize > 0).map(({ name }) => name)"""


def test_each_file_is_kept_under_an_address_of_its_version(classroom: RunningClassroom) -> None:
    index = classroom.request("GET", "/")
    assert index.headers["cache-control"] == "no-cache"
    addresses = re.findall(r'"(/static/[^"]+)"', index.text)
    assert len(addresses) > 10
    assert {address.split("/")[2] for address in addresses} == {addresses[0].split("/")[2]}
    for address in addresses:
        file = classroom.request("GET", address)
        assert file.content == STATIC_FOLDER.joinpath(*address.split("/")[3:]).read_bytes()
        assert "immutable" in file.headers["cache-control"]
    script = next(address for address in addresses if address.endswith(".js"))
    assert classroom.request("HEAD", script).headers["content-type"] == "text/javascript; charset=utf-8"


@pytest.mark.parametrize("version", ["", "0123456789ab/"])
def test_an_address_without_this_version_leads_to_it(classroom: RunningClassroom, version: str) -> None:
    """A page that was opened before the classroom was changed and started again may ask for such a one."""
    found = classroom.request("GET", f"/static/{version}js/page/main.js")
    assert found.status_code == 307
    assert found.headers["cache-control"] == "no-cache"
    assert classroom.request("GET", found.headers["location"]).status_code == 200


def test_whatever_changes_changes_all_addresses(tmp_path: Path) -> None:
    def address() -> str:
        return StaticFiles(tmp_path).file("a.js").headers["location"]

    (tmp_path / "a.js").write_text("1")
    (tmp_path / "b.css").write_text("2")
    first = address()
    assert address() == first
    (tmp_path / "b.css").write_text("3")
    second = address()
    (tmp_path / "b.css").rename(tmp_path / "c.css")
    assert len({first, second, address()}) == 3
    with pytest.raises(HTTPException):
        StaticFiles(tmp_path).file("b.css")


def test_a_page_that_is_opened_again_fetches_no_file(page: Page, classroom: RunningClassroom) -> None:
    open_page(page, classroom)
    assert len(page.evaluate(NOT_FROM_CACHE)) > 50
    open_page(page, classroom)
    assert page.evaluate(NOT_FROM_CACHE) == []
