from __future__ import annotations

from servers.fault_clients import ClientNumbers

ANN, BEN, CAT, DAN = (("127.0.0.1", port) for port in (9, 7, 8, 6))


def test_clients_are_numbered_in_the_order_in_which_they_come() -> None:
    numbers = ClientNumbers()
    everybody = [BEN, ANN, CAT]
    assert [numbers.of(who, lambda: everybody) for who in (ANN, BEN, ANN, CAT, BEN)] == [1, 2, 1, 3, 2]


def test_who_comes_back_on_a_new_connection_takes_the_number_that_is_free() -> None:
    numbers = ClientNumbers()
    everybody = [ANN, BEN, CAT]
    for who in everybody:
        numbers.of(who, lambda: everybody)
    assert numbers.of(DAN, lambda: [ANN, CAT, DAN]) == 2
    assert numbers.of(CAT, lambda: [ANN, CAT, DAN]) == 3


def test_a_connection_that_asks_for_no_events_has_no_number() -> None:
    numbers = ClientNumbers()
    assert numbers.of(CAT, lambda: [ANN, BEN, CAT]) == 1
