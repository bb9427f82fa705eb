"""A device of the class without a browser: joins, exchanges clocks, runs its transports, and reports."""

from __future__ import annotations

import asyncio
import json
import random
import ssl
import time
from collections import defaultdict
from contextlib import suppress
from typing import Any

import httpx
import websockets

from classroom.lanes.definitions import LANES, TRANSPORTS, wire_number

_CLOCK_SAMPLES = 10
_REPORT_PERIOD_S = 1.0
_TIMEOUT_S = 120.0
_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Never used, but httpx would otherwise load the system's certificates once per device."""


class SimulatedDevice:
    """Does what the page for devices (joining/join.js) does in a browser."""

    _offset_ns: int
    """The server's clock minus its own; unset before clocks are exchanged."""
    _uncertainty_ms: float

    def __init__(self, page_port: int, host: str = "127.0.0.1") -> None:
        self._authority = f"{host}:{page_port}"
        self._host = host
        self._origin = websockets.Origin(f"http://{host}:{page_port}")
        self.client = -1
        self.transports: tuple[str, ...] = ()
        self.ready = asyncio.Event()
        """Set once its clock is known and its live channel is open."""
        self._ports: dict[str, int] = {}
        self._run = 0
        self._rows: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
        self._lanes: list[asyncio.Task[None]] = []

    async def join(self, code: str) -> None:
        """Join the class; raise httpx.HTTPStatusError if it is refused."""
        async with self._http() as http:
            answer = await http.post(f"http://{self._authority}/api/join", json={"code": code})
        answer.raise_for_status()
        joined = answer.json()
        self.client, self.transports = joined["client"], tuple(joined["transports"])

    async def take_part(self) -> None:
        """Follow the runs until cancelled."""
        await self._exchange_clocks()
        address = f"ws://{self._authority}/api/live?client={self.client}"
        async with websockets.connect(address, origin=self._origin, max_size=None) as live:
            reporting = asyncio.create_task(self._report(live))
            try:
                async for text in live:
                    self._take(json.loads(text))
            finally:
                reporting.cancel()
                self._end_lanes()

    async def _exchange_clocks(self) -> None:
        """Set offset and uncertainty from the sample with the shortest round trip."""
        best_ns = 2**63
        async with websockets.connect(f"ws://{self._authority}/api/clock", origin=self._origin) as clock:
            for _ in range(_CLOCK_SAMPLES):
                sent_ns = time.monotonic_ns()
                await clock.send("x")
                server_ns = json.loads(await clock.recv())["now_ns"]
                trip_ns = time.monotonic_ns() - sent_ns
                if trip_ns < best_ns:
                    best_ns = trip_ns
                    self._offset_ns = server_ns - sent_ns - trip_ns // 2
                    self._uncertainty_ms = trip_ns / 2e6

    async def _report(self, live: websockets.ClientConnection) -> None:
        while True:
            await asyncio.sleep(_REPORT_PERIOD_S)
            rows, self._rows = self._rows, defaultdict(list)
            report = {"type": "report", "run": self._run, "uncertainty_ms": self._uncertainty_ms, "transports": rows}
            await live.send(json.dumps(report))

    def _take(self, message: dict[str, Any]) -> None:
        if message["type"] == "hello":
            self._ports = {lane["transport"]: lane["port"] for lane in message["lanes"]}
            self.ready.set()
        elif message["type"] == "run":
            self._begin(message["run"])
        elif message["type"] == "ended":
            self._end_lanes()

    def _begin(self, run: dict[str, Any]) -> None:
        self._end_lanes()
        self._run, self._rows = run["id"], defaultdict(list)
        start = {
            "websocket": self._websocket,
            "sse": self._sse,
            "long_poll": self._long_poll,
            "short_poll": self._short_poll,
        }
        self._lanes = [asyncio.create_task(self._run_lane(start[name], run)) for name in self.transports]

    def _end_lanes(self) -> None:
        for task in self._lanes:
            task.cancel()
        self._lanes = []

    @staticmethod
    async def _run_lane(lane: Any, run: dict[str, Any]) -> None:
        """Run a lane; after a failure of its connection, the device receives nothing more on it."""
        with suppress(OSError, httpx.HTTPError, websockets.WebSocketException):
            await lane(run)

    def _address(self, transport: str, scheme: str) -> str:
        index = TRANSPORTS.index(transport)
        number = wire_number(self.client, index)
        return f"{scheme}://{self._host}:{self._ports[transport]}{LANES[index].path}?client={number}&run={self._run}"

    def _received(self, transport: str, event: dict[str, Any]) -> None:
        now_ns = time.monotonic_ns() + self._offset_ns
        self._rows[transport].append((event["seq"], (now_ns - event["due_ns"]) / 1e6))

    async def _websocket(self, _run: dict[str, Any]) -> None:
        address = self._address("websocket", "ws")
        async with websockets.connect(f"{address}&after=0", origin=self._origin, compression=None) as socket:
            async for text in socket:
                self._received("websocket", json.loads(text))

    async def _sse(self, _run: dict[str, Any]) -> None:
        address = f"{self._address('sse', 'http')}&after=0"
        async with self._http() as http, http.stream("GET", address) as answer:
            async for line in answer.aiter_lines():
                if line.startswith("data: "):
                    self._received("sse", json.loads(line.removeprefix("data: ")))

    async def _long_poll(self, run: dict[str, Any]) -> None:
        after, n = 0, 0
        hold_ms = round(run["settings"]["hold_s"] * 1000)
        async with self._http() as http:
            while True:
                n += 1
                after = await self._poll(http, "long_poll", f"&after={after}&n={n}&hold_ms={hold_ms}", after)

    async def _short_poll(self, run: dict[str, Any]) -> None:
        """Poll from a random phase, as independent devices do."""
        interval_s = run["settings"]["poll_interval_s"]
        loop = asyncio.get_running_loop()
        due, after, n = loop.time() + random.random() * interval_s, 0, 0
        async with self._http() as http:
            while True:
                await asyncio.sleep(due - loop.time())
                n += 1
                after = await self._poll(http, "short_poll", f"&after={after}&n={n}", after)
                due = max(due + interval_s, loop.time())

    async def _poll(self, http: httpx.AsyncClient, transport: str, query: str, after: int) -> int:
        answer = await http.get(self._address(transport, "http") + query)
        answer.raise_for_status()
        if answer.status_code == 204:
            return after
        reply = answer.json()
        for event in reply["events"]:
            self._received(transport, event)
        following: int = reply["next"]
        return following

    def _http(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(headers={"Origin": self._origin}, timeout=_TIMEOUT_S, verify=_TLS)
