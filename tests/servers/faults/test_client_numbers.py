from __future__ import annotations

import asyncio

from starlette.types import Message, Receive, Scope, Send

from servers.faults.client_numbers import NO_CLIENT, Address, ClientNumbers, IdentifyClients, current_visit

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


def test_a_client_that_was_gone_before_its_address_was_asked_takes_no_number() -> None:
    numbers: list[int] = []

    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        numbers.append(current_visit.get().client)

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(_message: Message) -> None:
        raise AssertionError("nobody is there to read it")

    async def scenario() -> None:
        told_apart = IdentifyClients(app, connected=lambda: [ANN, BEN])
        addresses: list[Address | None] = [ANN, None, BEN, None]
        for address in addresses:
            for kind, path in (("http", "/sse"), ("websocket", "/ws")):
                await told_apart({"type": kind, "path": path, "client": address}, receive, send)

    asyncio.run(scenario())
    assert numbers == [number for number in (1, NO_CLIENT, 2, NO_CLIENT) for _ in range(2)]
