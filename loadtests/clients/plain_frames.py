"""A reader of plain data frames, so that most reads of a WebSocket need not be parsed byte by byte.

A plain frame is complete, of text, unfragmented, unmasked, uncompressed, and shorter than 64 KiB (RFC 6455, section
5.2). All other data is left to the WebSocket library.
"""

from __future__ import annotations

_WHOLE_TEXT = 0x81
"""The first byte of a plain frame: FIN, no reserved bit, and the opcode of text."""
_LENGTH_FOLLOWS = 126
"""The value that announces a length of two bytes; 127 announces one of eight, and larger values mean a mask."""


def plain_frames(data: bytes) -> tuple[list[bytes], int]:
    """Return the payloads of the plain frames at the start of `data`, and where the last of them ends.

    `data` begins where a frame begins.
    """
    payloads: list[bytes] = []
    end = 0
    while (frame := _plain_frame(data, end)) is not None:
        start, after = frame
        payloads.append(data[start:after])
        end = after
    return payloads, end


def _plain_frame(data: bytes, at: int) -> tuple[int, int] | None:
    """Return where the payload of the frame at `at` begins and ends; None if it is not plain or not complete."""
    if at + 2 > len(data) or data[at] != _WHOLE_TEXT:
        return None
    length, start = data[at + 1], at + 2
    if length == _LENGTH_FOLLOWS:
        start += 2
        length = int.from_bytes(data[start - 2 : start], "big")
    elif length > _LENGTH_FOLLOWS:
        return None
    # A length of which bytes are missing is read too small, but then `start` lies beyond the data already.
    return None if start + length > len(data) else (start, start + length)
