"""The registry: every transport that the harness knows, and what the transports of one kind have in common.

Adding a transport is an app in `servers/`, a client in `loadtests/clients/` and one entry here. Nothing else names a
transport: a run writes each one's style into run.json, and the analysis reads it there.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

from contract.parameters import DEFAULTS, PARAMETERS, Parameter, Parameters

Role = Literal["persistent", "polling"]


@dataclass(frozen=True, slots=True)
class Kind:
    """What all transports have in common that one model predicts (`analysis.models`)."""

    pushes: bool = False
    """The server sends each event without a request for it."""
    polls_at_intervals: bool = False
    """Clients poll at times that do not depend on the events."""
    server_holds: bool = False
    """The server holds a request until there is something to answer."""
    clients_send: bool = False
    """Clients send messages and wait for their echoes: the server's stream of events is not used."""
    connects_each_time: bool = False
    """Each message opens a connection of its own."""


KINDS: dict[str, Kind] = {
    "push": Kind(pushes=True),
    "short_poll": Kind(polls_at_intervals=True),
    "long_poll": Kind(server_holds=True),
    "round_trip": Kind(clients_send=True),
    "round_trip_new_connection": Kind(clients_send=True, connects_each_time=True),
}


@dataclass(frozen=True, slots=True)
class TransportStyle:
    """How the analysis names, models and draws a transport."""

    name: str
    label: str
    role: Role
    model: str
    """The name of its kind in KINDS."""
    colour: str
    """An Okabe-Ito colour, which colour-blind readers can distinguish."""
    marker: str
    dash: tuple[float, ...]
    """On and off lengths in points; empty for a solid line."""

    @property
    def kind(self) -> Kind:
        """The properties of its kind."""
        return KINDS[self.model]

    @property
    def required_parameters(self) -> tuple[str, ...]:
        """Names of its parameters without a default, which the record of each of its trials has."""
        return tuple(
            name
            for name, parameter in PARAMETERS.items()
            if name not in DEFAULTS and not (parameter.without_effect or parameter.of_servers) and self._has(parameter)
        )

    def _has(self, parameter: Parameter) -> bool:
        return not parameter.only_for or bool({self.model, self.role} & set(parameter.only_for))

    @property
    def polling(self) -> bool:
        """Whether clients send HTTP requests, one at a time, rather than keep one channel open."""
        return self.role == "polling"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transport(TransportStyle):
    """One way to deliver events, as the harness starts, drives, models and draws it."""

    server: str
    """`python -m servers <server>` starts the app that offers this transport."""
    client: str
    """`module:class` of the Sans-I/O client below `loadtests.clients`."""

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters that this transport has, but not every transport."""
        return tuple(name for name, p in PARAMETERS.items() if p.only_for and self._has(p))

    def select(self, parameters: Parameters) -> Parameters:
        """Return the parameters without those that only other transports have."""
        return parameters.without(*(name for name in OWN_PARAMETERS if name not in self.parameters))

    @property
    def style(self) -> TransportStyle:
        """The fields that a run records and the analysis reads."""
        return TransportStyle(**{field.name: getattr(self, field.name) for field in fields(TransportStyle)})


OWN_PARAMETERS = frozenset(name for name, parameter in PARAMETERS.items() if parameter.only_for)
"""Names of the parameters that not every transport has."""

_BLUE, _GREEN, _ORANGE, _VERMILLION = "#0072B2", "#009E73", "#E69F00", "#D55E00"
_SOLID: tuple[float, ...] = ()
_DASHED, _DASH_DOTTED, _DOTTED = (6, 2), (4, 1.5, 1, 1.5), (2, 1.5)

TRANSPORTS: dict[str, Transport] = {
    transport.name: transport
    for transport in (
        Transport(
            name="websocket",
            label="WebSocket",
            role="persistent",
            model="push",
            server="websocket",
            client="websocket:WebSocketClient",
            colour=_BLUE,
            marker="o",
            dash=_SOLID,
        ),
        Transport(
            name="sse",
            label="SSE",
            role="persistent",
            model="push",
            server="sse",
            client="sse:SseClient",
            colour=_GREEN,
            marker="^",
            dash=_DASHED,
        ),
        Transport(
            name="long_poll",
            label="Long poll",
            role="polling",
            model="long_poll",
            server="polling",
            client="polling:LongPollClient",
            colour=_ORANGE,
            marker="s",
            dash=_DASH_DOTTED,
        ),
        Transport(
            name="short_poll",
            label="Short poll",
            role="polling",
            model="short_poll",
            server="polling",
            client="polling:ShortPollClient",
            colour=_VERMILLION,
            marker="X",
            dash=_DOTTED,
        ),
        Transport(
            name="echo_websocket",
            label="WebSocket echo",
            role="persistent",
            model="round_trip",
            server="websocket",
            client="echo:WebSocketEchoClient",
            colour=_BLUE,
            marker="o",
            dash=_SOLID,
        ),
        Transport(
            name="echo_post",
            label="POST echo, keep-alive",
            role="polling",
            model="round_trip",
            server="polling",
            client="echo:PostEchoClient",
            colour=_ORANGE,
            marker="s",
            dash=_DASH_DOTTED,
        ),
        Transport(
            name="echo_post_new",
            label="POST echo, new connection",
            role="polling",
            model="round_trip_new_connection",
            server="polling",
            client="echo:NewConnectionEchoClient",
            colour=_VERMILLION,
            marker="X",
            dash=_DOTTED,
        ),
    )
}
