"""Requests to a server's control routes: health, clock, stream, statistics and trace.

They go over urllib3 (which Locust has loaded anyway), directly to the server and never through the relay.
"""

from __future__ import annotations

import http.client
import time
from typing import Any

import urllib3

from contract import wire
from contract.errors import UserError
from contract.records import JsonObject
from loadtests.server_clock import ClockExchange, ClockReading, has_advanced, read_exchanges

_TIMEOUT_S = 10.0
_PER_CONNECTION_S = 0.001
"""Time that each connection adds to the answer to a new stream: the server collects garbage over all of them first."""
_TRACE_ROW_BYTES = 3 * 8
_CLOCK_EXCHANGES = 20
_CLOCK_PATIENCE_NS = 100_000_000
"""How long to wait for the server's clock to advance; the coarsest clocks in use tick every 16 ms."""
_SHOWN_CHARACTERS = 80
_OK = 200


class _FinalResponse(http.client.HTTPResponse):
    """A response after any informational ones; the standard library skips only 100 (RFC 9110, section 15.2)."""

    def _read_status(self) -> tuple[str, int, str]:
        version, status, reason = super()._read_status()  # type: ignore[misc]  # typeshed leaves it out
        while 100 < status < 200 and status != http.HTTPStatus.SWITCHING_PROTOCOLS:
            http.client.parse_headers(self.fp)
            version, status, reason = super()._read_status()  # type: ignore[misc]  # as above
        return version, status, reason


class _Connection(urllib3.connection.HTTPConnection):
    response_class = _FinalResponse


