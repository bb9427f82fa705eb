"""The two sockets of an open page: its messages, and the clock by which it converts its times. No relay delays them.

Each socket has its own position in the accounts, and its task reads ten times a second what is new there. So a page
that does not read delays only itself, and no queue grows.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import APIRouter, Query, WebSocket, WebSocketDisconnect

from classroom.lanes.clients import ClassroomFullError, Client
from classroom.lanes.definitions import LANES, MAX_CLIENT
from classroom.limits import MAX_CLOCK_SOCKETS, MESSAGES_PER_S, RateLimit
from classroom.runs import Run
from classroom.state import WRONG_KEY, ClassroomState, state_of

TICK_S = 0.1
DEVICE_TICK_S = 0.5
"""The period for a device of the class: it shows only figures, and there may be a hundred devices."""
_NEWS_PERIOD_NS = 1_000_000_000
_MAX_CLOCK_CHARACTERS = 64

REFUSED_CLOSE_CODE = 1008
"""Policy violation (RFC 6455, 7.4.1), with the violation as the reason; reconnecting would not help."""
UNKNOWN_CLIENT_CLOSE_CODE = 4403
"""The client number is unknown, or none was sent although one is needed: open the page again, or join first."""
_MAX_REASON_BYTES = 120

router = APIRouter()

Number = Annotated[int | None, Query(alias="client", ge=0, lt=MAX_CLIENT)]
Key = Annotated[str | None, Query(max_length=100)]


@dataclass
class _Sent:
    """What a page has been sent so far."""

    run: int = 0
    changed_ns: int | None = None
    ended: bool = True
    transports: tuple[str, ...] = ()
    auto: bool = True
    notices: list[dict[str, Any] | None] = field(default_factory=list)
    published: int = 0
    arrived: list[int] = field(default_factory=lambda: [0] * len(LANES))
    answered: list[int] = field(default_factory=lambda: [0] * len(LANES))
    written: list[int] = field(default_factory=lambda: [0] * len(LANES))

    def begin(self, run: int) -> None:
        """Record that the page has been sent nothing of this run yet."""
        self.run, self.changed_ns, self.ended, self.published = run, None, False, 0
        self.arrived, self.answered, self.written = ([0] * len(LANES) for _ in range(3))


@router.websocket("/api/live")
async def live(socket: WebSocket, client: Number = None, key: Key = None) -> None:
    """Send runs and ticks to one page; a page without a client number becomes a new client if it is a teacher's."""
    state = state_of(socket)
    await socket.accept()
    try:
        who = _enter(state, client, key)
    except PermissionError as refusal:
        await _refuse(socket, str(refusal), UNKNOWN_CLIENT_CLOSE_CODE)
        return
    except ClassroomFullError as refusal:
        await _refuse(socket, str(refusal))
        return
    who.replaced.set()
    replaced = who.replaced = asyncio.Event()
    state.attend(who, 1)
    try:
        await _serve_live(socket, state, who, replaced)
    finally:
        state.attend(who, -1)


@router.websocket("/api/clock")
async def clock(socket: WebSocket) -> None:
    """Send each text back at once with the time at which it arrived."""
    await socket.accept()
    state = state_of(socket)
    if state.clock_sockets >= MAX_CLOCK_SOCKETS:
        await _refuse(socket, f"this classroom has {MAX_CLOCK_SOCKETS} clock sockets open already")
        return
    state.clock_sockets += 1
    try:
        await _answer_clock(socket)
    finally:
        state.clock_sockets -= 1


async def _answer_clock(socket: WebSocket) -> None:
    rate = RateLimit(MESSAGES_PER_S, time.monotonic_ns())
    with contextlib.suppress(WebSocketDisconnect):
        while (text := await _next_text(socket)) is not None:
            now_ns = time.monotonic_ns()
            if len(text) > _MAX_CLOCK_CHARACTERS:
                await _refuse(socket, f"expected at most {_MAX_CLOCK_CHARACTERS} characters, not {len(text)}")
                return
            if not rate.allows(now_ns):
                await _refuse(socket, f"more than {MESSAGES_PER_S:g} messages a second")
                return
            await socket.send_text(json.dumps({"echo": text, "now_ns": now_ns}))


def _enter(state: ClassroomState, number: int | None, key: str | None) -> Client:
    teacher = state.is_teacher(key)
    if key and not teacher:
        raise PermissionError(WRONG_KEY)
    if number is None:
        if not teacher:
            raise PermissionError("join the class first: ask the teacher for the address and its code")
        return state.clients.admit(teacher=True)
    who = state.clients.get(number)
    if who is None:
        raise PermissionError("no such client is in this classroom: open the page again")
    who.teacher = who.teacher or teacher
    return who


async def _serve_live(socket: WebSocket, state: ClassroomState, who: Client, replaced: asyncio.Event) -> None:
    async with asyncio.TaskGroup() as tasks:
        sending = tasks.create_task(_send_messages(socket, state, who, replaced))
        try:
            await _receive_messages(socket, state, who)
        finally:
            sending.cancel()


