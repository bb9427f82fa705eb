"""The figures that are computed from one trial's records, so that no two trials' records are in memory together."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.statistics.distribution import NS_PER_MS, Distribution, distribution_of
from analysis.trial.clocks import ClockConversion, judge_conversion, reason_to_withhold
from analysis.trial.connecting import Connecting
from analysis.trial.costs import (
    ByteCounts,
    Processor,
    RequestCounts,
    answer_times_ms,
    count_bytes,
    count_requests,
    processor_use,
    setup_bytes,
    setup_ms,
)
from analysis.trial.freshness import ViewAges
from analysis.trial.latency import (
    Floats,
    MeasuredLatencies,
    due_at_clients_ns,
    measure_ages,
    measure_latencies,
)
from analysis.trial.ledger import LATE_GRACE_S, keep_ledger
from analysis.trial.queueing import NotQueued, Queued, queued
from analysis.trial.steady_state import unsteady_reason
from analysis.trial.validity import (
    Evidence,
    PublishedStream,
    load_reasons,
    machine_reasons,
    overloaded,
    reasons_against,
    server_reasons,
)
from contract.records import Ints, SampleRole, Trial, TrialInfo, others_ratio, server_work
from contract.records.measured import in_window
from contract.transports import TransportStyle


@dataclass(frozen=True)
class TrialMeasures:
    """All figures of one trial that its point is computed from."""

    info: TrialInfo
    latencies: MeasuredLatencies
    latency_ms: Distribution | None
    """The latencies of all its measured deliveries; None if there are none."""
    least_latency_ms: float
    """The latency of the network alone, one transit or, for a round trip, two: no latency is shorter."""
    predicted_ms: Distribution | None
    """The model's latencies, of all that it delivers; None if there are none."""
    withheld: str | None
    """Why its one-way figures are withheld; None if the clocks of server and clients are known well enough."""
    clock_uncertainty_ms: float
    """The largest common error of its latencies, in either direction; 0 if one clock gives both stamps."""
    ages: ViewAges | None
    """How old its clients' views were; None for round trips."""
    kernel_stamps: bool
    conversion: ClockConversion | None
    """The conversion of the kernel's stamps to the clock of all figures; None without such stamps."""
    tcp_info: bool
    events: int
    """Published events due in the measured window."""
    sample_events: int
    """The number of independent events in the latencies: the same ones at all clients, or each message of a round trip.
    """
    due_deliveries: int
    """Pairs of client and event due in the window, the denominator of requests per event."""
    deliveries: int
    """Deliveries read within the window, the denominator of CPU time per event."""
    unsteady_reason: str | None
    """Why costs per event and freshness are not of a steady state; None if they are."""
    requests: RequestCounts
    answers_ms: Floats
    """The time from request to answer of each poll, which is not latency."""
    bytes: ByteCounts | None
    setup_bytes: Ints
    setup_ms: Floats
    processors: dict[SampleRole, Processor | None]
    others_ratios: dict[SampleRole, float | None]
    """Share of the window in which other programs used the cores of a role; None if that is not known."""
    connecting: Connecting
    ledger: dict[str, int]
    stream: PublishedStream
    reasons: tuple[str, ...]
    """Why the trial is INVALID; empty if it is not."""
    server_reasons: frozenset[str]
    """Those reasons which state that the server was full, or late with the stream."""
    machine_reasons: frozenset[str]
    """Those reasons which state that the machine disturbed the trial."""
    load_reasons: frozenset[str]
    """Those reasons which state that the load sent or read late."""
    overloaded: bool
    """Whether the server had no capacity left, which explains its reasons."""
    queued: Queued | NotQueued
    """The model with the queues of server and load, or why there is none."""

    @property
    def clocks_agree(self) -> bool:
        """Whether its one-way figures are known."""
        return self.withheld is None

    @property
    def throttled_ms(self) -> float:
        """For how long a CPU quota made its processes wait within the window, added up over cores; 0 without one."""
        return max((use.throttled_ns for use in self.processors.values() if use is not None), default=0.0) / NS_PER_MS

    @property
    def window_s(self) -> float:
        """Length of the measured window."""
        return (self.info.window_end_ns - self.info.window_start_ns) / 1e9

    @property
    def client_seconds(self) -> float:
        """The denominator of requests per second and client."""
        return self.window_s * self.info.parameters.clients


