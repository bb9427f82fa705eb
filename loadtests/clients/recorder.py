"""The rows that clients and driver record while a trial runs, and sentences about problems.

Rows go into flat integer arrays, which takes a microsecond each; problems are recorded as sentences beside them.
Nothing is computed here: rows become the tables of `contract.records` once the trial is over.
"""

from __future__ import annotations

import dataclasses
import struct
import time
from array import array
from collections.abc import Iterator

from contract.records import Clients, ClockPairs, Deliveries, LoopLag, Requests, Sockets, Table

_MOST_SENTENCES = 12
_SHOWN_BYTES = 80


class Problems:
    """Distinct sentences in the order in which they were added; beyond the first few, they are only counted.

    A sentence describes a kind of failure (method, path, status) and names no client or cursor, so that ten thousand
    clients that fail in the same way are one sentence. One example shows the bytes that differ among them.
    """

    def __init__(self) -> None:
        self._sentences: dict[str, bytes] = {}
        self._further = 0

    def add(self, sentence: str, example: bytes = b"") -> None:
        """Record a sentence, with the first bytes of `example`, unless it is recorded already."""
        if sentence in self._sentences:
            return
        if len(self._sentences) < _MOST_SENTENCES:
            self._sentences[sentence] = example[: _SHOWN_BYTES + 1]
        else:
            self._further += 1

    def __iter__(self) -> Iterator[str]:
        for sentence, example in self._sentences.items():
            yield f"{sentence}: {excerpt(example)}" if example else sentence
        if self._further:
            yield f"{self._further} further problems, of other kinds than these {_MOST_SENTENCES}, are not listed"


def excerpt(data: bytes) -> str:
    """Return the first bytes of `data` as text in quotes, with unprintable characters escaped."""
    text = repr(data[:_SHOWN_BYTES].decode("utf-8", "backslashreplace"))
    return f"{text}…" if len(data) > _SHOWN_BYTES else text


_READINGS_PER_PAIR = 5


def _row(table: type[Table]) -> struct.Struct:
    return struct.Struct(f"@{len(dataclasses.fields(table))}q")


DELIVERY_ROW, REQUEST_ROW = _row(Deliveries), _row(Requests)
"""Formats of a row of the two tables that grow with every delivery and poll: `array.frombytes` appends a packed row in
half the time in which `array.extend` appends its integers."""


class Recorder:
    """Append-only rows for each table of a trial, as flat arrays of integers."""

    def __init__(self) -> None:
        self.deliveries = array("q")
        self.requests = array("q")
        self.sockets = array("q")
        self.clients = array("q")
        self.clock = array("q")
        self.loop_lag = array("q")
        self.problems = Problems()
        """Sentences of driver and clients about problems, for the trial's record."""
        self.deflated: bool | None = None
        """Whether every client that accepts compression was sent compressed data; None if no client has reported."""
        self.add_delivery = self.deliveries.frombytes
        """Appends a packed row; looked up once, as it is called for every delivery."""

    def tables(self, server_clock_offset_ns: int = 0) -> list[Table]:
        """Return all rows as tables; the server's times are converted to the load's clock."""
        deliveries = Deliveries.from_rows(self.deliveries)
        if server_clock_offset_ns:
            deliveries.due_ns[:] -= server_clock_offset_ns
            deliveries.published_ns[:] -= server_clock_offset_ns
        return [
            deliveries,
            Requests.from_rows(self.requests),
            Sockets.from_rows(self.sockets),
            Clients.from_rows(self.clients),
            ClockPairs.from_rows(self.clock, worker=0),
            LoopLag.from_rows(self.loop_lag, worker=0),
        ]

    def record_deflated(self, deflated: bool) -> None:
        """Record whether one client that accepts compression was sent compressed data."""
        self.deflated = deflated and self.deflated is not False

    def read_clocks(self) -> None:
        """Add one pair of clock readings: of several, the one with the narrowest bracket."""
        best = min(_bracketed_realtime() for _ in range(_READINGS_PER_PAIR))
        bracket_ns, before_ns, realtime_ns = best
        self.clock.extend((before_ns + bracket_ns // 2, realtime_ns, bracket_ns))


def _bracketed_realtime() -> tuple[int, int, int]:
    before_ns = time.monotonic_ns()
    realtime_ns = time.time_ns()
    return time.monotonic_ns() - before_ns, before_ns, realtime_ns
