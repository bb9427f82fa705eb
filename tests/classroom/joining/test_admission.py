"""The code, how often it may be tried, and whose turn it is."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classroom.joining.admission import JoinCodeCheck, next_transports, normalise_code
from classroom.refusals import RefusedError

pytestmark = pytest.mark.clocks

S = 1_000_000_000
FOUR = ("websocket", "sse", "long_poll", "short_poll")
CODE = "K7MQ2X"


def refused(check: JoinCodeCheck, code: str, address: str = "a", now_ns: int = 0) -> int:
    with pytest.raises(RefusedError) as caught:
        check.check(code, address, now_ns)
    assert caught.value.detail.endswith(".")
    return caught.value.status


@pytest.mark.parametrize("typed", [CODE, "k7mq2x", " k7m q2x ", "K7M-Q2X", "k7m–q2x"])
def test_a_code_is_taken_as_it_is_meant(typed: str) -> None:
    assert normalise_code(typed) == CODE
    JoinCodeCheck(CODE).check(typed, "a", 0)


@given(st.text())
def test_any_text_can_be_tried_as_a_code(typed: str) -> None:
    if normalise_code(typed) != CODE:
        assert refused(JoinCodeCheck(CODE), typed) == 403


def test_guessing_is_stopped_for_its_address_only_and_only_for_a_minute() -> None:
    check = JoinCodeCheck(CODE, wrong_per_minute=3)
    assert [refused(check, "AAAAAA", "thief", i) for i in range(4)] == [403, 403, 403, 429]
    assert refused(check, CODE, "thief", S) == 429
    check.check(CODE, "honest", S)
    check.check(CODE, "thief", 61 * S)


def test_right_codes_do_not_count_as_guesses_but_have_a_limit_of_their_own() -> None:
    check = JoinCodeCheck(CODE, wrong_per_minute=1, right_per_minute=3)
    for _ in range(3):
        check.check(CODE, "a", 0)
    assert refused(check, CODE) == 429
    check.check(CODE, "another", 0)


def test_addresses_are_not_remembered_without_end() -> None:
    check = JoinCodeCheck(CODE)
    for number in range(3000):
        refused(check, "AAAAAA", str(number))
    assert len(check._attempts) <= 1000


def test_devices_get_the_transports_in_turn() -> None:
    given_out: list[tuple[str, ...]] = []
    for _ in range(6):
        given_out.append(next_transports("turns", FOUR, given_out))
    assert given_out == [(FOUR[i % 4],) for i in range(6)]


@given(st.lists(st.sampled_from(FOUR)))
def test_the_next_device_gets_what_the_fewest_have(taken: list[str]) -> None:
    [given_next] = next_transports("turns", FOUR, [(name,) for name in taken])
    assert taken.count(given_next) == min(Counter({name: taken.count(name) for name in FOUR}).values())


def test_or_everyone_gets_everything() -> None:
    assert next_transports("all", FOUR, [("sse",)]) == FOUR
