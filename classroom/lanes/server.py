"""A lane: the transport's own server on a loopback port, and the relay before it that delays and counts."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from starlette.types import ASGIApp

from classroom.allowed_hosts import Addresses
from classroom.lanes.accounts import Accounts, Address
from classroom.lanes.clients import Clients
from classroom.lanes.definitions import LANES
from classroom.lanes.guard import LaneGuard
from classroom.limits import MAX_CONNECTIONS
from servers.api.app import assemble
from servers.events.hub import EventHub
from servers.hosting.listening import listen
from servers.hosting.uvicorn_server import served
from servers.relay.delay_relay import DelayRelay, Received

_LOOPBACK = "127.0.0.1"


class LaneObserver:
    """Records the connections of one lane's relay."""

    def __init__(self, accounts: Accounts, lane: int) -> None:
        self._opened = partial(accounts.opened, lane)
        self._closed = partial(accounts.closed, lane)

    def connected(self, address: Address, up: Received, down: Received) -> None:
        """Record a new connection."""
        self._opened(address, up, down)

    def disconnected(self, address: Address) -> None:
        """Record the end of a connection."""
        self._closed(address)


def lane_app(hub: EventHub, index: int, addresses: Addresses, clients: Clients, accounts: Accounts) -> ASGIApp:
    """Return the app of one lane over the shared hub, behind its guard."""
    lane = LANES[index]
    app = assemble((lane.adapter,), hub, f"push-vs-poll classroom: {lane.label}")
    return LaneGuard(app, index, addresses, clients, accounts)


@asynccontextmanager
async def serving_lane(
    app: ASGIApp, upstream: socket.socket, public: socket.socket, relay: DelayRelay
) -> AsyncIterator[None]:
    """Serve a lane's app on `upstream`, reached through the relay that listens on `public`."""
    # The classroom runs the shared hub, not the lifespan of each app.
    async with served(app, upstream, lifespan="off"):
        await relay.start(public)
        try:
            yield
        finally:
            await relay.stop()


def create_relay(accounts: Accounts, index: int, upstream: socket.socket, one_way_delay_ms: float) -> DelayRelay:
    """Return the relay of a lane, whose bytes are counted in the accounts."""
    return DelayRelay(upstream.getsockname()[:2], one_way_delay_ms, LaneObserver(accounts, index), MAX_CONNECTIONS)


def upstream_listener() -> socket.socket:
    """Return a listening socket for a lane's own server, on a free loopback port."""
    return listen(_LOOPBACK, 0)
