"""An incremental reader of HTTP/1.1 answers, for bytes that arrive in arbitrary pieces (RFC 9110 and RFC 9112).

httptools (llhttp) parses heads and chunks. This module adds what that parser does not do: interim answers (100, 103),
answers without a body whatever their head says (204, 304), answers that end with the connection, and surplus bytes.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import httptools

_HEAD_END = b"\r\n\r\n"
_FIRST_BYTES = b"HTTP/1."
_MOST_HEAD_BYTES = 65536
_REMEMBERED = 64
"""Cached results per function: a broadcast sends the same bytes to many clients within milliseconds."""
_CHUNK_SIZE, _MOST_SIZE_DIGITS = re.compile(rb"[0-9A-Fa-f]+"), 8
_FIRST_FINAL, _SWITCHING_PROTOCOLS, _OK = 200, 101, 200
_REDIRECTIONS = range(300, 400)
_WITHOUT_BODY = (_SWITCHING_PROTOCOLS, 204, 304)


class MalformedAnswerError(Exception):
    """The bytes are not a valid answer, or use an encoding that was not accepted; the message says which."""


@dataclass(frozen=True, slots=True)
class Head:
    """Status line and header fields of an answer."""

    status: int
    keeps_connection: bool
    """Whether the connection may be used again once the answer is complete."""
    body_bytes: int | None
    """Length of the body; None if it ends with its last chunk or with the connection."""
    chunked: bool
    fields: tuple[tuple[bytes, bytes], ...]
    """Names in lower case."""

    def field(self, name: bytes) -> bytes | None:
        """Return the value of the first field of this name."""
        return next((value for found, value in self.fields if found == name), None)

    @property
    def redirect_location(self) -> bytes | None:
        """Where the answer redirects to; None if it does not redirect."""
        return self.field(b"location") if self.status in _REDIRECTIONS else None


class AnswerReader:
    """Reads the final answer to one request; sets `head` when its head has arrived, and `complete` when all of it has.

    The llhttp parser would take up most of a client's memory. It is dropped between two chunks, where it holds no
    state, and built again for chunks that `plain_chunks` cannot read.
    """

    __slots__ = (
        "_between_chunks",
        "_chunks",
        "_head_bytes",
        "_inflater",
        "_inflates",
        "_missing_bytes",
        "_parser",
        "_unparsed",
        "complete",
        "head",
        "reusable",
    )

    def __init__(self, inflates: bool = False) -> None:
        """Start reading an answer; `inflates` says whether its request accepts `deflate`."""
        self.head: Head | None = None
        self.complete = False
        self.reusable = False
        """Whether the answer is complete and its connection may carry another one."""
        self._inflates = inflates
        self._inflater: zlib._Decompress | None = None
        self._unparsed = b""
        """Bytes of an incomplete head."""
        self._head_bytes = b""
        self._missing_bytes = 0
        """Bytes still to come of a body of known length."""
        self._between_chunks = False
        self._parser: Any = None
        self._chunks: _ChunkParts | None = None

    def read(self, data: bytes) -> bytes:
        """Return the bytes of the body in `data`; raise MalformedAnswerError if it is not such an answer."""
        if self._between_chunks:
            body = plain_chunks(data)
            if body is None:
                body = self._read_chunks(data)
        elif self._chunks is not None:
            body = self._read_chunks(data)
        else:
            if self.head is None:
                data = self._read_head(data)
            if self.head is None:
                return b""
            body = self._read_body(self.head, data)
        return body if self._inflater is None else self._inflate(self._inflater, body)

    def end(self) -> None:
        """Handle the end of the connection, which completes an answer without a length or chunks."""
        head = self.head
        self.complete = self.complete or (head is not None and head.body_bytes is None and not head.chunked)
        self.reusable = False

    def _read_head(self, data: bytes) -> bytes:
        """Return the bytes after the head of the final answer; `head` stays None until that head is complete."""
        data = self._unparsed + data if self._unparsed else data
        found = final_head(data)
        if found is None:
            self._unparsed = data
            return b""
        head, head_bytes, rest = found
        self._begin(head, head_bytes)
        return rest

    def _begin(self, head: Head, head_bytes: bytes) -> None:
        self.head = head
        self._unparsed = b""
        self._missing_bytes = head.body_bytes or 0
        if head.chunked:
            self._head_bytes = head_bytes
            self._between_chunks = True
        encoding = head.field(b"content-encoding")
        if encoding is None or head.status != _OK:
            return
        if self._inflates and encoding.lower() == b"deflate":
            self._inflater = zlib.decompressobj()
        elif encoding.lower() != b"identity":
            accepted = "deflate or none" if self._inflates else "none"
            raise MalformedAnswerError(f"it has Content-Encoding {encoding.decode('latin-1')!r}, not {accepted}")

    def _read_body(self, head: Head, data: bytes) -> bytes:
        if head.chunked:
            return self._read_chunks(data)
        if head.body_bytes is None:
            return data
        body = data if len(data) <= self._missing_bytes else data[: self._missing_bytes]
        self._missing_bytes -= len(body)
        self.complete = not self._missing_bytes
        self.reusable = self.complete and head.keeps_connection and len(body) == len(data)
        return body

    def _read_chunks(self, data: bytes) -> bytes:
        if self._chunks is None:
            # llhttp parses chunks only after the head that announces them.
            self._chunks = _ChunkParts()
            self._parser = httptools.HttpResponseParser(self._chunks)
            self._parser.feed_data(self._head_bytes)
        chunks, head = self._chunks, self.head
        assert head is not None
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            if not chunks.complete:
                raise MalformedAnswerError(f"its chunks are malformed ({error})") from error
            chunks.surplus = True
        self.complete = chunks.complete
        self.reusable = chunks.complete and head.keeps_connection and not chunks.surplus
        # llhttp reports nothing for an incomplete size line, but data that ends within one does not end with LF.
        self._between_chunks = chunks.ended and not chunks.complete and data.endswith(b"\n")
        body = chunks.take()
        if self._between_chunks:
            self._chunks = self._parser = None
        return body

    def _inflate(self, inflater: zlib._Decompress, body: bytes) -> bytes:
        try:
            return inflater.decompress(body)
        except zlib.error as error:
            raise MalformedAnswerError(f"its body cannot be inflated ({error})") from error


class _ChunkParts:
    """Receives the contents of chunks from llhttp. It does not refer to the parser's owner: that would be a cycle."""

    __slots__ = ("_pieces", "complete", "ended", "on_body", "surplus")

    def __init__(self) -> None:
        self.complete = False
        """Whether the last chunk and the trailer have arrived."""
        self.surplus = False
        """Whether bytes follow the answer."""
        self.ended = False
        """Whether the latest chunk is complete and no other has begun."""
        self._pieces: list[bytes] = []
        self.on_body = self._pieces.append

    def take(self) -> bytes:
        """Return the bytes of the body since the last call."""
        body = b"".join(self._pieces)
        self._pieces.clear()
        return body

    def on_message_begin(self) -> None:
        """Handle the first byte of the answer, or of surplus data after its end."""
        self.surplus = self.complete

    def on_chunk_header(self) -> None:
        """Handle the beginning of a chunk."""
        self.ended = False

    def on_chunk_complete(self) -> None:
        """Handle the end of a chunk."""
        self.ended = True

    def on_message_complete(self) -> None:
        """Handle the end of the answer."""
        self.complete = True


