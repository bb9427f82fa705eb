"""The page's line to the server: lost, refused and found again."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Page, WebSocketRoute, expect

from classroom.page.live import UNKNOWN_CLIENT_CLOSE_CODE
from tests.classroom.conftest import RunningClassroom
from tests.classroom.page_driving import PATIENCE_MS, open_page, wait_for_traffic
from tests.classroom.scripted import scripted_client


def watch_connection(page: Page) -> None:
    """Have the page remember every state of its connection: being lost may be too short to be looked at."""
    page.evaluate(
        """() => {
          const status = document.querySelector("#connection-status");
          window.statesSeen = [];
          const remember = new MutationObserver(() => window.statesSeen.push(status.dataset.state));
          remember.observe(status, { attributeFilter: ["data-state"] });
        }"""
    )


def states_until_live(page: Page) -> list[str]:
    """All states since `watch_connection`, once the connection is there again."""
    page.wait_for_function("() => window.statesSeen.at(-1) === 'live'", timeout=PATIENCE_MS)
    states: list[str] = page.evaluate("() => window.statesSeen")
    return states


def test_a_lost_line_is_taken_up_again_by_the_same_client(page: Page, classroom: RunningClassroom) -> None:
    lines: list[WebSocketRoute] = []

    def join(line: WebSocketRoute) -> None:
        lines.append(line)
        line.connect_to_server()

    page.route_web_socket("**/api/live*", join)
    open_page(page, classroom)
    client = page.evaluate("() => window.classroom.client")
    watch_connection(page)
    lines[0].close(code=1012)
    assert states_until_live(page) == ["lost", "connecting", "live"]
    assert page.evaluate("() => window.classroom.client") == client
    assert parse_qs(urlsplit(lines[1].url).query)["client"] == [str(client)]


def test_what_is_typed_in_a_prediction_outlasts_a_lost_line(page: Page, classroom: RunningClassroom) -> None:
    lines: list[WebSocketRoute] = []

    def join(line: WebSocketRoute) -> None:
        lines.append(line)
        line.connect_to_server()

    page.route_web_socket("**/api/live*", join)
    open_page(page, classroom, "#predict")
    page.get_by_label("Requests per event").fill("4.5")
    watch_connection(page)
    lines[0].close(code=1012)
    assert states_until_live(page) == ["lost", "connecting", "live"]
    assert page.get_by_label("Requests per event").input_value() == "4.5"


def test_a_server_that_forgot_the_page_gets_it_as_a_new_client(page: Page, classroom: RunningClassroom) -> None:
    lines: list[WebSocketRoute] = []

    def join(line: WebSocketRoute) -> None:
        lines.append(line)
        if len(lines) == 2:
            line.close(code=UNKNOWN_CLIENT_CLOSE_CODE, reason="no such client")
        else:
            line.connect_to_server()

    page.route_web_socket("**/api/live*", join)
    open_page(page, classroom)
    client = page.evaluate("() => window.classroom.client")
    watch_connection(page)
    lines[0].close(code=1012)
    assert states_until_live(page) == ["lost", "connecting", "lost", "connecting", "live"]
    assert "client" not in parse_qs(urlsplit(lines[2].url).query)
    assert page.evaluate("() => window.classroom.client") != client
    run = classroom.start_run(duration_s=10.0)
    page.locator("#lanes-status", has_text=f"Live, run {run['id']}").wait_for()
    wait_for_traffic(page)


def test_a_refusal_is_shown_in_the_servers_words(page: Page, classroom: RunningClassroom) -> None:
    page.route_web_socket(
        "**/api/live*", lambda line: line.close(code=UNKNOWN_CLIENT_CLOSE_CODE, reason="join the class first")
    )
    page.goto(classroom.url)
    expect(page.locator("#banner")).to_have_text("join the class first")


def test_a_second_tab_takes_the_number_and_keeps_it(page: Page, classroom: RunningClassroom) -> None:
    open_page(page, classroom)
    client = page.evaluate("() => window.classroom.client")
    with scripted_client(classroom, f"?client={client}") as other:
        expect(page.locator("#banner")).to_contain_text("another tab")
        page.wait_for_timeout(1500)  # longer than a page that comes again would wait
        run = classroom.start_run(duration_s=3.0)
        other.hear("run", run=run["id"])


def test_an_old_runs_number_may_come_again(empty_page: Page) -> None:
    runs = empty_page.evaluate(
        """async () => {
          const { RunStore } = await import("/static/js/shared/run_store.js");
          const store = new RunStore();
          const begin = (id, t0_ns) => {
            store.begin({ id, t0_ns, end_ns: t0_ns + 1, drain_ns: 1, settings: {} });
            return [store.current.run.t0_ns, store.previous?.run.t0_ns ?? null];
          };
          return [begin(1, 10), begin(1, 10), begin(1, 20), begin(2, 30)];
        }"""
    )
    assert runs == [[10, None], [10, None], [20, 10], [30, 20]]
