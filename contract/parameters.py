"""Every parameter that a scenario can set or vary, and what it accepts."""

from __future__ import annotations

from dataclasses import dataclass

import tomli_w

from contract.stream import ARRIVALS
from contract.wire import MAX_HOLD_MS, MAX_PAYLOAD_CHARACTERS, MAX_WORKERS


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


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a scenario: what it accepts, and its meaning."""

    rule: Rule
    meaning: str


PARAMETERS: dict[str, Parameter] = {
    "clients": Parameter(Number(1, 100_000, whole=True), "clients of each trial; each receives every event"),
    "rate_per_s": Parameter(Number(0.01, 100_000), "events per second"),
    "arrival": Parameter(
        Choice(ARRIVALS), "when events are due: at even distances, as a Poisson process, or in bursts of ten"
    ),
    "payload_bytes": Parameter(Number(0, MAX_PAYLOAD_CHARACTERS, whole=True), "characters of payload per event"),
    "one_way_delay_ms": Parameter(Number(0, 10_000), "network delay each way, emulated by a relay; 0 is bare loopback"),
    "warm_up_s": Parameter(
        Number(0, 600), "time before the measured window; longer where clients poll less often than that"
    ),
    "measured_s": Parameter(Number(0.1, 3600), "length of the measured window"),
    "poll_interval_s": Parameter(Number(0.005, 600), "time between the polls of a client"),
    "hold_s": Parameter(
        Number(0.05, MAX_HOLD_MS / 1000), "longest time that the server holds a poll while there is no event"
    ),
    "stack": Parameter(
        Choice(("fastapi", "asgi")), "the server: FastAPI, or plain ASGI without a framework on the measured path"
    ),
    "workers": Parameter(Number(1, MAX_WORKERS, whole=True), "server processes, each with the whole stream"),
    "compression": Parameter(Choice(("off", "deflate")), "compression of WebSocket messages and of HTTP answers"),
    "headers": Parameter(
        Choice(("lean", "padded")), "request headers: as few as possible, or padded to 871 characters per poll"
    ),
    "keep_alive": Parameter(Switch(), "whether polls keep their connection; false: each on a new connection"),
    "cursor": Parameter(
        Switch(), "whether polls send the last event that they have; false loses events, and makes the run INVALID"
    ),
    "phase": Parameter(
        Choice(("spread", "locked")), "clients poll spread evenly over the interval, or all at the same time"
    ),
    "pacing": Parameter(
        Choice(("schedule", "pause")), "polls follow a fixed schedule, or each comes one interval after the last answer"
    ),
    "turnaround_jitter_ms": Parameter(
        Number(0, 1000), "largest random time that a client waits after an answer before it asks again"
    ),
    "replica": Parameter(Choice(("a", "b")), "tells two otherwise identical points apart, to measure the noise"),
}
"""Every parameter of a scenario. Those with a default need not be named."""

WITHOUT_EFFECT = ("replica",)
"""Parameters that only tell identical points apart, for measuring the noise; in a point only where they are named."""


def toml_value(value: object) -> str:
    """A value in one line, as a scenario file has it."""
    if isinstance(value, list):
        return f"[{', '.join(map(toml_value, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key} = {toml_value(held)}' for key, held in value.items())}}}"
    return tomli_w.dumps({"value": value}).removeprefix("value = ").rstrip("\n")
