"""Runs of the stream that all lanes deliver: their start, change and end, and the start of the next."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from classroom.lanes.accounts import Accounts
from classroom.run_settings import RunSettings
from contract.stream import StreamSpec, due_offsets_ns, payloads
from servers.events.hub import EventHub
from servers.relay.delay_relay import DelayRelay

_NS_PER_S = 1_000_000_000
_MIN_LEAD_S = 0.5
_TRANSITS_TO_CONNECT = 4
"""Transits through the relay within which a client that receives a run's announcement opens its channel."""
_TRANSITS_TO_DRAIN = 4
_EXTRA_DRAIN_S = 1.0
PAUSE_S = 2.0
"""Time between a run and the next one, if runs follow each other."""
_MAX_DRAWN_SEED = 2**32


@dataclass(frozen=True)
class Run:
    """One stream with one set of settings; times are CLOCK_MONOTONIC of this machine."""

    id: int
    """The number of the run in the accounts; runs count from 1."""
    t0_ns: int
    end_ns: int
    """No event is due after this time."""
    drain_ns: int
    """How long after `end_ns` the lanes still have for the last events."""
    settings: RunSettings
    seed: int
    """The seed of this stream: that of the settings, or a random one."""
    auto: bool
    """Whether the next run was to follow by itself when this one began."""
    once: bool = False
    """Whether the settings are for this run only, so that the next run has the earlier ones again."""
    least_delay_ms: float = 0.0
    """The smallest one-way delay of the run so far."""
    changed_ns: int | None = None
    """When its settings were last changed; None if they never were."""

    def message(self) -> dict[str, object]:
        """Return the run as it is sent to pages and recorded."""
        return {
            "id": self.id,
            "t0_ns": self.t0_ns,
            "end_ns": self.end_ns,
            "drain_ns": self.drain_ns,
            "settings": self.settings.model_dump(),
            "seed": self.seed,
            "auto": self.auto,
            "once": self.once,
            "changed_ns": self.changed_ns,
        }


def lead_s(settings: RunSettings) -> float:
    """Return how long before its start a run is announced."""
    return _MIN_LEAD_S + _TRANSITS_TO_CONNECT * settings.one_way_delay_ms / 1000


def drain_s(settings: RunSettings) -> float:
    """Return the time for deliveries after a run's end: a poll interval or two round trips, and a margin."""
    return max(settings.poll_interval_s, _TRANSITS_TO_DRAIN * settings.one_way_delay_ms / 1000) + _EXTRA_DRAIN_S


class Runs:
    """Starts and stops runs. If no teacher controls them, runs follow each other while any page is open."""

    def __init__(self, hub: EventHub, accounts: Accounts, relays: Sequence[DelayRelay]) -> None:
        self._hub = hub
        self._accounts = accounts
        self._relays = relays
        self._next: asyncio.TimerHandle | None = None
        self._settings = RunSettings()
        self._watched = False
        self.auto = True
        """Whether the next run follows by itself."""
        self.current: Run | None = None
        self.ended = True
        """Whether that run is over, its drain included."""
        self.changed = asyncio.Event()
        """Set when a run begins or ends or `auto` changes, and then replaced by a new event."""

    def start(self, settings: RunSettings, *, auto: bool, once: bool = False) -> Run:
        """Start a run; the present one ends at once."""
        self._cancel_next()
        self.auto = auto
        if not once:
            self._settings = settings
        seed = secrets.randbelow(_MAX_DRAWN_SEED) if settings.seed is None else settings.seed
        spec = StreamSpec(settings.rate_per_s, settings.arrival, settings.payload_bytes, settings.duration_s, seed)
        due = due_offsets_ns(spec).tolist()
        for relay in self._relays:
            relay.set_delay(settings.one_way_delay_ms)
        self._accounts.begin()
        t0_ns = self._hub.start_stream(round(lead_s(settings) * 1000), due, payloads(spec))
        end_ns = t0_ns + round(settings.duration_s * _NS_PER_S)
        drain_ns = round(drain_s(settings) * _NS_PER_S)
        self.current = Run(
            self._accounts.run, t0_ns, end_ns, drain_ns, settings, seed, auto, once, settings.one_way_delay_ms
        )
        self.ended = False
        self._schedule(end_ns + drain_ns, self._end)
        self._announce()
        return self.current

    def change(self, settings: RunSettings) -> Run | None:
        """Continue the current run, and those after it, with other settings; return None if no run is on.

        Its events so far and its end remain as they are.
        """
        run = self.current
        now_ns = time.monotonic_ns()
        if run is None or self.ended or now_ns >= run.end_ns:
            return None
        for relay in self._relays:
            relay.set_delay(settings.one_way_delay_ms)
        begins_ns = max(now_ns, run.t0_ns)
        left_s = (run.end_ns - begins_ns) / _NS_PER_S
        seed = secrets.randbelow(_MAX_DRAWN_SEED)
        spec = StreamSpec(settings.rate_per_s, settings.arrival, settings.payload_bytes, left_s, seed)
        self._hub.publisher.stop()
        self._hub.publisher.begin(begins_ns, due_offsets_ns(spec).tolist(), payloads(spec))
        drain_ns = round(drain_s(settings) * _NS_PER_S)
        least_delay_ms = min(run.least_delay_ms, settings.one_way_delay_ms)
        self.current = replace(
            run, settings=settings, drain_ns=drain_ns, least_delay_ms=least_delay_ms, changed_ns=now_ns
        )
        if not run.once:
            self._settings = settings
        self._cancel_next()
        self._schedule(run.end_ns + drain_ns, self._end)
        self._announce()
        return self.current

    def stop(self) -> None:
        """End the present run now; none follows by itself."""
        self.auto = False
        self._cancel_next()
        if self.ended:
            self._announce()
        else:
            self._hub.publisher.stop()
            self._end()

    def set_auto(self, wanted: bool) -> None:
        """Set whether runs follow each other; the present one continues either way."""
        self.auto = wanted
        self._announce()
        self._follow_on(0.0)

    def set_watched(self, watched: bool) -> None:
        """Set whether any page is open, since nothing is published into an empty classroom."""
        self._watched = watched
        self._follow_on(0.0)

    def _end(self) -> None:
        self._next = None
        self.ended = True
        self._accounts.finish()
        self._announce()
        self._follow_on(PAUSE_S)

    def _follow_on(self, pause_s: float) -> None:
        if not self.ended:
            return
        if not (self.auto and self._watched):
            self._cancel_next()
        elif self._next is None:
            self._schedule(time.monotonic_ns() + round(pause_s * _NS_PER_S), self._start_again)

    def _start_again(self) -> None:
        self._next = None
        self.start(self._settings, auto=True)

    def _schedule(self, at_ns: int, act: Callable[[], object]) -> None:
        wait_s = max(0.0, (at_ns - time.monotonic_ns()) / _NS_PER_S)
        self._next = asyncio.get_running_loop().call_later(wait_s, act)

    def _cancel_next(self) -> None:
        if self._next is not None:
            self._next.cancel()
            self._next = None

    def _announce(self) -> None:
        changed, self.changed = self.changed, asyncio.Event()
        changed.set()
