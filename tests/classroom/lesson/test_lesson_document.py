"""docs/internals/lesson.md says what the lesson does."""

from __future__ import annotations

from classroom.lesson import app, page_session
from classroom.lesson.sample_programs import LANE_PROGRAMS, SAMPLES
from classroom.run_settings import RunSettings
from tests.classroom.conftest import CHECKOUT

TEXT = " ".join((CHECKOUT / "docs" / "internals" / "lesson.md").read_text().split())


def test_limits() -> None:
    for said in (
        f"at most {page_session.MAX_OPEN_SOCKETS} connections and held requests at a time",
        f"{page_session.ACTIONS_PER_S:g} messages, requests or connections a second",
        f"{app.MAX_MESSAGE_CHARACTERS} characters a message",
        f"{app.MAX_LIFE_S / 60:g} minutes a connection",
        f"{page_session.MAX_SESSIONS} sessions in all",
        f"a relay ({RunSettings().one_way_delay_ms:g} ms each way)",
    ):
        assert said in TEXT, said


def test_samples() -> None:
    for program in (*SAMPLES.values(), *LANE_PROGRAMS.values()):
        assert program.described()["path"] in TEXT
