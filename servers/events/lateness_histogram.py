"""A histogram of lateness, whose memory does not grow with the number of values."""

from __future__ import annotations

import math
from array import array

_FINE_BINS = 1 << 16
_COARSE_BINS = 1 << 16
_COARSE_US = 1000


class LatenessHistogram:
    """Lateness in µs: exact to 1 µs below 65 ms and to 1 ms below 65 s; the maximum is always exact."""

    def __init__(self) -> None:
        self._fine = array("Q", bytes(8 * _FINE_BINS))
        self._coarse = array("Q", bytes(8 * _COARSE_BINS))
        self.count = 0
        self._total_us = 0
        self.max_us = 0

    def add(self, late_ns: int) -> None:
        """Count one value; early ones count as on time."""
        late_us = max(late_ns, 0) // 1000
        if late_us < _FINE_BINS:
            self._fine[late_us] += 1
        else:
            self._coarse[min(late_us // _COARSE_US, _COARSE_BINS - 1)] += 1
        self.count += 1
        self._total_us += late_us
        self.max_us = max(self.max_us, late_us)

    def quantile_us(self, q: float) -> int | None:
        """Return a quantile by nearest rank: the smallest value that a share `q` of the values does not exceed.

        This is definition 1 of Hyndman & Fan (1996). None if nothing was counted.
        """
        if self.count == 0:
            return None
        rank = max(1, math.ceil(q * self.count))
        for bins, unit_us in ((self._fine, 1), (self._coarse, _COARSE_US)):
            for index, number in enumerate(bins):
                rank -= number
                if rank <= 0:
                    return min(index * unit_us, self.max_us)
        return self.max_us

    def summary_us(self) -> dict[str, int | None]:
        """Return `mean`, `p50`, `p99` and `max` in µs; all are None if nothing was counted."""
        mean = round(self._total_us / self.count) if self.count else None
        maximum = self.max_us if self.count else None
        return {"mean": mean, "p50": self.quantile_us(0.5), "p99": self.quantile_us(0.99), "max": maximum}
