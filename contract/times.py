"""Times in records: whole nanoseconds of a clock."""

from __future__ import annotations

NO_TIME_NS = 0
"""In a column of times: no time, because the thing did not happen or was not observed. No clock of ours reads it, since
both count from before the first program ran. Check with `contract.records.is_time`: times of a clock that was converted
to another's may be negative."""
