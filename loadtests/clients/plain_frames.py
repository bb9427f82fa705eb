"""Recognises plain data frames, so that what nearly every read of a WebSocket is need not be parsed byte by byte.

A plain frame is whole, of text, unfragmented, unmasked, uncompressed, and shorter than 64 KiB (RFC 6455, section 5.2).
Whatever else the channel carries is for the library that knows the protocol.
"""

from __future__ import annotations

_WHOLE_TEXT = 0x81
"""FIN, no reserved bit, and the opcode."""
_LENGTH_FOLLOWS = 126
"""In two bytes; 127 says in eight, and more that the frame is masked."""


def plain_frames(data: bytes) -> tuple[list[bytes], int]:
    """The payloads of the plain frames at the head of `data`, and where the last of them ends.

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
    """Where the payload of the frame at `at` begins and ends; None where it is not plain, or not here as a whole."""
    if at + 2 > len(data) or data[at] != _WHOLE_TEXT:
        return None
    length, start = data[at + 1], at + 2
    if length == _LENGTH_FOLLOWS:
        start += 2
        length = int.from_bytes(data[start - 2 : start], "big")
    elif length > _LENGTH_FOLLOWS:
        return None
    # A length that is itself not here yet is too small, but then `start` lies beyond the data already.
    return None if start + length > len(data) else (start, start + length)
