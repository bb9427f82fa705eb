"""What the harness asks of a server outside the measured path: is it there, what is its clock, publish this, what was
published. Over urllib3 (which Locust has loaded anyway), straight to the server and never through the relay.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import urllib3

from loadtests.records import JsonObject, UserError
from servers import wire

_TIMEOUT_S = 10.0
_TRACE_ROW_BYTES = 3 * 8
_CLOCK_SAMPLES = 20
_SHOWN_CHARACTERS = 80
_OK = 200


@dataclass(frozen=True, slots=True)
class ServerClock:
    """The server's clock against this process' CLOCK_MONOTONIC."""

    offset_ns: int
    """Server minus here; 0 where both are the same clock."""
    uncertainty_ns: int
    """Half of the smallest round trip seen; 0 where both are the same clock."""


@dataclass(frozen=True, slots=True)
class ClockReading:
    """The exchange with the smallest round trip out of several."""

    round_trip_ns: int
    offset_ns: int
    """Server minus here, as if the answer had been given half-way: wrong by half of the round trip at most."""


class ControlClient:
    """The control routes of one server; a UserError says which of them did not answer as it should."""

    def __init__(self, url: str) -> None:
        self._url = url
        # No retries and no redirects: what the server says is what is told. Proxy settings are not looked at.
        try:
            self._http = urllib3.connection_from_url(url, timeout=_TIMEOUT_S, retries=False, maxsize=1)
        except urllib3.exceptions.HTTPError as error:
            raise UserError(f"{url}: no usable address: {error} (expected http://host:port)") from error

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def transports(self) -> list[str]:
        """Names of the transports that the server says it offers."""
        answer = self._ask("GET", wire.HEALTH_PATH)
        names = answer.get("transports")
        if answer.get("status") != "ok" or not isinstance(names, list):
            raise UserError(
                f"{self._url}{wire.HEALTH_PATH}: answered {answer!r} "
                '(expected {"status": "ok", "transports": [names]}: a server that follows the wire contract)'
            )
        return [str(name) for name in names]

    def wait_until_ready(self, patience_s: float) -> list[str]:
        """`transports()`, asked until there is an answer or `patience_s` is over."""
        deadline = time.monotonic() + patience_s
        while True:
            try:
                return self.transports()
            except UserError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)

    def clock(self) -> ServerClock:
        """By `read_clock`; an offset within the round trip means one and the same clock."""
        reading = self.read_clock(_CLOCK_SAMPLES)
        if abs(reading.offset_ns) <= reading.round_trip_ns:
            return ServerClock(0, 0)
        return ServerClock(reading.offset_ns, reading.round_trip_ns // 2)

    def read_clock(self, exchanges: int) -> ClockReading:
        """NTP-style, by GET /clock: of `exchanges` the one with the smallest round trip."""
        samples: list[tuple[int, int]] = []
        for _ in range(exchanges):
            sent_ns = time.monotonic_ns()
            answer = self._ask("GET", wire.CLOCK_PATH)
            received_ns = time.monotonic_ns()
            now_ns = answer.get("now_ns")
            if not isinstance(now_ns, int):
                raise UserError(f'{self._url}{wire.CLOCK_PATH}: answered {answer!r} (expected {{"now_ns": int}})')
            samples.append((received_ns - sent_ns, now_ns - (sent_ns + received_ns) // 2))
        return ClockReading(*min(samples))

    def start_stream(self, start_in_ms: int, due_offsets_ns: list[int], payloads: list[str]) -> int:
        """Publish a stream; returns its start t0 on the server's clock, in ns."""
        body = {"start_in_ms": start_in_ms, "due_offsets_ns": due_offsets_ns, "payloads": payloads}
        answer = self._ask("POST", wire.STREAM_PATH, body)
        if not isinstance(answer.get("t0_ns"), int) or answer.get("events") != len(due_offsets_ns):
            raise UserError(
                f"{self._url}{wire.STREAM_PATH}: answered {answer!r} "
                f'(expected {{"t0_ns": int, "events": {len(due_offsets_ns)}}})'
            )
        return int(answer["t0_ns"])

    def empty_log(self) -> None:
        """Publish a stream without events, so that none of an earlier one is left."""
        self.start_stream(0, [], [""])

    def stats(self) -> JsonObject:
        """GET /stats as it came."""
        answer = self._ask("GET", wire.STATS_PATH)
        if not isinstance(answer.get("published"), list):
            raise UserError(f"{self._url}{wire.STATS_PATH}: answered without `published` (expected a list of rows)")
        return answer

    def trace(self) -> bytes:
        """GET /trace as it came: rows of client, seq and written_ns, each a little-endian 64-bit integer."""
        rows = self._request("GET", wire.TRACE_PATH).data
        if len(rows) % _TRACE_ROW_BYTES:
            raise UserError(
                f"{self._url}{wire.TRACE_PATH}: answered with {len(rows)} bytes "
                f"(expected whole rows of {_TRACE_ROW_BYTES} bytes: a server that follows the wire contract)"
            )
        return rows

    def _ask(self, method: str, path: str, body: Any = None) -> JsonObject:
        response = self._request(method, path, body)
        try:
            answer = response.json()
        except ValueError as error:
            raise UserError(f"{self._url}{path}: no usable answer: {error} (expected a running server)") from error
        if not isinstance(answer, dict):
            raise UserError(f"{self._url}{path}: answered {answer!r} (expected a JSON object)")
        return answer

    def _request(self, method: str, path: str, body: Any = None) -> urllib3.BaseHTTPResponse:
        try:
            response = self._http.request(method, path, json=body)
        except urllib3.exceptions.HTTPError as error:
            raise UserError(f"{self._url}{path}: no usable answer: {error} (expected a running server)") from error
        if response.status != _OK:
            detail = " ".join(response.data.decode(errors="replace").split())[:_SHOWN_CHARACTERS]
            raise UserError(
                f"{self._url}{path}: answered {response.status} {detail} "
                "(expected 200: a server that follows the wire contract)"
            )
        return response
