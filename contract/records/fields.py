"""The values that the free-form fields of a run's JSON documents may hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import get_args

from contract import parameters
from contract.errors import UserError
from contract.parameters import Choice, Name, Number, Switch
from contract.records.documents import JsonObject
from contract.records.workers import COMPLETE, WORKER_ENDS
from contract.times import parse_time
from contract.transports import KINDS, Role

MAX_TIME_NS = 2**62
"""The largest time or span, 146 years: the difference of two of them fits into 64 bits."""
MAX_TRIALS = 1_000_000
MAX_WORKERS = 10_000
_SHOWN_CHARACTERS = 80


@dataclass(frozen=True, slots=True)
class Text:
    """Any text."""

    expected = "a text"

    def accepts(self, value: object) -> bool:
        """Return whether `value` is a text."""
        return isinstance(value, str)


@dataclass(frozen=True, slots=True)
class Time:
    """A time of day."""

    expected = "an ISO 8601 time with its offset from UTC"

    def accepts(self, value: object) -> bool:
        """Return whether `value` is an ISO 8601 time with its offset from UTC."""
        try:
            return isinstance(value, str) and parse_time(value) is not None
        except ValueError:
            return False


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of a few numbers."""

    numbers: tuple[int, ...]

    @property
    def expected(self) -> str:
        """The accepted values in words."""
        return " or ".join(map(str, self.numbers))

    def accepts(self, value: object) -> bool:
        """Return whether `value` is one of the numbers."""
        return value in self.numbers and not isinstance(value, bool)


@dataclass(frozen=True, slots=True)
class Scalar:
    """A text, a number, true or false."""

    expected = "a text, a number, true or false"

    def accepts(self, value: object) -> bool:
        """Return whether `value` is a text, a number, true or false."""
        return isinstance(value, str | int | float)


