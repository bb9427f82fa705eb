"""The classroom is started again under its pages: they and the devices come back, and no dead code is shown."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.classroom.conftest import opened_page, row_of_free_ports, running_classroom
from tests.classroom.joining.test_class_pages import client_of, phone

pytestmark = pytest.mark.takes_s(30)


def test_devices_and_predictions_outlast_a_restart(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    arguments = ("--host", "0.0.0.0", "--port", str(row_of_free_ports()))
    with ExitStack() as pages:
        with running_classroom(*arguments) as first:
            context = pages.enter_context(browser.new_context(base_url=first.url))
            teacher = pages.enter_context(opened_page(context))
            teacher.goto(f"/?key={first.teacher_key}#predict")
            teacher.get_by_label("Requests per event").fill("4.5")
            teacher.get_by_role("button", name="Lock in my prediction").click()
            teacher.locator("#tab-class").click()
            code = teacher.locator(".class-code")
            expect(code).to_have_text(str(first.join_code))
            devices = [pages.enter_context(phone(browser, first)) for _ in range(2)]
            for device in devices:
                expect(device.locator("#connection-status")).to_contain_text("Device")
            known = [client_of(device) for device in devices]
        expect(code).to_be_hidden()  # until a classroom has said it anew
        expect(teacher.locator(".class-away-note")).to_be_visible()
        with running_classroom(*arguments) as second:
            expect(code).to_be_visible()
            expect(code).to_have_text(str(first.join_code))
            expect(teacher.locator(".class-away-note")).to_be_hidden()
            for device in devices:
                device.wait_for_function(
                    """(known) => {
                      const { client } = JSON.parse(sessionStorage.getItem("class-membership")) ?? {};
                      return client !== undefined && !known.includes(String(client));
                    }""",
                    arg=known,
                )
                expect(device.locator("#connection-status")).to_have_attribute("data-state", "live")
            expect(teacher.locator('.class-joined [data-field="devices"]')).to_have_text("2")
            teacher.locator("#tab-predict").click()
            expect(teacher.locator(".predict-locked")).to_contain_text("4.5")
            teacher.reload()
            expect(teacher.locator(".predict-locked")).to_contain_text("4.5")
            teacher.locator("#tab-class").click()
            expect(code).to_have_text(str(second.join_code))
        [kept] = (tmp_path / "push-vs-poll").iterdir()
        kept.unlink()
        with running_classroom(*arguments) as third:
            assert third.join_code != first.join_code
            expect(teacher.locator("#banner")).to_contain_text("open the address with ?key= that its start has printed")
            expect(code).to_be_hidden()
            expect(devices[0].locator("#join-error")).to_contain_text("not the code of this class")
            teacher.goto(f"/?key={third.teacher_key}#class")
            expect(code).to_have_text(str(third.join_code))
            expect(teacher.locator("#banner")).to_be_hidden()


def test_a_phone_that_was_hidden_comes_back_when_it_is_looked_at(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    arguments = ("--host", "0.0.0.0", "--port", str(row_of_free_ports()))
    hide = """(hidden) => {
      Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
      document.dispatchEvent(new Event("visibilitychange"));
    }"""
    with ExitStack() as pages:
        with running_classroom(*arguments) as first:
            device = pages.enter_context(phone(browser, first))
            expect(device.locator("#connection-status")).to_contain_text("Device")
            device.evaluate(hide, True)
        with running_classroom(*arguments):
            expect(device.get_by_label("The code on the projector")).to_be_visible()
            device.evaluate(hide, False)
            expect(device.locator("#connection-status")).to_contain_text("Device")
