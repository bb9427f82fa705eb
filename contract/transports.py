"""The registry: every transport the harness knows, by name.

Adding one is a server app in `servers/transports/`, a client in `loadtests/clients/` and one entry here. Nothing else
names a transport: a run writes label, colour, marker and model of each into run.json, and the analysis reads them
there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Model = Literal["push", "short_poll", "long_poll", "round_trip", "round_trip_new_connection"]
Role = Literal["persistent", "polling"]


@dataclass(frozen=True, slots=True)
class Transport:
    """One way to carry events, as the harness starts, drives, models and draws it."""

    name: str
    label: str
    role: Role
    server: str
    """`python -m servers <server>` starts the app that offers it."""
    client: str
    """`module:class` of the Sans-I/O client below `loadtests.clients`."""
    model: Model
    """Which closed form of docs/method/method.md predicts it."""
    colour: str
    """Okabe-Ito, told apart by the colour-blind."""
    marker: str
    dash: tuple[float, ...]
    """On and off lengths in points; empty for a solid line."""
    parameters: tuple[str, ...] = ()
    """Scenario parameters that not every transport takes, but this one does."""

    @property
    def clients_send(self) -> bool:
        """The clients themselves are the source of events (messages up and back), not the server's stream."""
        return self.model.startswith("round_trip")

    @property
    def server_holds(self) -> bool:
        """The server holds its requests until there is something to answer."""
        return self.model == "long_poll"


_BLUE, _GREEN, _ORANGE, _VERMILLION = "#0072B2", "#009E73", "#E69F00", "#D55E00"

TRANSPORTS: dict[str, Transport] = {
    transport.name: transport
    for transport in (
        Transport(
            "websocket", "WebSocket", "persistent", "websocket", "websocket:WebSocketClient", "push", _BLUE, "o", (),
        ),
        Transport("sse", "SSE", "persistent", "sse", "sse:SseClient", "push", _GREEN, "^", (6, 2)),
        Transport(
            "long_poll", "Long poll", "polling", "polling", "polling:LongPollClient", "long_poll",
            _ORANGE, "s", (4, 1.5, 1, 1.5), ("hold_s", "headers", "keep_alive", "cursor", "turnaround_jitter_ms"),
        ),
        Transport(
            "short_poll", "Short poll", "polling", "polling", "polling:ShortPollClient", "short_poll",
            _VERMILLION, "X", (2, 1.5),
            ("poll_interval_s", "headers", "keep_alive", "cursor", "phase", "pacing"),
        ),
        Transport(
            "echo_websocket", "WebSocket echo", "persistent", "websocket", "echo:WebSocketEchoClient", "round_trip",
            _BLUE, "o", (),
        ),
        Transport(
            "echo_post", "POST echo, keep-alive", "polling", "polling", "echo:PostEchoClient", "round_trip",
            _ORANGE, "s", (4, 1.5, 1, 1.5), ("headers",),
        ),
        Transport(
            "echo_post_new", "POST echo, new connection", "polling", "polling", "echo:NewConnectionEchoClient",
            "round_trip_new_connection", _VERMILLION, "X", (2, 1.5), ("headers",),
        ),
    )
}  # fmt: skip
