"""The parameters of a trial: each one that a scenario can set or vary, stated once.

A scenario, the record of a trial, the options of servers and clients, and docs/using/scenarios.md all follow from
`Parameters`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Annotated, Any, Literal, Self, TypeVar, get_args, get_origin, get_type_hints

from contract.wire import MAX_HOLD_MS, MAX_PAYLOAD_CHARACTERS, MAX_SERVER_PROCESSES

Arrival = Literal["periodic", "poisson", "burst"]
ARRIVALS: tuple[Arrival, ...] = get_args(Arrival)
Stack = Literal["fastapi", "asgi"]
Compression = Literal["off", "deflate"]
Headers = Literal["lean", "padded"]
Phase = Literal["spread", "locked"]
Pacing = Literal["schedule", "pause"]
Replica = Literal["a", "b"]
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Number:
    """A number within bounds, both included."""

    low: float
    high: float
    whole: bool = False

    @property
    def expected(self) -> str:
        """The accepted values in words."""
        return f"a{' whole' if self.whole else ''} number from {self.low:.15g} to {self.high:.15g}"

    @property
    def schema(self) -> dict[str, Any]:
        """The accepted values as a JSON Schema."""
        return {"type": "integer" if self.whole else "number", "minimum": self.low, "maximum": self.high}

    def accepts(self, value: object) -> bool:
        """Return whether `value` is a number within the bounds; true and false are not numbers here."""
        kinds = int if self.whole else (int, float)
        return isinstance(value, kinds) and not isinstance(value, bool) and self.low <= value <= self.high


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words."""

    words: tuple[str, ...]

    @property
    def expected(self) -> str:
        """The accepted values in words."""
        return "one of " + ", ".join(f'"{word}"' for word in self.words)

    @property
    def schema(self) -> dict[str, Any]:
        """The accepted values as a JSON Schema."""
        return {"enum": list(self.words)}

    def accepts(self, value: object) -> bool:
        """Return whether `value` is one of the words."""
        return value in self.words


@dataclass(frozen=True, slots=True)
class Switch:
    """True or false."""

    @property
    def expected(self) -> str:
        """The accepted values in words."""
        return "true or false"

    @property
    def schema(self) -> dict[str, Any]:
        """The accepted values as a JSON Schema."""
        return {"type": "boolean"}

    def accepts(self, value: object) -> bool:
        """Return whether `value` is true or false."""
        return isinstance(value, bool)


_NAME = "[A-Za-z0-9_-]{1,40}"


@dataclass(frozen=True, slots=True)
class Name:
    """A name that fits into tables and cannot be a path."""

    @property
    def expected(self) -> str:
        """The accepted values in words."""
        return "a name of at most 40 letters, digits, - and _"

    @property
    def schema(self) -> dict[str, Any]:
        """The accepted values as a JSON Schema."""
        return {"type": "string", "pattern": f"^{_NAME}$"}

    def accepts(self, value: object) -> bool:
        """Return whether `value` is such a name."""
        return isinstance(value, str) and re.fullmatch(_NAME, value) is not None


Rule = Number | Choice | Switch | Name

_POLLS = ("short_poll", "long_poll")