def measure(trial: Trial, style: TransportStyle) -> TrialMeasures:
    """Compute the measures of a trial, and judge its validity."""
    arrived_ns = trial.arrivals_ns(trial.deliveries)
    latencies = measure_latencies(trial, style, arrived_ns)
    latency_ms, predicted_ms = distribution_of(latencies.latency_ns), distribution_of(latencies.predicted_ns)
    requests = count_requests(trial, style)
    events = int(in_window(trial, trial.published.due_ns).sum())
    processors = {role: processor_use(trial, role) for role in SampleRole}
    deliveries = int(in_window(trial, trial.deliveries.user_ns).sum())
    ledger = _ledger(trial, style, latencies, arrived_ns)
    evidence = Evidence(trial, style, latencies, ledger, requests, processors, server_work(trial))
    return TrialMeasures(
        info=trial.info,
        latencies=latencies,
        latency_ms=latency_ms,
        least_latency_ms=float(trial.info.parameters.one_way_delay_ms) * (2 if style.kind.clients_send else 1),
        predicted_ms=predicted_ms,
        withheld=reason_to_withhold(trial, style, latencies),
        clock_uncertainty_ms=0.0 if style.kind.clients_send else trial.clock_uncertainty_ns / NS_PER_MS,
        ages=measure_ages(trial, style, arrived_ns),
        kernel_stamps=trial.has_kernel_stamps,
        conversion=judge_conversion(trial.clock) if trial.has_kernel_stamps else None,
        tcp_info=bool(trial.info.capabilities.get("tcp_info")),
        events=events,
        # Clients that send do so at their own times: each message is a sample of its own.
        sample_events=latencies.due_deliveries if style.kind.clients_send else events,
        due_deliveries=latencies.due_deliveries,
        deliveries=deliveries,
        unsteady_reason=unsteady_reason(trial.info, style),
        requests=requests,
        answers_ms=answer_times_ms(trial),
        bytes=count_bytes(trial, style),
        setup_bytes=setup_bytes(trial),
        setup_ms=setup_ms(trial),
        processors=processors,
        others_ratios={role: others_ratio(trial, role) for role in SampleRole},
        connecting=Connecting.of(trial),
        ledger=ledger,
        stream=PublishedStream.of(trial),
        reasons=tuple(reasons_against(evidence)),
        server_reasons=frozenset(server_reasons(evidence)),
        machine_reasons=frozenset(machine_reasons(evidence)),
        load_reasons=frozenset(load_reasons(evidence)),
        overloaded=overloaded(evidence),
        queued=queued(trial, style, processors, requests.answered_polls or deliveries, latencies.predicted_requests),
    )


def _ledger(trial: Trial, style: TransportStyle, latencies: MeasuredLatencies, arrived_ns: Ints) -> dict[str, int]:
    """Return the ledger; late events arrive after the last due time, the model's longest latency and a grace period."""
    longest_ns = int(latencies.predicted_ns.max(initial=0))
    last_due_ns = int(due_at_clients_ns(trial, style).max(initial=trial.info.window_end_ns))
    rows = trial.deliveries
    return keep_ledger(
        rows.client,
        rows.seq,
        arrived_ns,
        rows.payload_ok,
        clients=trial.info.parameters.clients,
        events=trial.info.expected_events,
        late_after_ns=last_due_ns + longest_ns + round(LATE_GRACE_S * 1e9),
    ).totals()
