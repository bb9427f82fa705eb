"""An incremental parser of event streams, for bytes that arrive in arbitrary pieces (WHATWG HTML, section 9.2).

Lines end with CR, LF or CRLF; an event ends with an empty line. `EventStream` cuts a stream into texts that begin at an
event, and `parse_events`, a pure function whose results can be cached, parses them. The pieces that common servers
send are usually such texts already.
"""

from __future__ import annotations

from typing import Final, NamedTuple

MESSAGE: Final = b"message"
"""The type of an event without an `event` field."""
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_LONGEST_RETRY_DIGITS = 12
"""The most digits read of a `retry` field: enough milliseconds for thirty years."""


class StreamEvent(NamedTuple):
    """One event as a browser dispatches it."""

    type: bytes
    data: bytes
    last_event_id: bytes | None
    """The last `id` up to this event; None if the text has had none."""


class ParsedEvents(NamedTuple):
    """The contents of a part of a stream."""

    events: tuple[StreamEvent, ...]
    last_event_id: bytes | None
    """The last `id`; None if there is none."""
    retry_ms: int | None
    """The last reconnection time; None if there is none."""
    rest: bytes
    """The beginning of an incomplete event, its lines ended by LF."""
    ends_with_cr: bool
    """Whether the text ends with CR, so that an LF after it belongs to the same line end."""


def parse_events(text: bytes) -> ParsedEvents:
    """Parse the complete events in `text`, which begins at an event."""
    ends_with_cr = text.endswith(b"\r")
    *blocks, rest = _with_lf(text).split(b"\n\n")
    events: list[StreamEvent] = []
    last_event_id: bytes | None = None
    retry_ms: int | None = None
    for block in blocks:
        kind, data = b"", []
        for line in block.split(b"\n"):
            name, _, value = line.partition(b":")
            value = value.removeprefix(b" ")
            if name == b"data":
                data.append(value)
            elif name == b"id" and b"\0" not in value:
                last_event_id = value
            elif name == b"event":
                kind = value
            elif name == b"retry" and value.isdigit():
                retry_ms = int(value[:_LONGEST_RETRY_DIGITS])
        if data:
            events.append(StreamEvent(kind or MESSAGE, b"\n".join(data), last_event_id))
    return ParsedEvents(tuple(events), last_event_id, retry_ms, rest.lstrip(b"\n"), ends_with_cr)


class EventStream:
    """Splits one stream into texts for `parse_events`, in time proportional to its length."""

    __slots__ = ("_after_cr", "_begun", "_pieces", "between_events")

    def __init__(self) -> None:
        self.between_events = False
        """Whether the next bytes can be parsed without a call of `add`."""
        self._begun = False
        """Whether the start of the stream has been checked for a byte-order mark."""
        self._after_cr = False
        """Whether the last byte was a CR, so that an LF that follows belongs to it."""
        self._pieces: list[bytes] = []
        """Pieces of an incomplete event, lines ended by LF."""

    def add(self, data: bytes) -> bytes:
        """Return the text up to the end of `data` if an event may end there; otherwise keep it and return nothing."""
        text = self._text(self._without_mark(data))
        self.between_events = self._begun and not self._pieces and not self._after_cr
        return text

    def keep(self, rest: bytes, ends_with_cr: bool) -> None:
        """Keep the beginning of an incomplete event, which `parse_events` returned, for the bytes that follow."""
        self._pieces = [rest] if rest else []
        self._after_cr = self._after_cr or ends_with_cr
        self.between_events = not self._pieces and not self._after_cr

    def _without_mark(self, data: bytes) -> bytes:
        if self._begun:
            return data
        data = b"".join([*self._pieces, data])
        if len(data) < len(_BYTE_ORDER_MARK) and _BYTE_ORDER_MARK.startswith(data):
            self._pieces = [data]
            return b""
        self._begun = True
        self._pieces = []
        return data.removeprefix(_BYTE_ORDER_MARK)

    def _text(self, data: bytes) -> bytes:
        if self._after_cr and data:
            self._after_cr = False
            data = data.removeprefix(b"\n")
        if not data or not self._pieces:
            return data
        self._after_cr = data.endswith(b"\r")
        data = _with_lf(data)
        ends_event = b"\n\n" in data or (data.startswith(b"\n") and self._pieces[-1].endswith(b"\n"))
        self._pieces.append(data)
        if not ends_event:
            return b""
        text = b"".join(self._pieces)
        self._pieces = []
        return text


def _with_lf(text: bytes) -> bytes:
    return text.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in text else text