@dataclass(frozen=True, slots=True)
class Parameter:
    """The values that a parameter accepts, its meaning, and the transports that have it."""

    rule: Rule
    meaning: str
    only_for: tuple[str, ...] = ()
    """Models and roles (contract/transports.py) of the transports that have this parameter; empty: all transports."""
    without_effect: bool = False
    """Whether it only distinguishes two identical points, to measure the noise; absent unless a scenario sets it."""
    server_option: bool = False
    """Whether `python -m servers` has an option of this name, which a trial passes to it."""
    of_servers: bool = False
    """Whether its value comes from the scenario's table of servers instead of its parameters."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Parameters(Mapping[str, Any]):
    """The parameters of a trial: all of them as attributes, those that its record states as a mapping.

    A record must state each field without a default. A field with the default None must be stated for transports that
    have the parameter, and is None for all others.
    """

    clients: Annotated[
        int, Parameter(Number(1, 100_000, whole=True), "clients of each trial; each receives every event")
    ]
    rate_per_s: Annotated[float, Parameter(Number(0.01, 100_000), "events per second")]
    arrival: Annotated[
        Arrival,
        Parameter(
            Choice(ARRIVALS), "when events are due: at even distances, as a Poisson process, or in bursts of ten"
        ),
    ]
    payload_bytes: Annotated[
        int, Parameter(Number(0, MAX_PAYLOAD_CHARACTERS, whole=True), "characters of payload per event")
    ]
    one_way_delay_ms: Annotated[
        float, Parameter(Number(0, 10_000), "network delay each way, emulated by a relay; 0 is bare loopback")
    ]
    warm_up_s: Annotated[
        float,
        Parameter(Number(0, 600), "time before the measured window; longer where clients poll less often than that"),
    ]
    measured_s: Annotated[float, Parameter(Number(0.1, 3600), "length of the measured window")]
    poll_interval_s: Annotated[
        float | None, Parameter(Number(0.005, 600), "time between the polls of a client", only_for=("short_poll",))
    ] = None
    hold_s: Annotated[
        float | None,
        Parameter(
            Number(0.05, MAX_HOLD_MS / 1000),
            "longest time that the server holds a poll while there is no event",
            only_for=("long_poll",),
        ),
    ] = None
    stack: Annotated[
        Stack,
        Parameter(
            Choice(get_args(Stack)),
            "the server: FastAPI, or plain ASGI without a framework on the measured path",
            server_option=True,
        ),
    ] = "fastapi"
    server_processes: Annotated[
        int,
        Parameter(
            Number(1, MAX_SERVER_PROCESSES, whole=True),
            "processes of the server, each with the whole stream",
            server_option=True,
        ),
    ] = 1
    compression: Annotated[
        Compression,
        Parameter(
            Choice(get_args(Compression)), "compression of WebSocket messages and of HTTP answers", server_option=True
        ),
    ] = "off"
    headers: Annotated[
        Headers,
        Parameter(
            Choice(get_args(Headers)),
            "request headers: as few as possible, or padded to 871 characters per poll",
            only_for=("polling",),
            server_option=True,
        ),
    ] = "lean"
    keep_alive: Annotated[
        bool,
        Parameter(Switch(), "whether polls keep their connection; false: each on a new connection", only_for=_POLLS),
    ] = True
    cursor: Annotated[
        bool,
        Parameter(
            Switch(),
            "whether polls send the last event that they have; false loses events, and makes the run INVALID",
            only_for=_POLLS,
        ),
    ] = True
    phase: Annotated[
        Phase,
        Parameter(
            Choice(get_args(Phase)),
            "clients poll spread evenly over the interval, or all at the same time",
            only_for=("short_poll",),
        ),
    ] = "spread"
    pacing: Annotated[
        Pacing,
        Parameter(
            Choice(get_args(Pacing)),
            "polls follow a fixed schedule, or each comes one interval after the last answer",
            only_for=("short_poll",),
        ),
    ] = "schedule"
    turnaround_jitter_ms: Annotated[
        float,
        Parameter(
            Number(0, 1000),
            "largest random time that a client waits after an answer before it asks again",
            only_for=("long_poll",),
        ),
    ] = 0
    replica: Annotated[
        Replica | None,
        Parameter(
            Choice(get_args(Replica)),
            "tells two otherwise identical points apart, to measure the noise",
            without_effect=True,
        ),
    ] = None
    server: Annotated[
        str | None,
        Parameter(Name(), "which of the scenario's servers was measured", of_servers=True),
    ] = None
    stated: tuple[str, ...]
    """Names of the parameters that the record states, in its order: those of the transport, and others of the
    scenario."""
    others: Mapping[str, Any]
    """Values of stated parameters that this version does not know; they distinguish points like all others."""

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """Build parameters from the values that a record states; the others have their defaults."""
        known = {name: value for name, value in values.items() if name in PARAMETERS}
        others = {name: value for name, value in values.items() if name not in PARAMETERS}
        return cls(**known, stated=tuple(values), others=others)

    def replace(self, **values: Any) -> Self:
        """Return a copy with these values, which count as stated."""
        return self.of({**self, **values})

    def without(self, *names: str) -> Self:
        """Return a copy in which these parameters are not stated."""
        return self.of({name: value for name, value in self.items() if name not in names})

    @property
    def longest_wait_for_poll_s(self) -> float:
        """The longest time until a client's next scheduled poll, s; 0 if its transport has no schedule."""
        return 0.0 if self.poll_interval_s is None else self.poll_interval_s

    def __getitem__(self, name: str) -> Any:
        if name not in self.stated:
            raise KeyError(name)
        return self.others[name] if name in self.others else getattr(self, name)

    def __iter__(self) -> Iterator[str]:
        return iter(self.stated)

    def __len__(self) -> int:
        return len(self.stated)

    def __str__(self) -> str:
        return str(dict(self))

    def __hash__(self) -> int:
        return hash(frozenset(self.items()))

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: Any) -> Any:
        """Make pydantic build parameters with `of`; their values were checked when the record was read."""
        from pydantic_core import core_schema  # noqa: PLC0415 (only what reads records has loaded it)

        return core_schema.no_info_plain_validator_function(cls.of)

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: Any, _handler: Any) -> dict[str, Any]:
        """Return the JSON Schema of an object with a description for each parameter."""
        properties = {name: {**each.rule.schema, "description": each.meaning} for name, each in PARAMETERS.items()}
        return {"type": "object", "properties": properties, "required": list(REQUIRED)}


