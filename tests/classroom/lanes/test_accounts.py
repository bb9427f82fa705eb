from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from classroom.lanes.accounts import Accounts, Address, Request

LANE = 2
HERE: Address = ("127.0.0.1", 1)
THERE: Address = ("127.0.0.1", 2)


@dataclass
class Count:
    """A counter of bytes as a relay has it."""

    bytes: int = 0


def opened(accounts: Accounts, address: Address = HERE) -> tuple[Count, Count]:
    up, down = Count(), Count()
    accounts.opened(LANE, address, up, down)
    return up, down


def test_bytes_belong_to_who_asked_on_the_connection_open_or_closed() -> None:
    accounts = Accounts()
    accounts.begin()
    up, down = opened(accounts)
    up.bytes = 100
    assert accounts.bytes_of(None, LANE) == (100, 0)
    accounts.assign(LANE, HERE, 7)
    down.bytes = 30
    assert (accounts.bytes_of(7, LANE), accounts.bytes_of(None, LANE)) == ((100, 30), (0, 0))
    assert accounts.connections(7, LANE) == 1
    accounts.closed(LANE, HERE)
    assert (accounts.bytes_of(7, LANE), accounts.connections(7, LANE)) == ((100, 30), 0)
    assert accounts.bytes_of(7, LANE + 1) == (0, 0)


def test_a_connection_shared_by_two_pages_of_one_browser_is_split_at_their_requests() -> None:
    accounts = Accounts()
    accounts.begin()
    up, down = opened(accounts)
    up.bytes = 100
    accounts.assign(LANE, HERE, 1)
    down.bytes = 40
    up.bytes += 60
    accounts.assign(LANE, HERE, 2)
    down.bytes += 50
    assert (accounts.bytes_of(1, LANE), accounts.bytes_of(2, LANE)) == ((100, 40), (60, 50))


def test_only_what_happens_in_a_run_counts() -> None:
    accounts = Accounts()
    up, down = opened(accounts)
    up.bytes = 10
    accounts.assign(LANE, HERE, 1)
    accounts.wrote(1, LANE, 1, 100, 5)
    assert (accounts.bytes_of(1, LANE), accounts.of(1, LANE).written) == ((0, 0), [])
    accounts.begin()
    up.bytes, down.bytes = 30, 7
    accounts.wrote(1, LANE, 1, 100, 6)
    accounts.finish()
    up.bytes, down.bytes = 1000, 1000
    accounts.wrote(1, LANE, 2, 100, 7)
    account = accounts.of(1, LANE)
    assert (accounts.bytes_of(1, LANE), account.written, account.payload_bytes) == ((20, 7), [(1, 6)], 100)
    accounts.closed(LANE, HERE)
    assert accounts.bytes_of(1, LANE) == (20, 7)
    accounts.begin()
    assert (accounts.bytes_of(1, LANE), accounts.of(1, LANE).written) == ((0, 0), [])


def test_a_request_that_is_answered_in_a_later_run_is_in_no_account() -> None:
    accounts = Accounts()
    accounts.begin()
    early, late = Request(1, accounts.run, 10), Request(2, accounts.run, 11)
    for request in (early, late):
        accounts.arrived(3, LANE, request)
    accounts.answered(3, LANE, early, 200, 20)
    accounts.finish()
    accounts.answered(3, LANE, late, 200, 30)
    assert accounts.of(3, LANE).answered == [early]
    rows = [request.row() for request in accounts.of(3, LANE).requests]
    assert rows == [[1, 10, 20, 200, []], [2, 11, None, None, []]]
    accounts.begin()
    accounts.answered(3, LANE, late, 200, 40)
    assert accounts.of(3, LANE).answered == []


def test_only_requests_of_a_run_that_is_on_are_booked() -> None:
    accounts = Accounts()
    accounts.arrived(3, LANE, Request(1, accounts.run, 10))
    accounts.begin()
    accounts.finish()
    accounts.arrived(3, LANE, Request(2, accounts.run, 11))
    assert accounts.of(3, LANE).requests == []


def test_what_is_unknown_is_nobodys() -> None:
    accounts = Accounts()
    accounts.begin()
    accounts.assign(LANE, THERE, 1)
    accounts.closed(LANE, THERE)
    assert accounts.clients() == []


ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("open"), st.integers(0, 3)),
        st.tuples(st.just("close"), st.integers(0, 3)),
        st.tuples(st.just("ask"), st.integers(0, 3), st.sampled_from([None, 1, 2])),
        st.tuples(st.just("pass"), st.integers(0, 3), st.integers(0, 50), st.integers(0, 50)),
    ),
    max_size=40,
)


@given(ACTIONS)
def test_no_byte_of_a_run_is_lost_or_counted_twice(actions: list[tuple[object, ...]]) -> None:
    accounts = Accounts()
    accounts.begin()
    counts: dict[int, tuple[Count, Count]] = {}
    total_up, total_down = 0, 0
    for what, where, *more in actions:
        assert isinstance(where, int)
        address = ("127.0.0.1", where)
        if what == "open" and where not in counts:
            counts[where] = opened(accounts, address)
        elif what == "close":
            counts.pop(where, None)
            accounts.closed(LANE, address)
        elif what == "ask":
            accounts.assign(LANE, address, more[0])  # type: ignore[arg-type]  # hypothesis draws it
        elif what == "pass" and where in counts:
            up_bytes, down_bytes = more
            assert isinstance(up_bytes, int)
            assert isinstance(down_bytes, int)
            counts[where][0].bytes += up_bytes
            counts[where][1].bytes += down_bytes
            total_up, total_down = total_up + up_bytes, total_down + down_bytes
    booked = [accounts.bytes_of(client, LANE) for client in (None, 1, 2)]
    assert (sum(up for up, _ in booked), sum(down for _, down in booked)) == (total_up, total_down)
    assert all(up >= 0 and down >= 0 for up, down in booked)
