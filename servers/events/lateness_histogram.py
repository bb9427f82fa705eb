"""How late things were, counted in bins so that hours of it need no more memory than seconds."""

from __future__ import annotations

import math
from array import array

_FINE_BINS = 1 << 16
_COARSE_BINS = 1 << 16
_COARSE_US = 1000


class LatenessHistogram:
    """Latenesses in µs: exact to 1 µs below 65 ms and to 1 ms below 65 s; the maximum is always exact."""

    def __init__(self) -> None:
        self._fine = array("Q", bytes(8 * _FINE_BINS))
        self._coarse = array("Q", bytes(8 * _COARSE_BINS))
        self.count = 0
        self._total_us = 0
        self.max_us = 0

    def add(self, late_ns: int) -> None:
        """Count one; what is early counts as on time."""
        late_us = max(late_ns, 0) // 1000
        if late_us < _FINE_BINS:
            self._fine[late_us] += 1
        else:
            self._coarse[min(late_us // _COARSE_US, _COARSE_BINS - 1)] += 1
        self.count += 1
        self._total_us += late_us
        self.max_us = max(self.max_us, late_us)

    def quantile_us(self, q: float) -> int | None:
        """Nearest rank (Hyndman & Fan 1996, definition 1): the smallest value with a share q at or below it."""
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
        """Return `mean`, `p50`, `p99` and `max` in µs; all None where nothing was counted."""
        mean = round(self._total_us / self.count) if self.count else None
        maximum = self.max_us if self.count else None
        return {"mean": mean, "p50": self.quantile_us(0.5), "p99": self.quantile_us(0.99), "max": maximum}
