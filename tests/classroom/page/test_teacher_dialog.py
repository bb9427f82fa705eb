"""The teacher's dialog: what the pre-flight check finds in a real browser, and what it says where something fails."""

from __future__ import annotations

import json
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.classroom.conftest import RunningClassroom
from tests.classroom.page_driving import PATIENCE_MS, module, open_page, wait_for_end

READY: dict[str, Any] = {
    "visible": True, "clock_error_ms": 0.3, "ports": [{"name": "SSE", "port": 8002, "reached": True}],
    "missing": [], "tick_ms": 0.005, "frames_per_s": 60,
}  # fmt: skip


def check(page: Page, classroom: RunningClassroom) -> dict[str, tuple[bool, str]]:
    """Open the dialog; per check whether it holds, and its text."""
    open_page(page, classroom)
    page.get_by_role("button", name="Teacher", exact=True).click()
    page.locator(".preflight-list li").first.wait_for(timeout=PATIENCE_MS)
    items = page.locator(".preflight-list li").all()
    names = [str(item.get_attribute("data-check")) for item in items]
    passed = [item.get_attribute("data-passed") == "true" for item in items]
    return {name: (one, item.inner_text()) for name, one, item in zip(names, passed, items, strict=True)}


def test_all_is_checked_in_a_real_browser(page: Page, classroom: RunningClassroom) -> None:
    found = check(page, classroom)
    assert set(found) == {
        "visible", "clock", "ports", "features", "tick", "frames", "floor", "timers", "load", "descriptors",
    }  # fmt: skip
    for name in ("visible", "ports", "features", "tick"):
        assert found[name][0], found[name]
    for port in (*classroom.lane_ports, classroom.lesson_port):
        assert str(port) in found["ports"][1]
    failed = sum(not passed for passed, _ in found.values())
    all_hold = f"All {len(found)} checks hold."
    said = f"{failed} of {len(found)} checks need a look." if failed else all_hold
    expect(page.locator(".preflight-sum")).to_have_text(said)
    violations = Axe().run(page).response["violations"]
    assert [one["id"] for one in violations if one["impact"] in ("serious", "critical")] == []


def test_a_closed_port_is_named_and_has_its_remedy(page: Page, classroom: RunningClassroom) -> None:
    closed = classroom.lane_ports[2]
    page.route(f"http://127.0.0.1:{closed}/**", lambda route: route.abort())
    passed, text = check(page, classroom)["ports"]
    assert not passed
    assert f"Long poll ({closed})" in text
    assert "recorded run" in text


def test_what_the_browser_finds_is_judged(empty_page: Page) -> None:
    changes: dict[str, dict[str, Any]] = {
        "visible": {"visible": False},
        "clock": {"clock_error_ms": 7},
        "ports": {"ports": [{"name": "SSE", "port": 8002, "reached": False}]},
        "features": {"missing": ["workers"]},
        "tick": {"tick_ms": 1},
        "frames": {"frames_per_s": 10},
    }
    for name, change in {"none": {}, **changes, "clock silent": {"clock_error_ms": None}}.items():
        judged = module(empty_page, "page/preflight/checks.js", "m.judge(given)", READY | change)
        failed = [one["id"] for one in judged if not one["passed"]]
        assert failed == ([] if name == "none" else [name.split()[0]])
        assert all(one["remedy"] and one["found"] for one in judged)


KEEP_PICTURE = """
const remove = Element.prototype.remove;
Element.prototype.remove = function () {
  if (this.classList.contains("preflight-picture")) {
    window.picture = [...this.querySelectorAll("canvas")].map((tile) => tile.toDataURL());
  }
  remove.call(this);
};
"""

BUSIEST = """async () => {
  const { busiestViews } = await import("/static/js/lanes/busiest.js");
  const { pictureIn } = await import("/static/js/lanes/view.js");
  const place = Object.assign(document.createElement("div"), { className: "preflight-picture lanes-window" });
  document.body.append(place);
  const views = busiestViews();
  const picture = pictureIn(place);
  for (const view of views) picture.draw(view);
  const [run] = views.at(-1).datas;
  const counts = Object.entries(run.lanes).map(([name, lane]) => [name, [lane.deliveries.size, lane.requests.size]]);
  return [[...place.querySelectorAll("canvas")].map((tile) => tile.toDataURL()), Object.fromEntries(counts)];
}"""


def test_the_check_of_the_picture_draws_the_busiest_lanes_whatever_the_view(
    page: Page, classroom: RunningClassroom
) -> None:
    """Ten seconds of a hundred events a second and ten polls a second, also where the page shows no lanes."""
    page.add_init_script(KEEP_PICTURE)
    open_page(page, classroom)
    drawn = []
    for view in ("watch", "class"):
        page.locator(f"#tab-{view}").click()
        page.get_by_role("button", name="Teacher", exact=True).click()
        expect(page.locator(".preflight-sum")).to_contain_text("checks")
        drawn.append(page.evaluate("() => window.picture"))
        page.evaluate("() => { window.picture = null; }")
        page.locator('#preflight [data-action="close"]').click()
    picture, counts = page.evaluate(BUSIEST)
    assert counts["websocket"] == counts["sse"] == [1000, 0]
    assert counts["short_poll"][0] > 950
    assert counts["short_poll"][1] == 100
    assert drawn == [picture, picture]


def test_a_run_can_be_saved_and_is_what_the_page_saw(page: Page, classroom: RunningClassroom) -> None:
    open_page(page, classroom)
    run = classroom.start_run(duration_s=3)
    wait_for_end(page, run["id"])
    page.get_by_role("button", name="Teacher", exact=True).click()
    with page.expect_download() as saving:
        page.get_by_role("button", name="Save the last run").click()
    saved = json.loads(saving.value.path().read_text())
    assert saved["run"]["id"] == run["id"]
    assert [lane["port"] for lane in saved["recorded"]["lanes"]] == list(classroom.lane_ports)
    expect(page.locator(".preflight-said")).to_contain_text("Saved as")
