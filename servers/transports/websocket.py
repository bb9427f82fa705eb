"""WebSocket: one text frame per event, a loop over the log; and an echo, for messages in both directions."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI, WebSocket, WebSocketDisconnect

from contract import wire
from servers.api.app import Adapter, assemble
from servers.api.cursor import After
from servers.events.hub import EventHub, hub_of
from servers.events.log import CursorTooOldError, EncodedEvent
from servers.events.trace import delivery_recorder

UNSUPPORTED_DATA_CLOSE_CODE = 1003

router = APIRouter()


@router.websocket(wire.WEBSOCKET_PATH)
async def events(socket: WebSocket, after: After = 0) -> None:
    """Send every event after the cursor when it is published. What the client sends is ignored."""
    hub = hub_of(socket)
    await socket.accept()
    try:
        follower = hub.log.follow(after)
    except CursorTooOldError as error:
        await socket.close(wire.CURSOR_TOO_OLD_CLOSE_CODE, str(error))
        return

    async def send_event(event: EncodedEvent) -> None:
        await socket.send_text(event.text)

    async def until_closed() -> None:
        while (await socket.receive())["type"] != "websocket.disconnect":
            pass

    record = delivery_recorder(hub.trace, socket)
    await hub.channels.serve(follower, socket.scope, send_event, until_closed, record=record)


@router.websocket(wire.WEBSOCKET_ECHO_PATH)
async def echo(socket: WebSocket) -> None:
    """Send each text message back. The next one is read only when this one is sent, so that no queue builds up."""
    await socket.accept()
    try:
        while (message := await socket.receive())["type"] == "websocket.receive":
            text = message.get("text")
            if text is None:
                await socket.close(UNSUPPORTED_DATA_CLOSE_CODE, "only text messages are echoed")
                return
            await socket.send_text(text)
    except WebSocketDisconnect:
        pass  # the client has disconnected before its message was sent back


ADAPTER = Adapter(title="push-vs-poll: WebSocket", transports=("websocket", "echo_websocket"), routers=(router,))


def create_app(hub: EventHub | None = None) -> FastAPI:
    """Return the app that offers the event channel and the echo channel."""
    return assemble((ADAPTER,), hub)
