"""Values that a histogram holds equal are recorded at once: that is the same as one by one."""

from __future__ import annotations

import numpy as np
from hdrh.histogram import HdrHistogram
from hypothesis import given
from hypothesis import strategies as st

from analysis.export.histogram_log import LONGEST_NS, SIGNIFICANT_DIGITS, histogram_of

LATENCIES_NS = st.one_of(
    st.integers(0, 5_000),
    st.integers(0, LONGEST_NS),
    st.sampled_from([2**n + d for n in range(12, 50) for d in (-1, 0)]),
)


@given(st.lists(LATENCIES_NS, max_size=50))
def test_equal_values_are_recorded_at_once(latencies_ns: list[int]) -> None:
    one_by_one = HdrHistogram(1, max([LONGEST_NS, *latencies_ns]), SIGNIFICANT_DIGITS)
    for latency_ns in latencies_ns:
        assert one_by_one.record_value(latency_ns)
    found = histogram_of(np.array(latencies_ns, dtype=np.int64))
    assert found.get_total_count() == len(latencies_ns)
    assert found.encode() == one_by_one.encode()
    assert HdrHistogram.decode(found.encode()).get_total_count() == len(latencies_ns)
