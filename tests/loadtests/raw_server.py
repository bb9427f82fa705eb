"""A small server on the wire contract, in another hand than ours, that is told how to behave.

Raw bytes on asyncio streams: what it may be told is within the standards, as other servers do it, or, where it says so,
what goes wrong with them. It runs on a thread of its own, for trials with `--target` and for clients in the test's own
process.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import json
import socket
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from system.addresses import Endpoint

_TRANSPORTS = ("websocket", "sse", "long_poll", "short_poll", "echo_post", "echo_post_new")
_WEBSOCKET_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
CRLF = "\r\n"
_SWITCHING_PROTOCOLS, _OK, _NO_CONTENT = 101, 200, 204


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer, before it is framed."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How the server does what the standards leave open; the default is what common servers do."""

    version: str = "1.1"
    """Of HTTP."""
    framing: str = "length"
    """Of answers: `length`, `chunked`, or `close` (they end with the connection)."""
    closes_after_answer: bool = False
    """`Connection: close`."""
    hangs_up_after_answers: int | None = None
    """Closes a kept connection without a word when the request after so many comes."""
    hangs_up_idle_s: float | None = None
    """Closes a kept connection on which nothing was asked for so long after an answer; a new one may take its time."""
    informational: tuple[int, ...] = ()
    """Such answers (100, 103) precede each final one."""
    line_end: str = "\n"
    """Of the event stream."""
    stream_start: str = ""
    """What the event stream begins with: a byte-order mark, `retry:`."""
    between_events: str = ""
    """Written before each event of the stream, with its lines ended by LF: comments, named events."""
    replaced: Mapping[str, Answer] = field(default_factory=dict)
    """Other answers, by path, to whatever is asked there: what goes wrong."""
    replaced_after: int = 0
    """So many requests of such a path are answered as they should be before."""
    encode: Callable[[dict[str, Any]], bytes] = lambda value: json.dumps(value).encode()
    """How events and replies become JSON."""
    handshake_fields: tuple[str, ...] = ()
    """Further header lines of the answer to a WebSocket's handshake: what goes wrong."""
    frame_start: int = 0x81
    """The first byte of its frames: FIN and the opcode of text, or what goes wrong."""
    closes_after_event: tuple[int, int] | None = None
    """The seq after which it closes a WebSocket's channel, and the code that it gives."""
    clock: Callable[[], float] = time.monotonic_ns
    """Of all its times, in ns: integers, or doubles as in a language that has no others."""

    @property
    def ends_with_connection(self) -> bool:
        """Whether each connection has one answer."""
        return self.closes_after_answer or self.framing == "close" or self.version == "1.0"


