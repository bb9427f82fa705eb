"""The four lanes of the classroom: the transport of each, and its port and path.

Names and styles of lanes come from the harness's registry, so that a class sees the same signs on the page and in a
report.
"""

from __future__ import annotations

from dataclasses import dataclass

from contract import wire
from contract.transports import TRANSPORTS as REGISTRY
from servers.api.app import Adapter
from servers.transports import polling, sse, websocket

_MARKER_NAMES = {"o": "circle", "^": "triangle", "s": "square", "X": "cross"}
"""The page's names for the registry's markers, which are matplotlib's."""


@dataclass(frozen=True, slots=True)
class Lane:
    """One transport of the page."""

    transport: str
    label: str
    path: str
    """The only path that its port answers on."""
    adapter: Adapter
    model: str
    """The kind of model in `analysis.models` that predicts it."""
    polls: bool
    """Whether the client asks again and again, so that requests carry a cursor."""
    colour: str
    marker: str
    dash: tuple[float, ...]
    """On and off lengths; empty for a solid line."""


def _lane(transport: str, path: str, adapter: Adapter) -> Lane:
    known = REGISTRY[transport]
    return Lane(
        transport=transport,
        label=known.label,
        path=path,
        adapter=adapter,
        model=known.model,
        polls=known.polling,
        colour=known.colour,
        marker=_MARKER_NAMES[known.marker],
        dash=known.dash,
    )


LANES = (
    _lane("websocket", wire.WEBSOCKET_PATH, websocket.ADAPTER),
    _lane("sse", wire.SSE_PATH, sse.ADAPTER),
    _lane("long_poll", wire.LONG_POLL_PATH, polling.ADAPTER),
    _lane("short_poll", wire.SHORT_POLL_PATH, polling.ADAPTER),
)
"""In the order of the page, of the ports and of the lane's part in clients' numbers on the wire."""

TRANSPORTS = tuple(lane.transport for lane in LANES)

MAX_CLIENT = 2**47
"""Client numbers are below this: times the number of lanes, they still fit into the 15 digits of the servers' trace."""


def wire_number(client: int, lane: int) -> int:
    """Return the number that a client sends on the lane with this index."""
    return client * len(LANES) + lane


def client_and_lane(number: int) -> tuple[int, int]:
    """Return client and lane of such a number, the inverse of `wire_number`."""
    return divmod(number, len(LANES))