class ControlClient:
    """The control routes of one server; each method raises UserError if the answer is missing or wrong."""

    def __init__(self, url: str, host: str = "") -> None:
        """Create a client; `host` is the Host header if that is not the address in the URL."""
        self._url = f"http://{host}" if host else url
        # No retries and no redirects: the server's own answer is reported. Proxy settings are not used.
        try:
            self._http = urllib3.connection_from_url(url, retries=False, maxsize=1)
            self._http.ConnectionCls = _Connection
            self._http.headers = {"Host": host} if host else {}
        except urllib3.exceptions.HTTPError as error:
            raise UserError(f"{url}: no usable address: {error} (expected http://host:port)") from error

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def transports(self) -> list[str]:
        """Return the names of the transports that the server offers."""
        answer = self._request_json("GET", wire.HEALTH_PATH)
        names = answer.get("transports")
        if answer.get("status") != "ok" or not isinstance(names, list):
            raise UserError(
                f"{self._url}{wire.HEALTH_PATH}: answered {answer!r} "
                '(expected {"status": "ok", "transports": [names]}: a server that follows the wire contract)'
            )
        return [str(name) for name in names]

    def wait_until_ready(self, patience_s: float) -> list[str]:
        """Repeat `transports()` until the server answers, for up to `patience_s`, and return the transports."""
        deadline = time.monotonic() + patience_s
        while True:
            try:
                return self.transports()
            except UserError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)

    def read_clock(self, exchanges: int = _CLOCK_EXCHANGES) -> ClockReading:
        """Read the server's clock by GET /clock, with more exchanges if they are too quick to see it advance."""
        deadline_ns = time.monotonic_ns() + _CLOCK_PATIENCE_NS
        exchanged = [self._exchange_times() for _ in range(exchanges)]
        while not has_advanced(exchanged):
            if time.monotonic_ns() > deadline_ns:
                raise UserError(
                    f"{self._url}{wire.CLOCK_PATH}: answered {exchanged[0].server_ns} again and again for "
                    f"{_CLOCK_PATIENCE_NS / 1e6:g} ms (expected the time in ns, of a clock that advances)"
                )
            exchanged.append(self._exchange_times())
        return read_exchanges(exchanged)

    def _exchange_times(self) -> ClockExchange:
        sent_ns = time.monotonic_ns()
        answer = self._request_json("GET", wire.CLOCK_PATH)
        return ClockExchange(
            sent_ns, time.monotonic_ns(), self._time_ns(wire.CLOCK_PATH, answer, "now_ns", '{"now_ns": int}')
        )

    def start_stream(
        self, start_in_ms: int, due_offsets_ns: list[int], payloads: list[str], connections: int = 0
    ) -> int:
        """Publish a stream to this many connections; return its start t0 on the server's clock, in ns."""
        body = {"start_in_ms": start_in_ms, "due_offsets_ns": due_offsets_ns, "payloads": payloads}
        answer = self._request_json("POST", wire.STREAM_PATH, body, extra_s=_PER_CONNECTION_S * connections)
        expected = f'{{"t0_ns": int, "events": {len(due_offsets_ns)}}}'
        if answer.get("events") != len(due_offsets_ns):
            raise UserError(f"{self._url}{wire.STREAM_PATH}: answered {answer!r} (expected {expected})")
        return self._time_ns(wire.STREAM_PATH, answer, "t0_ns", expected)

    def empty_log(self) -> None:
        """Publish a stream without events, which deletes the events of an earlier stream."""
        self.start_stream(0, [], [""])

    def stats(self) -> JsonObject:
        """Return GET /stats, its `published` as rows of seq, due_ns and published_ns."""
        answer = self._request_json("GET", wire.STATS_PATH)
        rows = answer.get("published")
        if not isinstance(rows, list):
            raise UserError(f"{self._url}{wire.STATS_PATH}: answered without `published` (expected a list of rows)")
        return {**answer, "published": [self._published(row) for row in rows]}

    def trace(self) -> bytes:
        """Return GET /trace unchanged: rows of client, seq and written_ns, each a little-endian 64-bit integer."""
        rows = self._request("GET", wire.TRACE_PATH).data
        if len(rows) % _TRACE_ROW_BYTES:
            raise UserError(
                f"{self._url}{wire.TRACE_PATH}: answered with {len(rows)} bytes "
                f"(expected whole rows of {_TRACE_ROW_BYTES} bytes: a server that follows the wire contract)"
            )
        return rows

    def _published(self, row: Any) -> list[int]:
        try:
            seq, due_ns, published_ns = row
            return [wire.whole_number(seq, at_least=1), wire.time_ns(due_ns), wire.time_ns(published_ns)]
        except (TypeError, ValueError) as error:
            raise UserError(
                f"{self._url}{wire.STATS_PATH}: has {row!r} in `published` "
                "(expected rows of [seq, due_ns, published_ns], whole numbers)"
            ) from error

    def _time_ns(self, path: str, answer: JsonObject, name: str, expected: str) -> int:
        """Return a field that must be a time; the error shows the answer unchanged."""
        try:
            return wire.time_ns(answer.get(name))
        except ValueError as error:
            raise UserError(f"{self._url}{path}: answered {answer!r} (expected {expected}, whole numbers)") from error

    def _request_json(self, method: str, path: str, body: Any = None, extra_s: float = 0.0) -> JsonObject:
        response = self._request(method, path, body, extra_s)
        try:
            answer = response.json()
        except ValueError as error:
            raise UserError(f"{self._url}{path}: no usable answer: {error} (expected a running server)") from error
        if not isinstance(answer, dict):
            raise UserError(f"{self._url}{path}: answered {answer!r} (expected a JSON object)")
        return answer

    def _request(self, method: str, path: str, body: Any = None, extra_s: float = 0.0) -> urllib3.BaseHTTPResponse:
        timeout_s = _TIMEOUT_S + extra_s
        try:
            response = self._http.request(method, path, json=body, timeout=timeout_s)
        except urllib3.exceptions.HTTPError as error:
            what = _failure(error, f"{method} {path}", timeout_s)
            raise UserError(f"{self._url}: {what} (expected a running server)") from error
        if response.status != _OK:
            detail = " ".join(response.data.decode(errors="replace").split())[:_SHOWN_CHARACTERS]
            raise UserError(
                f"{self._url}{path}: answered {response.status} {detail} "
                "(expected 200: a server that follows the wire contract)"
            )
        return response


def _failure(error: urllib3.exceptions.HTTPError, request: str, timeout_s: float) -> str:
    """Return why a request has no answer, in the system's words, without the library's names of its parts."""
    refused = isinstance(error, urllib3.exceptions.NewConnectionError)
    if isinstance(error, urllib3.exceptions.TimeoutError) and not refused:
        return f"did not answer {request} within {timeout_s:g} s"
    cause = error.__cause__ or error.args[-1]
    reason = (cause.strerror if isinstance(cause, OSError) else None) or str(cause)
    return f"no usable answer to {request}: {' '.join(reason.split())}"