class RawServer:
    """Its requests are counted by path and by Host header, its connections as a whole."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._is = behaviour
        self._events: list[dict[str, Any]] = []
        self._published = asyncio.Condition()
        self._publishing: asyncio.Task[None] | None = None
        self.requests: Counter[str] = Counter()
        self.hosts: Counter[str] = Counter()
        self.connections = 0
        self._serving: dict[asyncio.Task[None], socket.socket] = {}

    def accept(self, listening: socket.socket) -> None:
        """Serve who has connected; `asyncio.start_server` would leave open whom it accepts just as it is closed."""
        sock, _ = listening.accept()
        self.connections += 1
        task = asyncio.get_running_loop().create_task(self._serve(sock))
        self._serving[task] = sock
        task.add_done_callback(lambda task: self._serving.pop(task).close())

    async def stop(self) -> None:
        """End all connections."""
        ending = [*self._serving, *([] if self._publishing is None else [self._publishing])]
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)

    # HTTP.

    async def _serve(self, sock: socket.socket) -> None:
        """One connection, until either side ends it."""
        reader, writer = await asyncio.open_connection(sock=sock)
        answers = 0
        kept = True
        try:
            while kept:
                patience_s = self._is.hangs_up_idle_s if answers else None
                head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), patience_s)
                if answers == self._is.hangs_up_after_answers:
                    break
                kept = await self._answer_request(head.decode(), reader, writer)
                answers += 1
        except (ConnectionError, asyncio.IncompleteReadError, TimeoutError):
            pass
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _answer_request(self, head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        request_line, *lines = head.split("\r\n")
        method, target, _ = request_line.split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        url = urlsplit(target)
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        self.requests[url.path] += 1
        self.hosts[headers["host"]] += 1
        for status in self._is.informational:
            writer.write(f"HTTP/{self._is.version} {status} Soon\r\nLink: </style.css>\r\n\r\n".encode())
        if url.path in self._is.replaced and self.requests[url.path] > self._is.replaced_after:
            return await self._write(writer, self._is.replaced[url.path])
        if url.path == "/sse":
            await self._stream(writer, int(headers.get("last-event-id", query.get("after", 0))))
            return False
        if url.path == "/ws":
            await self._channel(writer, headers["sec-websocket-key"], int(query.get("after", 0)))
            return False
        return await self._write(writer, await self._answer(method, url.path, query, body))

    async def _answer(self, method: str, path: str, query: dict[str, str], body: bytes) -> Answer:
        answer = Answer(404, b"{}")
        match method, path:
            case "GET", "/health":
                answer = _as_json({"status": "ok", "transports": _TRANSPORTS})
            case "GET", "/clock":
                answer = _as_json({"now_ns": self._is.clock()})
            case "GET", "/stats":
                rows = [[event["seq"], event["due_ns"], event["published_ns"]] for event in self._events]
                answer = _as_json({"published": rows, "connections": self.connections})
            case "POST", "/stream":
                answer = _as_json(await self._begin(json.loads(body)))
            case "POST", "/echo":
                answer = Answer(_OK, body)
            case "GET", "/poll/short":
                answer = self._reply(int(query["after"]))
            case "GET", "/poll/long":
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wait_beyond(int(query["after"])), int(query["hold_ms"]) / 1000)
                answer = self._reply(int(query["after"]))
        return answer

    def _reply(self, after: int) -> Answer:
        events = self._events[after:]
        if not events:
            return Answer(_NO_CONTENT)
        return Answer(_OK, self._is.encode({"events": events, "next": after + len(events)}))

    async def _write(self, writer: asyncio.StreamWriter, answer: Answer) -> bool:
        """Whether the connection is kept."""
        bodiless = answer.status == _NO_CONTENT
        lines = [f"HTTP/{self._is.version} {answer.status} Whatever", *answer.headers]
        lines += [] if bodiless else [f"Content-Type: {answer.content_type}"]
        framed = answer.body
        if not bodiless and self._is.framing == "length":
            lines.append(f"Content-Length: {len(answer.body)}")
        elif not bodiless and self._is.framing == "chunked":
            lines.append("Transfer-Encoding: chunked")
            framed = (
                b"".join(_chunk(answer.body[i : i + 7], b";a=b") for i in range(0, len(answer.body), 7)) + b"0\r\n\r\n"
            )
        lines += ["Connection: close"] if self._is.closes_after_answer else []
        writer.write("\r\n".join([*lines, "", ""]).encode() + framed)
        await writer.drain()
        return not self._is.ends_with_connection

    # The stream.

    async def _begin(self, asked: dict[str, Any]) -> dict[str, float]:
        if self._publishing is not None:
            self._publishing.cancel()
        self._events.clear()
        t0_ns = self._is.clock() + round(asked["start_in_ms"] * 1e6)
        self._publishing = asyncio.create_task(self._publish(t0_ns, asked["due_offsets_ns"], asked["payloads"]))
        return {"t0_ns": t0_ns, "events": len(asked["due_offsets_ns"])}

    async def _publish(self, t0_ns: float, offsets_ns: list[int], payloads: list[str]) -> None:
        for i, offset_ns in enumerate(offsets_ns):
            due_ns = t0_ns + offset_ns
            await asyncio.sleep(max(0, due_ns - self._is.clock()) / 1e9)
            async with self._published:
                self._events.append(
                    {
                        "seq": i + 1,
                        "due_ns": due_ns,
                        "published_ns": self._is.clock(),
                        "payload": payloads[i % len(payloads)],
                    }
                )
                self._published.notify_all()

    async def _wait_beyond(self, cursor: int) -> None:
        async with self._published:
            await self._published.wait_for(lambda: len(self._events) > cursor)

    async def _following(self, cursor: int) -> AsyncIterator[tuple[int, bytes]]:
        while True:
            await self._wait_beyond(cursor)
            cursor += 1
            yield cursor, self._is.encode(self._events[cursor - 1])

    async def _stream(self, writer: asyncio.StreamWriter, cursor: int) -> None:
        chunked = self._is.framing == "chunked"
        head = f"HTTP/{self._is.version} 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
        writer.write((head + ("Transfer-Encoding: chunked\r\n\r\n" if chunked else "\r\n")).encode())

        async def write(text: str) -> None:
            data = text.replace("\n", self._is.line_end).encode()
            writer.write(_chunk(data) if chunked else data)
            await writer.drain()

        if self._is.stream_start:
            await write(self._is.stream_start)
        async for seq, encoded in self._following(cursor):
            await write(f"{self._is.between_events}id: {seq}\ndata: {encoded.decode()}\n\n")

    async def _channel(self, writer: asyncio.StreamWriter, key: str, cursor: int) -> None:
        accept = base64.b64encode(hashlib.sha1((key + _WEBSOCKET_GUID).encode()).digest()).decode()
        writer.write(
            f"HTTP/1.1 {_SWITCHING_PROTOCOLS} Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept}\r\n"
            f"{''.join(f'{field}{CRLF}' for field in self._is.handshake_fields)}\r\n".encode()
        )
        async for seq, encoded in self._following(cursor):
            writer.write(bytes([self._is.frame_start]) + _frame_length(len(encoded)) + encoded)
            await writer.drain()
            if self._is.closes_after_event is not None and seq == self._is.closes_after_event[0]:
                writer.write(b"\x88\x02" + self._is.closes_after_event[1].to_bytes(2, "big"))
                await writer.drain()
                return


def _as_json(value: dict[str, Any]) -> Answer:
    return Answer(_OK, json.dumps(value).encode())


def _chunk(data: bytes, extension: bytes = b"") -> bytes:
    return b"%x%b\r\n%b\r\n" % (len(data), extension, data)


def _frame_length(length: int) -> bytes:
    return bytes([length]) if length < 126 else b"\x7e" + length.to_bytes(2, "big")


@contextmanager
def raw_server(behaviour: Behaviour | None = None, host: str = "127.0.0.1") -> Iterator[tuple[str, RawServer]]:
    """The URL of a server that behaves so and listens there only, and itself."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def start() -> RawServer:
        made = RawServer(Behaviour() if behaviour is None else behaviour)
        loop.add_reader(listening, made.accept, listening)
        return made

    async def stop() -> None:
        loop.remove_reader(listening)
        await made.stop()

    with socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET) as listening:
        listening.setblocking(False)
        made = asyncio.run_coroutine_threadsafe(start(), loop).result()
        try:
            yield Endpoint(host, listening.getsockname()[1]).url, made
        finally:
            asyncio.run_coroutine_threadsafe(stop(), loop).result()
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()