@dataclass(frozen=True, slots=True)
class Nullable:
    """Null, or a value that a rule accepts."""

    rule: Rule


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list of at least `least` and at most `most` items, each of which a rule accepts."""

    rule: Rule
    least: int = 0
    most: int = MAX_TRIALS

    @property
    def expected(self) -> str:
        """The accepted values in words."""
        return f"a list of {self.least}{'' if self.least == self.most else f' to {self.most}'} items"

    def accepts(self, value: object) -> bool:
        """Return whether `value` is a list of that length, whatever its items are."""
        return isinstance(value, list) and self.least <= len(value) <= self.most


@dataclass(frozen=True, slots=True)
class Fields:
    """An object: the rules of its known fields, one for all others (None: anything), and the required fields."""

    rules: Mapping[str, Rule]
    others: Rule | None = None
    required: tuple[str, ...] = field(default=())

    expected = "an object"

    def accepts(self, value: object) -> bool:
        """Return whether `value` is an object, whatever its fields are."""
        return isinstance(value, dict)


Rule = Number | Choice | Switch | Name | Text | Time | OneOf | Scalar | Nullable | ListOf | Fields


def check_fields(document: JsonObject, rule: Fields, path: Path) -> None:
    """Raise UserError for the first field that is missing or holds a value its rule does not accept."""
    for sentence in field_errors(document, rule):
        raise UserError(f"{path}: {sentence}")


def field_errors(value: object, rule: Rule, where: str = "") -> Iterator[str]:
    """Yield a sentence for each field, or part of it, whose value its rule does not accept."""
    if isinstance(rule, Nullable):
        if value is not None:
            yield from field_errors(value, rule.rule, where)
    elif not rule.accepts(value):
        yield f"{where}: expected {rule.expected}, not {ascii(value)[:_SHOWN_CHARACTERS]}"
    elif isinstance(rule, ListOf) and isinstance(value, list):
        for index, item in enumerate(value):
            yield from field_errors(item, rule.rule, f"{where}.{index}")
    elif isinstance(rule, Fields) and isinstance(value, dict):
        prefix = f"{where}." if where else ""
        for name in rule.required:
            if name not in value:
                yield f"lacks {prefix}{name}"
        for name, item in value.items():
            if (own := rule.rules.get(name, rule.others)) is not None:
                yield from field_errors(item, own, f"{prefix}{name}")


_WHOLE = Number(0, MAX_TRIALS, whole=True)
_TIME_NS = Number(-MAX_TIME_NS, MAX_TIME_NS, whole=True)
_SPAN_NS = Number(-MAX_TIME_NS, MAX_TIME_NS)
_AMOUNT = Number(0, MAX_TIME_NS)
_CORES = ListOf(Number(0, 100_000, whole=True), least=1)

_RULES: dict[str, Rule] = {name: parameter.rule for name, parameter in parameters.PARAMETERS.items()}
PARAMETERS = Fields(
    _RULES,
    others=Scalar(),
    required=parameters.REQUIRED,
)
# `make peers` polls without an interval, as fast as answers come; no run may.
_OF_A_TRIAL = replace(PARAMETERS, rules={**_RULES, "poll_interval_s": Number(0, 600)})

RUN = Fields(
    {
        "scenario": Fields(
            {
                "name": Text(),
                "description": Text(),
                "repeats": Number(1, MAX_TRIALS, whole=True),
                "budget_s": Number(0, 1e9),
                "precision": Nullable(Number(0, 1)),
                "parameters": PARAMETERS,
                "without_effect": ListOf(Text()),
                "overload": Switch(),
                "wrong_way": Nullable(Text()),
                "p99_bound_ms": Nullable(Number(0, 1e9)),
                "servers": Fields({}, others=Fields({"transports": ListOf(Text())}, others=Scalar())),
            },
            required=("name", "repeats", "parameters"),
        ),
        "plan": ListOf(
            Fields(
                {
                    "index": _WHOLE,
                    "block": _WHOLE,
                    "point": _WHOLE,
                    "stream_span_s": Nullable(Number(0.1, 3600)),
                    "parameters": PARAMETERS,
                }
            )
        ),
        "transports": ListOf(
            Fields(
                {
                    "role": Choice(get_args(Role)),
                    "model": Choice(tuple(KINDS)),
                    "dash": ListOf(Number(0.1, 100)),
                }
            )
        ),
        "machine": Fields(
            {
                "processor": Nullable(Text()),
                "system": Nullable(Text()),
                "cores": Nullable(_WHOLE),
                "cpu_quota_cores": Nullable(_AMOUNT),
            }
        ),
        "started_at": Time(),
        "precision": ListOf(Fields({"point": _WHOLE, "wanted_ms": _AMOUNT, "trials_needed": _WHOLE})),
        "asked": Fields({}, others=Text()),
        "checkout": Nullable(Fields({"commit": Text(), "clean": Switch()}, required=("commit", "clean"))),
    }
)

TRIAL = Fields(
    {
        "index": _WHOLE,
        "block": _WHOLE,
        "point": _WHOLE,
        "parameters": _OF_A_TRIAL,
        "expected_events": _WHOLE,
        "t0_ns": _TIME_NS,
        "window_start_ns": _TIME_NS,
        "window_end_ns": _TIME_NS,
        "capabilities": Fields(
            {
                "kernel_stamps": Nullable(Switch()),
                "tcp_info": Nullable(Switch()),
                "clients_stamp": Nullable(Switch()),
                "deflated": Nullable(Switch()),
                "ip_version": OneOf((4, 6)),
                "cpu_pinned": Nullable(Fields({"server": _CORES, "load": _CORES}, required=("server", "load"))),
                "server_clock": Nullable(Fields({}, others=Nullable(_SPAN_NS))),
            }
        ),
        "server_stats": Fields(
            {
                "spin_cpu_ns": Nullable(_AMOUNT),
                "late_ticks": Nullable(ListOf(ListOf(_TIME_NS, least=2, most=2))),
                "options": Nullable(Fields({"faults": Nullable(ListOf(Text()))})),
            }
        ),
        "waking_ratio": Nullable(Number(0, 1)),
        "fixed_work_ns": ListOf(Number(1, MAX_TIME_NS, whole=True)),
        "relay": Nullable(Fields({"lateness_us": Nullable(Fields({}, others=Nullable(_SPAN_NS)))})),
        "workers": ListOf(
            Fields(
                {
                    "index": Number(0, MAX_WORKERS, whole=True),
                    "first_client": _WHOLE,
                    "clients": _WHOLE,
                    "offset_ns": _TIME_NS,
                    "uncertainty_ns": Number(0, MAX_TIME_NS, whole=True),
                    "round_trip_ns": _TIME_NS,
                    "drift_ns": Nullable(_TIME_NS),
                    "end": Choice((COMPLETE, *WORKER_ENDS)),
                }
            )
        ),
    }
)
