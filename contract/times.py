"""Times in records: whole nanoseconds of a clock, the time of day in ISO 8601, and the resolution of latencies."""

from __future__ import annotations

from datetime import UTC, datetime

NO_TIME_NS = 0
"""In a column of times: no time, because the thing did not happen or was not observed. No clock of ours reads it, since
both count from before the first program ran. Check with `contract.records.is_time`: times of a clock that was converted
to another's may be negative."""

RESOLUTION_MS = 0.2
"""The smallest difference of latencies that is claimed: loopback alone takes up to 0.1 ms across cores."""


def parse_time(text: str) -> datetime:
    """Return an ISO 8601 time in UTC; ValueError if the text is not one, or does not have its offset from UTC."""
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(f"{text!r} has no offset from UTC")
    try:
        return found.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{text!r} is beyond the calendar in UTC") from error
