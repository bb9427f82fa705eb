"""The classroom is started again under its pages: they and the devices come back, and no dead code is shown."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from classroom.lanes.definitions import TRANSPORTS
from tests.browser import still_context
from tests.classroom.conftest import RunningClassroom, opened_page, row_of_free_ports, running_classroom
from tests.classroom.joining.test_class_pages import client_of, phone
from tests.classroom.joining.test_vote_pages import distribution, vote

pytestmark = pytest.mark.takes_s(40, waits=True)

HOLD_REPORTS = """
const startTimer = window.setInterval;
window.setInterval = (act, period) => startTimer(() => (window.holdsReports && period === 1000) || act(), period);
"""
"""For a device's page: while `holdsReports` is set, its timer of reports does nothing, and its rows wait."""


RARE_PER_S = 2.0


def test_devices_predictions_and_votes_outlast_a_restart(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    arguments = ("--host", "0.0.0.0", "--port", str(row_of_free_ports()))
    with ExitStack() as pages:
        with running_classroom(*arguments) as first:
            context = pages.enter_context(still_context(browser, base_url=first.url))
            teacher = pages.enter_context(opened_page(context))
            teacher.goto(f"/?key={first.teacher_key}#predict")
            teacher.get_by_label("Requests per event").fill("4.5")
            teacher.get_by_role("button", name="Lock in my prediction").click()
            devices = [pages.enter_context(phone(browser, first, script=HOLD_REPORTS)) for _ in range(2)]
            for device in devices:
                expect(device.locator("#connection-status")).to_contain_text("Device")
            begin_vote(teacher, devices)
            teacher.locator("#tab-class").click()
            code = teacher.locator(".class-code")
            expect(code).to_have_text(str(first.join_code))
            known = [client_of(device) for device in devices]
            hold_rows(devices, first)
        for device in devices:
            expect(device.locator("#connection-status")).to_have_attribute("data-state", "lost")
        teacher.evaluate(
            """(rate_per_s) => {
              const { settings, setSettings } = window.classroom;
              setSettings({ ...settings(), rate_per_s });
            }""",
            RARE_PER_S,
        )
        expect(code).to_be_hidden()  # until a classroom has said it anew
        expect(teacher.locator(".class-away-note")).to_be_visible()
        with running_classroom(*arguments) as second:
            expect(code).to_be_visible()
            expect(code).to_have_text(str(first.join_code))
            expect(teacher.locator(".class-away-note")).to_be_hidden()
            for device in devices:
                expect(device.locator("#connection-status")).to_have_attribute("data-state", "live")
            assert [client_of(device) for device in devices] == known
            check_rows(teacher, devices, second)
            teacher.locator("#tab-predict").click()
            finish_vote(teacher, devices)
            expect(teacher.locator(".predict-locked")).to_contain_text("4.5")
            teacher.reload()
            expect(teacher.locator(".predict-locked")).to_contain_text("4.5")
            teacher.locator("#tab-class").click()
            expect(code).to_have_text(str(second.join_code))
        for kept in (tmp_path / "push-vs-poll").iterdir():
            kept.unlink()
        with running_classroom(*arguments) as third:
            assert third.join_code != first.join_code
            expect(teacher.locator("#banner")).to_contain_text("open the address with ?key= that its start has printed")
            expect(code).to_be_hidden()
            expect(devices[0].locator("#join-error")).to_contain_text("not the code of this class")
            teacher.goto(f"/?key={third.teacher_key}#class")
            expect(code).to_have_text(str(third.join_code))
            expect(teacher.locator("#banner")).to_be_hidden()


def begin_vote(teacher: Page, devices: list[Page]) -> None:
    """Ask the class the second question, and let the first device vote."""
    teacher.locator('[data-step="1"]').click()
    teacher.get_by_text(f"{len(devices)} devices get this question").wait_for()
    teacher.get_by_role("button", name="Ask the class").click()
    vote(devices[0], requests="twice", age="half")
    expect(teacher.locator(".predict-voted")).to_have_text("1 of 2 devices have voted.")


def finish_vote(teacher: Page, devices: list[Page]) -> None:
    """See that the vote is still open: what was voted counts and is its device's own, and another device can vote."""
    expect(teacher.locator(".predict-voted")).to_have_text("1 of 2 devices have voted.")
    expect(devices[0].locator('#vote [name="requests"]:checked')).to_have_value("twice")
    vote(devices[0], "Change my vote", requests="same")
    vote(devices[1], requests="half", age="half")
    expect(teacher.locator(".predict-voted")).to_have_text("2 of 2 devices have voted.")
    teacher.get_by_role("button", name="Close the vote").click()
    expect(teacher.locator(".votes")).to_have_count(2)
    assert distribution(teacher)[0] == {"half as many": 1, "about as many": 1, "twice as many": 0}
    teacher.locator('[data-step="0"]').click()


def hold_rows(devices: list[Page], at: RunningClassroom) -> None:
    """Let each device have rows that it has not reported, of more events than the next run soon has."""
    at.start_run(rate_per_s=20.0, arrival="periodic", duration_s=120.0)
    for device in devices:
        device.evaluate("() => { window.holdsReports = true; }")
        delivered = device.locator('[data-field="delivered"]')
        before = int(delivered.inner_text())
        device.wait_for_function(
            "(least) => Number(document.querySelector('[data-field=\"delivered\"]').textContent) >= least",
            arg=before + 40,
        )


def check_rows(teacher: Page, devices: list[Page], at: RunningClassroom) -> None:
    """See that nobody is accused, and that nothing is counted but what this classroom has sent."""
    for device in devices:
        device.evaluate("() => { window.holdsReports = false; }")
    teacher.evaluate("() => window.classroom.on('class', (news) => { window.news = news; })")
    teacher.wait_for_function(
        """([devices, rate]) => window.news?.devices === devices
          && window.news.run === window.classroom.store.current.run.id
          && window.classroom.store.current.run.settings.rate_per_s === rate
          && Object.values(window.news.transports).filter(({ deliveries }) => deliveries > 0).length === devices""",
        arg=[len(devices), RARE_PER_S],
    )
    news: dict[str, Any] = teacher.evaluate("() => window.news")
    record = at.record()
    assert (news["refused"], news["refused_devices"]) == ({}, [])
    assert news["run"] == record["run"]["id"]
    lanes = [record["clients"][client_of(device)] for device in devices]
    for transport in TRANSPORTS:
        sent = sum(len(lane[transport]["delivered"]) for lane in lanes)
        assert news["transports"][transport]["deliveries"] <= sent


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
