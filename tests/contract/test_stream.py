import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.parameters import ARRIVALS, Arrival
from contract.stream import BURST_SIZE, BURST_SPACING_NS, StreamSpec, due_offsets_ns, payloads

specs = st.builds(
    StreamSpec,
    rate_per_s=st.floats(0.1, 200),
    arrival=st.sampled_from(ARRIVALS),
    payload_bytes=st.integers(1, 2000),
    duration_s=st.floats(0.1, 20),
    seed=st.integers(0, 2**32),
)


@given(specs)
def test_due_times_never_decrease_and_lie_within_the_duration(spec: StreamSpec) -> None:
    offsets = due_offsets_ns(spec)
    assert offsets.dtype == np.int64
    assert np.all(np.diff(offsets) >= 0)
    assert np.all((offsets >= 0) & (offsets < round(spec.duration_s * 1e9)))


@given(specs)
def test_the_same_seed_gives_the_same_stream(spec: StreamSpec) -> None:
    assert np.array_equal(due_offsets_ns(spec), due_offsets_ns(spec))
    assert payloads(spec) == payloads(spec)


@given(specs)
def test_payloads_are_distinct_where_they_can_be_and_of_the_length_asked_for(spec: StreamSpec) -> None:
    made = payloads(spec)
    assert {len(payload.encode("ascii")) for payload in made} == {spec.payload_bytes}
    assert spec.payload_bytes < 8 or len(set(made)) == len(made)


def test_periodic_events_lie_half_a_period_off_both_ends() -> None:
    offsets = due_offsets_ns(StreamSpec(4, "periodic", 10, 1, 0))
    assert offsets.tolist() == [125_000_000, 375_000_000, 625_000_000, 875_000_000]


@pytest.mark.parametrize("arrival", ["poisson", "burst"])
def test_random_arrivals_keep_the_mean_rate(arrival: str) -> None:
    duration_s, rate_per_s = 2000, 50
    events = len(due_offsets_ns(StreamSpec(rate_per_s, arrival, 1, duration_s, 7)))  # type: ignore[arg-type]  # parametrized
    events_per_arrival = BURST_SIZE if arrival == "burst" else 1
    deviation = np.sqrt(rate_per_s * duration_s * events_per_arrival)
    assert abs(events - rate_per_s * duration_s) < 5 * deviation


def test_poisson_gaps_are_exponential() -> None:
    gaps_s = np.diff(due_offsets_ns(StreamSpec(100, "poisson", 1, 500, 3))) / 1e9
    assert np.std(gaps_s) == pytest.approx(np.mean(gaps_s), rel=0.05)


def test_a_burst_is_a_run_of_events_a_millisecond_apart() -> None:
    offsets = due_offsets_ns(StreamSpec(1, "burst", 1, 200, 5))
    assert np.count_nonzero(np.diff(offsets) == BURST_SPACING_NS) > len(offsets) / 2


@given(seed=st.integers(0, 2**32), rate_per_s=st.integers(1, 50), warm_up_s=st.sampled_from([0.0, 3.0, 6.0]))
def test_random_arrivals_have_their_expected_count_in_the_warm_up_and_after_it(
    seed: int, rate_per_s: int, warm_up_s: float
) -> None:
    spec = StreamSpec(rate_per_s, "poisson", 1, warm_up_s + 3, seed, warm_up_s)
    offsets = due_offsets_ns(spec)
    assert np.count_nonzero(offsets >= warm_up_s * 1e9) in (rate_per_s * 3, rate_per_s * 3 + 1)
    assert abs(np.count_nonzero(offsets < warm_up_s * 1e9) - rate_per_s * warm_up_s) <= warm_up_s / 3


@given(
    rate_per_s=st.floats(0.5, 100),
    arrival=st.sampled_from(ARRIVALS),
    seed=st.integers(0, 2**32),
    warm_ups_ms=st.lists(st.integers(0, 9000), min_size=2, max_size=2).map(sorted),
)
def test_a_longer_warm_up_only_begins_earlier(
    rate_per_s: float, arrival: Arrival, seed: int, warm_ups_ms: list[int]
) -> None:
    """To the nanosecond and to the byte, the warm-up that both have included."""
    short, long = (
        StreamSpec(rate_per_s, arrival, 10, warm_up_ms / 1000 + 1.5, seed, warm_up_ms / 1000)
        for warm_up_ms in warm_ups_ms
    )
    earlier_ns = (warm_ups_ms[1] - warm_ups_ms[0]) * 1_000_000
    offsets = due_offsets_ns(long)
    shared = offsets >= earlier_ns
    assert np.array_equal(offsets[shared] - earlier_ns, due_offsets_ns(short))
    carried = [payloads(long)[i % 16] for i in np.flatnonzero(shared)]
    assert carried == [payloads(short)[i % 16] for i in range(len(carried))]


@given(
    rate_per_s=st.floats(0.5, 100),
    arrival=st.sampled_from(ARRIVALS),
    seed=st.integers(0, 2**32),
    lengths_ms=st.lists(st.integers(1500, 9000), min_size=2, max_size=2).map(sorted),
    warm_up_ms=st.integers(0, 4000),
)
def test_a_shorter_window_is_the_beginning_of_the_longer_one(
    rate_per_s: float, arrival: Arrival, seed: int, lengths_ms: list[int], warm_up_ms: int
) -> None:
    """To the nanosecond and to the byte, where both count their events in the same spans."""
    warm_up_s = warm_up_ms / 1000
    short, long = (
        StreamSpec(rate_per_s, arrival, 10, warm_up_s + length_ms / 1000, seed, warm_up_s, 1.5)
        for length_ms in lengths_ms
    )
    offsets = due_offsets_ns(short)
    assert np.array_equal(due_offsets_ns(long)[: len(offsets)], offsets)
    assert not (due_offsets_ns(long)[len(offsets) :] < (warm_up_ms + lengths_ms[0]) * 1_000_000).any()
    assert payloads(long) == payloads(short)


def test_every_span_has_its_expected_count() -> None:
    offsets = due_offsets_ns(StreamSpec(10, "poisson", 1, 9.0, 7, 3.0, 2.0))
    counts, _ = np.histogram(offsets / 1e9, [1, 3, 5, 7, 9])
    assert counts.tolist() == [20, 20, 20, 20]