def _annotated_parameters() -> dict[str, Parameter]:
    hints = get_type_hints(Parameters, include_extras=True)
    return {name: get_args(hint)[1] for name, hint in hints.items() if get_origin(hint) is Annotated}


def required(value: _Value | None) -> _Value:
    """Return the value of a parameter that is None for some transports, but not for the one at hand."""
    assert value is not None, "a parameter that the transport must have is None"
    return value


def server_option(parameter: str) -> str:
    """Return the option of `python -m servers` that sets a parameter."""
    return f"--{parameter.replace('_', '-')}"


PARAMETERS: Mapping[str, Parameter] = _annotated_parameters()
"""Each parameter by its name, in the order of documents and records."""

_FIELD_DEFAULTS = {field.name: field.default for field in fields(Parameters) if field.name in PARAMETERS}

REQUIRED: tuple[str, ...] = tuple(name for name, default in _FIELD_DEFAULTS.items() if default is MISSING)
"""Names of the parameters that the record of every trial states."""

DEFAULTS: Mapping[str, Any] = {
    name: default for name, default in _FIELD_DEFAULTS.items() if PARAMETERS[name].rule.accepts(default)
}
"""The default values by the parameters' names; a scenario must set all parameters without a default."""

SERVER_OPTIONS: tuple[str, ...] = tuple(name for name, parameter in PARAMETERS.items() if parameter.server_option)
"""Names of the parameters that are options of `python -m servers`."""

SCENARIO_PARAMETERS: tuple[str, ...] = tuple(n for n, parameter in PARAMETERS.items() if not parameter.of_servers)
"""Names of the parameters that a scenario sets or varies directly, not through its table of servers."""

FORMER_NAMES: Mapping[str, str] = {"workers": "server_processes"}
"""The present name of each parameter that has another name in records and scenarios of earlier versions."""

SERVER_PARAMETERS: tuple[str, ...] = ("stack", "server_processes")
"""Names of the parameters that are not known for a server that was already running."""

WITHOUT_EFFECT: tuple[str, ...] = tuple(name for name, parameter in PARAMETERS.items() if parameter.without_effect)
"""Names of the parameters that only distinguish identical points."""
