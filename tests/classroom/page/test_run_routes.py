"""Starting runs over HTTP, and what is refused."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import Any

import pytest

from classroom.limits import MAX_BODY_BYTES
from tests.classroom.conftest import RunningClassroom, StartClassroom
from tests.classroom.scripted import scripted_client


def test_a_run_has_the_settings_asked_for_and_defaults_for_the_rest(classroom: RunningClassroom) -> None:
    run = classroom.start_run(rate_per_s=2, arrival="burst", seed=7, cursor=False)
    assert run["settings"] == {
        "rate_per_s": 2.0, "arrival": "burst", "poll_interval_s": 1.0, "hold_s": 30.0, "one_way_delay_ms": 50.0,
        "payload_bytes": 100, "cursor": False, "duration_s": 30.0, "seed": 7,
    }  # fmt: skip
    assert (run["seed"], run["auto"]) == (7, False)
    assert classroom.record()["run"] == run


def test_the_same_seed_is_the_same_stream(classroom: RunningClassroom) -> None:
    def offsets_ns() -> list[int]:
        run = classroom.start_run(rate_per_s=20, duration_s=3, poll_interval_s=0.1, one_way_delay_ms=0, seed=3)
        return [row[1] - run["t0_ns"] for row in classroom.record_when_ended()["published"]]

    first = offsets_ns()
    assert len(first) == 60
    assert offsets_ns() == first


def test_auto_stays_as_it_was_where_it_is_not_said(classroom: RunningClassroom) -> None:
    with scripted_client(classroom):
        for wanted in (True, False):
            classroom.request("POST", "/api/auto", json={"auto": wanted})
            assert classroom.request("POST", "/api/run", json={}).json()["auto"] is wanted


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/api/run", {"rate_per_s": "fast"}, "rate_per_s: Input should be a valid number, not 'fast'"),
        ("/api/run", {"rate_per_s": 101}, "rate_per_s: Input should be less than or equal to 100, not 101"),
        ("/api/run", {"rate_per_s": None}, "rate_per_s"),
        ("/api/run", {"speed": 1}, "speed: Extra inputs are not permitted"),
        ("/api/run", {"payload_bytes": 10_001}, "payload_bytes"),
        ("/api/run", {"auto": "yes"}, "auto"),
        ("/api/run", [], "body"),
        ("/api/run", None, "body"),
        ("/api/auto", {}, "auto"),
        ("/api/auto", {"auto": 1}, "auto"),
    ],
)
def test_bad_bodies_get_a_sentence_and_change_nothing(
    classroom: RunningClassroom, path: str, body: Any, said: str
) -> None:
    run = classroom.start_run()
    response = classroom.request("POST", path, json=body)
    assert response.status_code == 422
    assert said in response.json()["detail"]
    assert classroom.record()["run"] == run


def test_what_is_no_json_and_what_is_too_long(classroom: RunningClassroom) -> None:
    headers = {"Content-Type": "application/json"}
    assert classroom.request("POST", "/api/run", content=b"{", headers=headers).status_code == 422
    assert (
        classroom.request("POST", "/api/run", content=b"{}", headers={"Content-Type": "text/plain"}).status_code == 422
    )
    long = b" " * (MAX_BODY_BYTES + 1)
    assert classroom.request("POST", "/api/run", content=long, headers=headers).status_code == 413
    assert classroom.request("GET", "/api/run").status_code == 405


def test_in_a_class_only_who_has_the_key_is_the_teacher(start_classroom: StartClassroom) -> None:
    opened = start_classroom("--host", "0.0.0.0")
    assert opened.teacher_key is not None
    wrong: tuple[dict[str, str | bytes], ...] = (
        {"X-Teacher-Key": ""},
        {"X-Teacher-Key": "x" * 22},
        {"X-Teacher-Key": b"\xfc"},
    )
    for method, path in (("POST", "/api/run"), ("POST", "/api/stop"), ("POST", "/api/auto"), ("GET", "/api/record")):
        for headers in wrong:
            response = opened.request(method, path, json={} if method == "POST" else None, headers=headers)
            assert response.status_code == 403, (path, headers)
            answer = "not the key of this classroom's teacher" if headers["X-Teacher-Key"] else "only the teacher"
            assert answer in response.json()["detail"]
    assert opened.start_run(duration_s=3)["id"] == 1
    with scripted_client(opened, f"?key={opened.teacher_key}") as teacher:
        assert (teacher.hello["teacher"], teacher.hello["mode"]) == (True, "class")


def test_a_run_that_is_on_goes_on_with_other_settings(classroom: RunningClassroom) -> None:
    with scripted_client(classroom) as client:
        run = classroom.start_run(rate_per_s=2.0, arrival="periodic", duration_s=6.0, one_way_delay_ms=0)
        client.hear("run", run=run["id"])
        while time.monotonic_ns() < run["t0_ns"] + 1_500_000_000:
            time.sleep(0.05)
        changed = classroom.request("POST", "/api/change", json={"rate_per_s": 20, "one_way_delay_ms": 10}).json()
        told = client.hear("changed")["run"]
        assert told == changed
        assert (changed["id"], changed["t0_ns"], changed["end_ns"]) == (run["id"], run["t0_ns"], run["end_ns"])
        assert changed["settings"] == run["settings"] | {"rate_per_s": 20, "one_way_delay_ms": 10}
        client.hear("ended", run=run["id"])
        record = classroom.record()
    assert [row[0] for row in record["published"]] == list(range(1, len(record["published"]) + 1))
    due = [row[1] for row in record["published"]]
    before, after = [at for at in due if at < changed["changed_ns"]], [at for at in due if at >= changed["changed_ns"]]
    assert len(before) >= 2
    assert {later - earlier for earlier, later in pairwise(before)} == {500_000_000}
    assert {later - earlier for earlier, later in pairwise(after)} == {50_000_000}
    assert after[-1] < run["end_ns"]


def test_what_follows_a_changed_run_has_its_settings(classroom: RunningClassroom) -> None:
    with scripted_client(classroom) as client:
        run = classroom.start_run(duration_s=3.0, auto=True)
        classroom.request("POST", "/api/change", json={"poll_interval_s": 0.5})
        client.hear("ended", run=run["id"])
        assert client.hear("run")["run"]["settings"] == run["settings"] | {"poll_interval_s": 0.5}
        classroom.request("POST", "/api/stop")


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"rate_per_s": 1000}, 422, "rate_per_s"),
        ({"one_way_delay_ms": "far"}, 422, "one_way_delay_ms"),
        ({"seed": 1}, 422, "seed"),
    ],
)
def test_a_change_that_is_none_is_refused_and_the_run_goes_on(
    classroom: RunningClassroom, body: dict[str, object], status: int, said: str
) -> None:
    run = classroom.start_run(duration_s=60.0)
    response = classroom.request("POST", "/api/change", json=body)
    assert response.status_code == status
    assert said in response.json()["detail"]
    assert classroom.record()["run"] == run


def test_where_no_run_is_on_none_is_changed(classroom: RunningClassroom) -> None:
    classroom.start_run()
    classroom.request("POST", "/api/stop")
    response = classroom.request("POST", "/api/change", json={"rate_per_s": 2})
    assert (response.status_code, response.json()["detail"]) == (409, "no run is on that could be changed")
