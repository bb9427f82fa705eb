"""Opens a classroom in one process and one event loop: takes its ports, builds its parts, and closes them again."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager

from classroom.access import file_of, keep_access, read_access
from classroom.allowed_hosts import Addresses
from classroom.joining import kept_vote
from classroom.lanes.accounts import Accounts
from classroom.lanes.clients import Clients
from classroom.lanes.definitions import LANES
from classroom.lanes.guard import AccountedTrace
from classroom.lanes.server import create_relay, lane_app, serving_lane, upstream_listener
from classroom.lesson.server import serving_lesson
from classroom.limits import MAX_MESSAGE_BYTES
from classroom.page.app import create_app
from classroom.published_events import RecordingLog
from classroom.run_settings import RunSettings
from classroom.runs import Runs
from classroom.state import ClassroomState
from servers.events.hub import EventHub
from servers.hosting.listening import StartError, listen
from servers.hosting.uvicorn_server import served
from system.runtime_folder import private_runtime_folder

PORTS = len(LANES) + 2
"""The number of ports: the page's, one per lane, and the lesson's, in this order."""

_LIVE_PING_S = 20.0
"""Period of pings, by which phones that left without closing their connection are detected."""


@asynccontextmanager
async def open_classroom(host: str, port: int) -> AsyncIterator[ClassroomState]:
    """Open a classroom with its page on `port`, its lanes and its lesson on the ports after it.

    Port 0 means any free ports. Raise StartError if that fails.
    """
    with ExitStack() as sockets, ExitStack() as inner:
        page, *lanes, lesson = [sockets.enter_context(one) for one in take_ports(host, port)]
        upstreams = [inner.enter_context(upstream_listener()) for _ in LANES]
        accounts, log = Accounts(), RecordingLog()
        delay_ms = RunSettings().one_way_delay_ms
        relays = [create_relay(accounts, index, upstream, delay_ms) for index, upstream in enumerate(upstreams)]
        hub = EventHub(log=log)
        addresses = Addresses(host, _port(page), tuple(_port(lane) for lane in lanes), _port(lesson), _own_names())
        clients = Clients()
        state = ClassroomState(addresses, log, accounts, clients, Runs(hub, accounts, relays))
        if port and not addresses.solo:
            _take_up_access(state)
        hub.trace = AccountedTrace(log, accounts)
        async with AsyncExitStack() as running:
            for index, (public, upstream, relay) in enumerate(zip(lanes, upstreams, relays, strict=True)):
                app = lane_app(hub, index, addresses, clients, accounts)
                await running.enter_async_context(serving_lane(app, upstream, public, relay))
            await running.enter_async_context(serving_lesson(addresses, state.lesson, lesson, delay_ms))
            # The hub ends before the lanes, so that no client waits for an event when its lane's server closes.
            await running.enter_async_context(hub.running())
            app = create_app(state)
            await running.enter_async_context(
                served(
                    app,
                    page,
                    lifespan="off",
                    ws_max_size=MAX_MESSAGE_BYTES,
                    ws_ping_interval=_LIVE_PING_S,
                )
            )
            try:
                yield state
            finally:
                state.runs.stop()


def _take_up_access(state: ClassroomState) -> None:
    """Take over key, code and vote of the last classroom on the port, so that its pages and devices can reconnect."""
    folder = private_runtime_folder("push-vs-poll")
    if folder is None:
        return
    port = state.addresses.page_port
    file = file_of(folder, port)
    state.access = read_access(file) or state.access
    state.is_access_kept = keep_access(file, state.access)
    if state.is_access_kept:
        state.vote_file = kept_vote.file_of(folder, port)


def take_ports(host: str, port: int) -> Sequence[socket.socket]:
    """Return listening sockets on `PORTS` consecutive ports from `port`, or on any free ones for 0.

    Raise StartError if one of them is not free; then none stays open.
    """
    with ExitStack() as taken:
        try:
            listeners = [taken.enter_context(listen(host, port + offset if port else 0)) for offset in range(PORTS)]
        except StartError as error:
            needed = f"the classroom takes the ports {port} to {port + PORTS - 1}"
            raise StartError(f"{error} ({needed})" if port else str(error)) from error
        taken.pop_all()
        return listeners


def _port(listener: socket.socket) -> int:
    port: int = listener.getsockname()[1]
    return port


def _own_names() -> frozenset[str]:
    name = socket.gethostname().lower()
    return frozenset({name, f"{name}.local"})
