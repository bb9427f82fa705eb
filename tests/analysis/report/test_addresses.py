"""Ids of a page: readable, the same in every run, and each given once."""

from __future__ import annotations

import pytest

from analysis.report.addresses import PageIds, slug


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("server CPU µs per event", "server-cpu-us-per-event"),
        ("p99.9 ms", "p99.9-ms"),
        ("point-short_poll-poll_interval_s-0.1", "point-short_poll-poll_interval_s-0.1"),
        ('"><script>', "script"),
    ],
)
def test_a_slug_is_safe_and_can_be_read(text: str, expected: str) -> None:
    assert slug(text) == expected


def test_a_heading_has_the_same_address_whatever_was_measured() -> None:
    for conditions in ("10 clients, 25 ms one way", "50 clients"):
        assert PageIds().of_heading(f"At the base point: {conditions}") == "at-the-base-point"


def test_headings_that_begin_alike_have_addresses_of_their_own() -> None:
    ids = PageIds()
    assert [ids.of_heading("Warnings") for _ in range(3)] == ["warnings", "warnings-2", "warnings-3"]


def test_of_several_places_the_first_has_the_address() -> None:
    ids = PageIds()
    assert [ids.first("point-sse"), ids.first("point-sse"), ids.first("point-websocket")] == [
        "point-sse", "", "point-websocket",
    ]  # fmt: skip
