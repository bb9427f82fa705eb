"""Times in records: whole nanoseconds of a clock."""

from __future__ import annotations

NO_TIME_NS = 0
"""In a column of times: what has no time, because it did not happen or was not observed. It is no reading of a clock
of ours, since both count from before the first program ran. Ask with `contract.records.is_time`: the times of a clock
that was moved to another's may be negative."""
