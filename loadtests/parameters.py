"""Every parameter that a scenario can set or vary, and what it accepts."""

from __future__ import annotations

from dataclasses import dataclass

import tomli_w

from servers.stream import ARRIVALS
from servers.wire import MAX_HOLD_MS, MAX_PAYLOAD_CHARACTERS, MAX_WORKERS


@dataclass(frozen=True, slots=True)
class Number:
    """A number within bounds, both included."""

    low: float
    high: float
    whole: bool = False

    @property
    def expected(self) -> str:
        """The expectation in words."""
        return f"a{' whole' if self.whole else ''} number from {self.low:.15g} to {self.high:.15g}"

    def accepts(self, value: object) -> bool:
        """Whether `value` is such a number; true and false are not."""
        kinds = int if self.whole else (int, float)
        return isinstance(value, kinds) and not isinstance(value, bool) and self.low <= value <= self.high


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words."""

    words: tuple[str, ...]

    @property
    def expected(self) -> str:
        """The expectation in words."""
        return "one of " + ", ".join(f'"{word}"' for word in self.words)

    def accepts(self, value: object) -> bool:
        """Whether `value` is one of the words."""
        return value in self.words


@dataclass(frozen=True, slots=True)
class Switch:
    """True or false."""

    @property
    def expected(self) -> str:
        """The expectation in words."""
        return "true or false"

    def accepts(self, value: object) -> bool:
        """Whether `value` is one of the two."""
        return isinstance(value, bool)


Rule = Number | Choice | Switch

PARAMETERS: dict[str, Rule] = {
    "clients": Number(1, 100_000, whole=True),
    "rate_per_s": Number(0.01, 100_000),
    "arrival": Choice(ARRIVALS),
    "payload_bytes": Number(0, MAX_PAYLOAD_CHARACTERS, whole=True),
    "one_way_delay_ms": Number(0, 10_000),
    "warm_up_s": Number(0, 600),
    "measured_s": Number(0.1, 3600),
    "poll_interval_s": Number(0.005, 600),
    "hold_s": Number(0.05, MAX_HOLD_MS / 1000),
    "stack": Choice(("fastapi", "asgi")),
    "workers": Number(1, MAX_WORKERS, whole=True),
    "compression": Choice(("off", "deflate")),
    "headers": Choice(("lean", "padded")),
    "keep_alive": Switch(),
    "cursor": Switch(),
    "phase": Choice(("spread", "locked")),
    "pacing": Choice(("schedule", "pause")),
    "turnaround_jitter_ms": Number(0, 1000),
    "replica": Choice(("a", "b")),
    "client_delay_ms": Number(0, 1000),
}
"""Every parameter of a scenario and what it accepts. Those with a default need not be named."""

WITHOUT_EFFECT = ("replica",)
"""Parameters that only tell identical points apart, for measuring the noise; in a point only where they are named."""

ONLY_WHERE_NAMED = frozenset({*WITHOUT_EFFECT, "client_delay_ms"})
"""What no ordinary scenario is about: the clients' delay is a test hook (docs/accuracy.md)."""


def toml_value(value: object) -> str:
    """A value in one line, as a scenario file has it."""
    if isinstance(value, list):
        return f"[{', '.join(map(toml_value, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key} = {toml_value(held)}' for key, held in value.items())}}}"
    return tomli_w.dumps({"value": value}).removeprefix("value = ").rstrip("\n")
