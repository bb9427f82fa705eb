"""Times in records: whole nanoseconds of a clock, the time of day in ISO 8601, and the resolution of latencies."""

from __future__ import annotations

from datetime import UTC, datetime

NO_TIME_NS = 0
"""In a column of times: the value for what did not happen or was not observed. No clock reads it, since both clocks
count from before the first program started. Check for it with `contract.records.is_time`: times converted from another
machine's clock may be negative."""

RESOLUTION_MS = 0.2
"""The smallest difference of latencies that is claimed: loopback alone takes up to 0.1 ms across cores."""


def parse_time(text: str) -> datetime:
    """Parse an ISO 8601 time with its offset from UTC; return it in UTC, and raise ValueError for any other text."""
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(f"{text!r} has no offset from UTC")
    try:
        return found.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{text!r} is beyond the calendar in UTC") from error