class WholeAnswer(NamedTuple):
    """A complete answer."""

    head: Head
    body: bytes
    reusable: bool


@lru_cache(_REMEMBERED)
def whole_answer(data: bytes, inflates: bool) -> WholeAnswer | None:
    """Return the answer in `data`; None if it is not complete.

    Cached, because a broadcast sends the same answer to many clients.
    """
    reader = AnswerReader(inflates)
    body = reader.read(data)
    if reader.head is None or not reader.complete:
        return None
    return WholeAnswer(reader.head, body, reader.reusable)


def final_head(data: bytes) -> tuple[Head, bytes, bytes] | None:
    """Return the head of the final answer in `data`, its bytes, and the bytes after it; None while it is incomplete."""
    while data.startswith(_FIRST_BYTES[: len(data)]):
        end = data.find(_HEAD_END) + len(_HEAD_END)
        if end < len(_HEAD_END):
            if len(data) > _MOST_HEAD_BYTES:
                raise MalformedAnswerError(f"its head is longer than {_MOST_HEAD_BYTES} bytes")
            return None
        head_bytes, data = data[:end], data[end:]
        head = parse_head(head_bytes)
        if head.status >= _FIRST_FINAL or head.status == _SWITCHING_PROTOCOLS:
            return head, head_bytes, data
    raise MalformedAnswerError("it does not begin as an HTTP/1.1 answer")


@lru_cache(_REMEMBERED)
def plain_chunks(data: bytes) -> bytes | None:
    """Return the content of the chunks in `data`; None unless all are complete, without extensions and not the last."""
    pieces: list[bytes] = []
    at = 0
    while at < len(data):
        size_end = data.find(b"\r\n", at, at + _MOST_SIZE_DIGITS + 2)
        if size_end < 0 or _CHUNK_SIZE.fullmatch(data, at, size_end) is None:
            return None
        start = size_end + 2
        end = start + int(data[at:size_end], 16)
        if end == start or data[end : end + 2] != b"\r\n":
            return None
        pieces.append(data[start:end])
        at = end + 2
    return b"".join(pieces)


class _HeadFields:
    """Receives the fields of a head from llhttp."""

    def __init__(self) -> None:
        self.fields: list[tuple[bytes, bytes]] = []
        self.parser: Any = None
        self.keeps_connection: bool | None = None

    def on_header(self, name: bytes, value: bytes) -> None:
        """Handle a field."""
        self.fields.append((name.lower(), value.strip()))

    def on_headers_complete(self) -> None:
        """Handle the end of the head, the last moment at which llhttp knows whether the connection is kept."""
        self.keeps_connection = self.parser.should_keep_alive()


@lru_cache(_REMEMBERED)
def parse_head(head_bytes: bytes) -> Head:
    """Parse a head including the empty line at its end; raise MalformedAnswerError if it is not one."""
    found = _HeadFields()
    found.parser = parser = httptools.HttpResponseParser(found)
    try:
        parser.feed_data(head_bytes)
    except httptools.HttpParserUpgrade:
        pass
    except httptools.HttpParserError as error:
        raise MalformedAnswerError(f"its head is malformed ({error})") from error
    finally:
        found.parser = None
    if found.keeps_connection is None:
        raise MalformedAnswerError("its head is malformed")
    status = parser.get_status_code()
    fields = dict(found.fields)
    codings = fields.get(b"transfer-encoding", b"").lower().split(b",")
    without_body = status in _WITHOUT_BODY or status < _FIRST_FINAL
    chunked = not without_body and codings[-1].strip() == b"chunked"
    length = fields.get(b"content-length")
    return Head(
        status=status,
        keeps_connection=found.keeps_connection and status != _SWITCHING_PROTOCOLS,
        body_bytes=0 if without_body else None if codings != [b""] or length is None else int(length),
        chunked=chunked,
        fields=tuple(found.fields),
    )
