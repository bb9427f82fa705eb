"""The four lanes of the classroom: which transport each is, where its port and path are, and how it is drawn.

Labels, colours and dashes are those of the harness's registry, so that a class sees the same signs on the page and in
a report; a test compares the two.
"""

from __future__ import annotations

from dataclasses import dataclass

from contract import wire
from servers.api.app import Adapter
from servers.transports import polling, sse, websocket


@dataclass(frozen=True, slots=True)
class Lane:
    """One transport of the page."""

    transport: str
    label: str
    path: str
    """The only path that its port answers on."""
    adapter: Adapter
    model: str
    """Which of `analysis.models` predicts it."""
    polls: bool
    """Whether the client asks again and again, so that requests carry a cursor."""
    colour: str
    marker: str
    dash: tuple[float, ...]
    """On and off lengths; empty for a solid line."""


LANES = (
    Lane("websocket", "WebSocket", wire.WEBSOCKET_PATH, websocket.ADAPTER, "push", False, "#0072B2", "circle", ()),
    Lane("sse", "SSE", wire.SSE_PATH, sse.ADAPTER, "push", False, "#009E73", "triangle", (6, 2)),
    Lane(
        "long_poll", "Long poll", wire.LONG_POLL_PATH, polling.ADAPTER, "long_poll", True,
        "#E69F00", "square", (4, 1.5, 1, 1.5),
    ),
    Lane(
        "short_poll", "Short poll", wire.SHORT_POLL_PATH, polling.ADAPTER, "short_poll", True,
        "#D55E00", "cross", (2, 1.5),
    ),
)  # fmt: skip
"""In the order of the page, of the ports and of the numbers by which clients name themselves."""

TRANSPORTS = tuple(lane.transport for lane in LANES)

MAX_CLIENT = 2**47
"""Clients are numbers below this: times the number of lanes they still fit into the 15 digits of the servers' trace."""


def wire_number(client: int, lane: int) -> int:
    """How a client names itself on the lane with this index."""
    return client * len(LANES) + lane


def client_and_lane(number: int) -> tuple[int, int]:
    """Inverse of `wire_number`."""
    return divmod(number, len(LANES))