async def _send_messages(socket: WebSocket, state: ClassroomState, who: Client, replaced: asyncio.Event) -> None:
    sent = _Sent(transports=who.transports, auto=state.runs.auto, notices=[None] * len(state.notices))
    news_due_ns = time.monotonic_ns()
    with contextlib.suppress(WebSocketDisconnect, OSError, RuntimeError):
        await _send(socket, hello(state, who))
        while not replaced.is_set():
            changed = state.runs.changed
            if sent.transports != who.transports:
                sent.transports = who.transports
                await _send(socket, {"type": "transports", "transports": who.transports})
            if sent.auto != state.runs.auto:
                sent.auto = state.runs.auto
                await _send(socket, {"type": "auto", "auto": sent.auto})
            for index, notice in enumerate(state.notices):
                if (message := notice(who)) != sent.notices[index]:
                    sent.notices[index] = message
                    await _send(socket, message)
            for message in _unsent(state, who, sent):
                await _send(socket, message)
            if who.teacher and time.monotonic_ns() >= news_due_ns:
                news_due_ns += _NEWS_PERIOD_NS
                for ask in state.teacher_news:
                    if (news := ask()) is not None:
                        await _send(socket, news)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), TICK_S if who.teacher else DEVICE_TICK_S)
        await _refuse(socket, "this client has connected anew, perhaps in another tab")


def hello(state: ClassroomState, who: Client) -> dict[str, Any]:
    """Return the first message to a page: the ports of the lanes, and the present run."""
    lanes = [
        {
            "transport": lane.transport,
            "label": lane.label,
            "port": port,
            "path": lane.path,
            "colour": lane.colour,
            "marker": lane.marker,
            "dash": lane.dash,
        }
        for lane, port in zip(LANES, state.addresses.lane_ports, strict=True)
    ]
    runs = state.runs
    return {
        "type": "hello",
        "client": who.number,
        "teacher": who.teacher,
        "mode": state.mode,
        "transports": who.transports,
        "lanes": lanes,
        "lesson_port": state.addresses.lesson_port,
        "auto": runs.auto,
        "instance": state.instance,
        "run": runs.current.message() if runs.current is not None and not runs.ended else None,
    }


def _unsent(state: ClassroomState, who: Client, sent: _Sent) -> list[dict[str, Any]]:
    """Return the messages that this page has not received yet, in order."""
    runs, messages = state.runs, []
    run = runs.current
    if run is None:
        return []
    if run.id != sent.run:
        if not sent.ended:
            messages.append({"type": "ended", "run": sent.run})
        if runs.ended and sent.run == 0:
            return messages  # the run was over before this page opened
        sent.begin(run.id)
        sent.changed_ns = run.changed_ns
        messages.append({"type": "run", "run": run.message()})
    elif run.changed_ns != sent.changed_ns and not sent.ended:
        sent.changed_ns = run.changed_ns
        messages.append({"type": "changed", "run": run.message()})
    if not sent.ended:
        messages.append(_tick(state, who, run, sent))
        if runs.ended:
            sent.ended = True
            messages.append({"type": "ended", "run": run.id})
    return messages


def _tick(state: ClassroomState, who: Client, run: Run, sent: _Sent) -> dict[str, Any]:
    rows = state.log.rows
    published, sent.published = rows[sent.published :], len(rows)
    lanes: dict[str, Any] = {}
    for index, lane in enumerate(LANES):
        if lane.transport not in who.transports:
            continue
        account = state.accounts.of(who.number, index)
        arrived = account.requests[sent.arrived[index] :]
        up_bytes, down_bytes = state.accounts.bytes_of(who.number, index)
        lanes[lane.transport] = {
            # A request is sent when it arrives, if it is held, and when it is answered.
            "requests": [request.row() for request in arrived if request.answered_ns is None]
            + [request.row() for request in account.answered[sent.answered[index] :]],
            "written": account.written[sent.written[index] :],
            "up_bytes": up_bytes,
            "down_bytes": down_bytes,
            "payload_bytes": account.payload_bytes,
        }
        sent.arrived[index], sent.answered[index] = len(account.requests), len(account.answered)
        sent.written[index] = len(account.written)
    return {"type": "tick", "run": run.id, "now_ns": time.monotonic_ns(), "published": published, "lanes": lanes}


async def _receive_messages(socket: WebSocket, state: ClassroomState, who: Client) -> None:
    """Handle the page's messages until it disconnects or sends an invalid one."""
    rate = RateLimit(MESSAGES_PER_S, time.monotonic_ns())
    with contextlib.suppress(WebSocketDisconnect):
        while (text := await _next_text(socket)) is not None:
            if not rate.allows(time.monotonic_ns()):
                await _refuse(socket, f"more than {MESSAGES_PER_S:g} messages a second")
                return
            try:
                _handle(state, who, text)
            except ValueError as error:
                await _refuse(socket, str(error))
                return


def _handle(state: ClassroomState, who: Client, text: str) -> None:
    """Pass a message to the function for its type; raise ValueError if there is none."""
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("a message must be JSON") from None
    if not isinstance(message, dict):
        raise ValueError("a message must be a JSON object")
    handle = state.inbound.get(str(message.get("type")))
    if handle is None:
        raise ValueError(f"no message has the type {ascii(message.get('type'))[:40]}")
    handle(who, message)


async def _next_text(socket: WebSocket) -> str | None:
    """Return the next text message; None when the page is gone or sent bytes, which close the socket."""
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        return None
    text: str | None = message.get("text")
    if text is None:
        await _refuse(socket, "expected text messages, not bytes")
    return text


async def _refuse(socket: WebSocket, why: str, code: int = REFUSED_CLOSE_CODE) -> None:
    await socket.close(code, why.encode()[:_MAX_REASON_BYTES].decode(errors="ignore"))


async def _send(socket: WebSocket, message: dict[str, Any]) -> None:
    await socket.send_text(json.dumps(message, separators=(",", ":")))
