"""Joining, the code, the limits, and leaving."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classroom.join import (
    CLIENT_LIMIT,
    CODE_ALPHABET,
    CODE_CHARACTERS,
    Device,
    JoinLimits,
    JoinRefusedError,
    Roster,
    create_client,
    create_code,
    normalise_code,
)

S = 1_000_000_000
FOUR = ("websocket", "sse", "long_poll", "short_poll")
CODE = "K7MQ2X"


def roster(**limits: float) -> Roster:
    return Roster(CODE, FOUR, JoinLimits(**limits))  # type: ignore[arg-type]


def refused(of: Roster, code: str, address: str = "a", now_ns: int = 0) -> int:
    with pytest.raises(JoinRefusedError) as caught:
        of.join(code, address, now_ns)
    assert caught.value.detail.endswith(".")
    return caught.value.status


def arrive(at: Roster, now_ns: int = 0) -> Device:
    device = at.join(CODE, "a", now_ns)
    at.opened(device.client)
    return device


def test_codes_are_readable_and_differ() -> None:
    codes = {create_code() for _ in range(50)}
    assert len(codes) == 50
    assert all(len(code) == CODE_CHARACTERS and set(code) <= set(CODE_ALPHABET) for code in codes)
    assert not set("01ILO") & set(CODE_ALPHABET)


@pytest.mark.parametrize("typed", [CODE, "k7mq2x", " k7m q2x ", "K7M-Q2X", "k7m–q2x"])
def test_a_code_is_taken_as_it_is_meant(typed: str) -> None:
    assert roster().join(typed, "a", 0).client


@given(st.text())
def test_any_text_can_be_tried_as_a_code(typed: str) -> None:
    if normalise_code(typed) != CODE:
        assert refused(roster(), typed) == 403


def test_a_client_number_fits_every_lane_and_is_not_guessed() -> None:
    clients = {create_client() for _ in range(100)}
    assert len(clients) == 100
    assert all(0 < client < CLIENT_LIMIT for client in clients)
    assert len(str(CLIENT_LIMIT * 4 + 3)) <= 15


def test_devices_get_the_transports_in_turn() -> None:
    joined = roster()
    assert [arrive(joined).transports for _ in range(5)] == [(FOUR[i % 4],) for i in range(5)]


def test_who_leaves_makes_room_on_its_transport() -> None:
    joined = roster()
    devices = [arrive(joined) for _ in range(8)]
    joined.closed(devices[2].client, 10 * S)
    assert joined.expire(1000 * S) == [devices[2]]
    assert arrive(joined, 1000 * S).transports == devices[2].transports


def test_the_teacher_can_give_everyone_everything_and_take_it_back() -> None:
    joined = roster()
    devices = [arrive(joined) for _ in range(8)]
    joined.reassign("all")
    assert {device.transports for device in devices} == {FOUR}
    assert arrive(joined).transports == FOUR
    joined.reassign("turns")
    assert Counter(device.transports for device in devices) == {(name,): 2 for name in FOUR}


def test_names_count_up_and_are_not_used_twice() -> None:
    joined = roster()
    first = arrive(joined)
    joined.closed(first.client, 0)
    joined.expire(1000 * S)
    assert (first.name, arrive(joined, 1000 * S).name) == (1, 2)


def test_a_full_class_says_so_and_has_room_again_when_someone_left() -> None:
    joined = roster(devices=2)
    first = arrive(joined)
    arrive(joined)
    assert refused(joined, CODE) == 503
    joined.closed(first.client, 0)
    assert refused(joined, CODE, now_ns=10 * S) == 503
    assert arrive(joined, 60 * S)


def test_a_device_that_joins_and_never_comes_is_forgotten() -> None:
    joined = roster(absent_s=45)
    device = joined.join(CODE, "a", 0)
    assert joined.here == []
    assert joined.expire(44 * S) == []
    assert joined.expire(46 * S) == [device]
    assert joined.find(device.client) is None
    assert joined.opened(device.client) is None


def test_a_page_that_reloads_stays_the_same_device() -> None:
    joined = roster(absent_s=45)
    device = arrive(joined)
    joined.opened(device.client)  # the new page's channel, before the old one is known to be closed
    joined.closed(device.client, 5 * S)
    assert joined.here == [device]
    assert joined.expire(1000 * S) == []


def test_guessing_is_stopped_for_its_address_only_and_only_for_a_minute() -> None:
    joined = roster(guesses_per_minute=3)
    assert [refused(joined, "AAAAAA", "thief", i) for i in range(4)] == [403, 403, 403, 429]
    assert refused(joined, CODE, "thief", S) == 429
    assert joined.join(CODE, "honest", S)
    assert joined.join(CODE, "thief", 61 * S)


def test_right_codes_do_not_count_as_guesses_but_have_a_limit_of_their_own() -> None:
    joined = roster(guesses_per_minute=1, joins_per_minute=3)
    for _ in range(3):
        arrive(joined)
    assert refused(joined, CODE) == 429
    assert joined.join(CODE, "another", 0)


def test_addresses_are_not_remembered_without_end() -> None:
    joined = roster()
    for number in range(3000):
        refused(joined, "AAAAAA", str(number))
    assert len(joined._attempts) <= 1000
