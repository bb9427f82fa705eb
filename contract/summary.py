"""summary.json: every figure of a run, typed; its JSON Schema and its documentation are generated from here.

A field's name is its key, and the text below it documents it. `None` stands for null, what was not measured; a field
that has None as its default is left out where it is None. As mappings, records have their keys as in the file.
"""

from __future__ import annotations

import ast
import inspect
import json
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, TypeAdapter, ValidationError

from contract.errors import UserError
from contract.parameters import Parameters
from contract.records.documents import SUMMARY_FILE, SUMMARY_FORMAT, JsonObject, describe_error, read_json
from contract.records.fields import SUMMARY, check_fields
from contract.transports import TransportStyle

Interval = tuple[float, float]
"""A 95 % interval, `[low, high]`."""
Count = Annotated[int, Field(ge=0)]


class Record(Mapping[str, Any]):
    """A part of summary.json: fields as attributes, and by their keys."""

    __slots__ = ()

    def __getitem__(self, key: str) -> Any:
        if key not in self._keys():
            raise KeyError(key)
        return getattr(self, key)

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys())

    def __len__(self) -> int:
        return len(self._keys())

    def _keys(self) -> list[str]:
        known = fields(self)  # type: ignore[arg-type]  # a mixin of dataclasses alone
        return [f.name for f in known if f.default is MISSING or getattr(self, f.name) is not None]

    @classmethod
    def parse(cls, document: Mapping[str, Any], *, whole: bool = False) -> Self:
        """Build the record from the types of JSON; ValueError where a field is missing or wrong.

        `whole`: also where the document has a key that the record does not have.
        """
        adapter: TypeAdapter[Self] = _adapter(cls)
        text = json.dumps(document, default=dict)
        return adapter.validate_json(text, strict=True, extra="forbid" if whole else "ignore")

    @classmethod
    def descriptions(cls) -> dict[str, str]:
        """Return what each key means: the text below it, which is not read to build a record (that takes 0.7 s)."""
        body = ast.parse(inspect.getsource(cls)).body[0].body  # type: ignore[attr-defined]  # of a class
        found = {}
        for pair in pairwise(body):
            match pair:
                case (ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text)))):
                    found[name] = inspect.cleandoc(text)
        return found

    @classmethod
    def schema(cls) -> dict[str, Any]:
        """Return the JSON Schema of the record, with a description for each key."""
        schema = _adapter(cls).json_schema()
        for name, part in (*schema["$defs"].items(), (cls.__name__, schema)):
            record = globals().get(name)
            for key, text in record.descriptions().items() if record in Record.__subclasses__() else ():
                part["properties"][key]["description"] = text
        return schema


@cache
def _adapter(record: type[Any]) -> TypeAdapter[Any]:
    return TypeAdapter(record)


@dataclass(frozen=True, slots=True, eq=False)
class Estimate(Record):
    """A figure with its interval."""

    value: float | None
    """The figure."""
    ci95: Interval | None
    """Its 95 % interval."""


@dataclass(frozen=True, slots=True, eq=False)
class CorrectedEstimate(Record):
    """A figure, with the luck of its streams taken out of it where that can be done (docs/method/method.md)."""

    value: float | None
    """The figure."""
    ci95: Interval | None
    """Its 95 % interval."""
    corrected: bool
    """Whether the streams' luck is taken out of it; else it is the plain figure."""


@dataclass(frozen=True, slots=True, eq=False)
class IntervalsWithheld(Record):
    """Intervals that are null because too few events wait for a poll."""

    waits: float
    """How many of the events can be expected to wait."""
    needed: Count
    """How many are needed."""
    reason: str
    """The reason in words."""


@dataclass(frozen=True, slots=True, eq=False)
class Latency(Record):
    """Latency of a point's deliveries, ms: received less due. A quantile with too few events is null."""

    mean: float | None
    """The mean."""
    p50: float | None
    """The median."""
    p90: float | None
    """The 90th percentile."""
    p95: float | None
    """The 95th percentile."""
    p99: float | None
    """The 99th percentile."""
    max: float | None
    """The longest."""
    mean_ci95: Interval | None
    """Interval of the mean, cut off where the figure cannot be, as at one transit of the network."""
    p50_ci95: Interval | None
    """Interval of the median."""
    p95_ci95: Interval | None
    """Interval of the 95th percentile."""
    p99_ci95: Interval | None
    """Interval of the 99th percentile."""


@dataclass(frozen=True, slots=True, eq=False)
class LatencyWithheld(Record):
    """Trials whose latencies are not known, as their clocks are not known to 10 % of their median."""

    trials: Count
    """Number of such trials; where it is all, the point's latency, freshness and residual are null."""
    uncertainty_ms: float
    """The largest uncertainty of a clock."""
    reason: str
    """The reason in words."""


@dataclass(frozen=True, slots=True, eq=False)
class QuantilesWithheld(Record):
    """Quantiles that are null because the point has too few events for them."""

    events: Count
    """Events of the point's trials together; of round trips, messages."""
    needed: dict[str, Count]
    """By name of each missing quantile the events that it needs: 20, 100, 200, 1000 for p50, p90, p95, p99."""
    reason: str
    """The reason in words."""


@dataclass(frozen=True, slots=True, eq=False)
class Reach(Record):
    """Within what time an event reaches 99 % of the clients, ms: the mean over the events."""

    p99: float
    """As measured."""
    p99_ci95: Interval | None
    """Its interval."""
    model_p99: float
    """By the model on the trials' own schedules."""


@dataclass(frozen=True, slots=True, eq=False)
class Part(Record):
    """One part of the latency, ms."""

    mean: float | None
    """The mean; those of the first three parts add up to the latency's."""
    p50: float | None
    """The median."""
    p99: float | None
    """The 99th percentile."""


@dataclass(frozen=True, slots=True, eq=False)
class Parts(Record):
    """Where the time of the deliveries went."""

    server_lag: Part | None
    """Published less due."""
    queue: Part | None
    """Written less published; null unless all trials have a server's trace."""
    delivery: Part | None
    """Kernel arrival less written, or less published where `queue` is null."""
    client_delay: Part | None
    """Read by the client less kernel arrival; null without kernel stamps."""


@dataclass(frozen=True, slots=True, eq=False)
class Stamps(Record):
    """Quality of the kernel's arrival stamps."""

    missing: Count
    """Deliveries without a stamp."""
    coalesced: Count
    """Deliveries read together with a later segment, whose stamp they have."""
    conversion_error_us: float | None
    """Largest possible error of moving the stamps to the monotonic clock; null without kernel stamps."""
    drift_ppm: float | None
    """Drift of the realtime clock, the largest of the trials; null without kernel stamps."""


@dataclass(frozen=True, slots=True, eq=False)
class SteadyState(Record):
    """Whether the measured windows saw the point as it is in the long run (rule 8 of docs/method/method.md)."""

    read_ratio: float | None
    """Deliveries read in the measured windows over those due in them."""
    reason: str | None
    """Why it was not steady: less than 95 % could be read. Figures per event and `freshness` are then null."""


@dataclass(frozen=True, slots=True, eq=False)
class Requests(Record):
    """Totals over the whole trials."""

    connects: Count
    """Connections opened."""
    handshakes: Count
    """Handshakes of channels."""
    polls: Count
    """Polls sent."""
    posts: Count
    """Messages posted."""
    empty: Count
    """Polls answered with nothing."""
    skipped: Count
    """Scheduled polls left out, as the last one was unanswered."""
    reconnects: Count
    """Connections opened again."""
    errors: Count
    """Failed requests."""


@dataclass(frozen=True, slots=True, eq=False)
class BytesPerEvent(Record):
    """Bytes at the socket per delivery, set-up apart."""

    up: float | None
    """From the clients."""
    down: float | None
    """To the clients."""
    total: float | None
    """Both."""


@dataclass(frozen=True, slots=True, eq=False)
class BytesIntervals(Record):
    """Intervals of `bytes_per_event`."""

    up: Interval | None
    """Of the bytes from the clients."""
    down: Interval | None
    """Of the bytes to the clients."""
    total: Interval | None
    """Of both."""


@dataclass(frozen=True, slots=True, eq=False)
class BytesSplit(Record):
    """Bytes per delivery by what they are: the first three add up to `bytes_per_event`."""

    payload: float | None
    """The events as encoded; null with compression, where they travel together with their framing."""
    framing_and_headers: float | None
    """What carries them; null with compression."""
    empty_polls: float | None
    """Polls that were answered with nothing."""
    tcp_ip: float | None
    """TCP and IP headers on top, from the kernel's segment counts; null where it gives none."""


@dataclass(frozen=True, slots=True, eq=False)
class SetupTimes(Record):
    """Time of connecting and opening the channel, ms."""

    p50: float | None
    """The median of all clients."""
    p50_ci95: Interval | None
    """Its interval, from the trials' medians."""
    max: float | None
    """The longest."""


@dataclass(frozen=True, slots=True, eq=False)
class Freshness(Record):
    """Age of a client's view: the time since the oldest event was due that is due and not delivered, 0 without one."""

    older_than_100_ms_ratio: float | None
    """Share of the time, over all clients, in which a view was older than 100 ms."""
    older_than_100_ms_ratio_ci95: Interval | None
    """Its interval."""
    older_than_1_s_ratio: float | None
    """Share of the time in which a view was older than 1 s."""
    older_than_1_s_ratio_ci95: Interval | None
    """Its interval."""
    mean_age_ms: float | None
    """Mean age of a view."""
    mean_age_ms_ci95: Interval | None
    """Its interval."""


@dataclass(frozen=True, slots=True, eq=False)
class Ledger(Record):
    """What became of every event for every client, summed over the whole trials."""

    expected: Count
    """Deliveries to be made."""
    delivered: Count
    """Deliveries made."""
    lost: Count
    """Never delivered."""
    duplicate: Count
    """Further copies."""
    reordered: Count
    """Delivered after a later event."""
    late: Count
    """Delivered after the last due time plus the model's longest latency plus one second."""
    corrupt: Count
    """Delivered with another payload."""


@dataclass(frozen=True, slots=True, eq=False)
class Loss(Record):
    """Share of the deliveries due in the window that never came; 0 with a cursor."""

    ratio: float | None
    """As measured."""
    model_ratio: float | None
    """By the model on the trials' own schedules."""
    closed_form_ratio: float | None
    """In closed form; null where there is none."""


@dataclass(frozen=True, slots=True, eq=False)
class Model(Record):
    """The network alone, evaluated on the trials' own schedules."""

    mean_ms: float | None
    """Mean latency."""
    p50_ms: float | None
    """Median latency."""
    p95_ms: float | None
    """95th percentile of the latency."""
    p99_ms: float | None
    """99th percentile of the latency."""
    requests_per_event: float | None
    """Requests per event and client."""


@dataclass(frozen=True, slots=True, eq=False)
class QueueModel(Record):
    """The model with queues, with the service times that went into it, means over the trials."""

    mean_ms: float | None
    """Mean latency."""
    p50_ms: float | None
    """Median latency."""
    p95_ms: float | None
    """95th percentile of the latency."""
    p99_ms: float | None
    """99th percentile of the latency."""
    requests_per_event: float | None
    """Requests per event and client."""
    answer_us: float | None
    """CPU time of the server per answer or delivery."""
    waking_us: float | None
    """The part of it that falls due when a held poll is answered; 0 where none is held."""
    read_us: float | None
    """CPU time of the load per answer or delivery."""
    reason: str | None
    """Why all of them are null, in words: CPU times, several server processes, too many requests, `waking_ratio`."""


@dataclass(frozen=True, slots=True, eq=False)
class LatencySplit(Record):
    """The mean latency in three parts that add up to it, ms."""

    network: float | None
    """By `model`."""
    queueing: float | None
    """`queue_model` less `model`."""
    unexplained: float | None
    """As measured less `queue_model`."""


@dataclass(frozen=True, slots=True, eq=False)
class ClosedForm(Record):
    """The closed form of docs/method/method.md."""

    mean_ms: float
    """Mean latency."""
    p50_ms: float
    """Median latency."""
    p99_ms: float
    """99th percentile of the latency."""
    requests_per_event: float
    """Requests per event and client."""


@dataclass(frozen=True, slots=True, eq=False)
class Precision(Record):
    """How well a point's median is known, beside what the scenario asks."""

    asked_ratio: float
    """The scenario's `precision`."""
    asked_ms: float
    """That share of the mean of the pilot's medians, at least 0.2 ms."""
    reached_ratio: float | None
    """`reached_ms` over the median."""
    reached_ms: float | None
    """Half the width of the median's interval."""
    trials_needed: Count
    """Trials that it takes, the pilot's included."""
    trials_added: Count
    """Finished trials beyond the pilot."""
    reached: bool
    """Whether `reached_ms` is at most `asked_ms`."""


@dataclass(frozen=True, slots=True, eq=False)
class Answers(Record):
    """Time from a poll's request to its answer, ms, which is no latency."""

    mean: float
    """The mean."""
    p50: float
    """The median."""
    p95: float
    """The 95th percentile."""


@dataclass(frozen=True, slots=True, eq=False)
class Extremes(Record):
    """Lowest and highest figure of a single trial, ms."""

    mean: Interval
    """Of the mean."""
    p50: Interval
    """Of the median."""
    p95: Interval
    """Of the 95th percentile."""


@dataclass(frozen=True, slots=True, eq=False)
class Misranked(Record):
    """How many blocks alone rank the point and the reference the other way round than all together."""

    blocks: Count
    """Blocks that both have."""
    mean: Count | None
    """By the mean."""
    p50: Count | None
    """By the median."""
    p95: Count | None
    """By the 95th percentile."""


@dataclass(frozen=True, slots=True, eq=False)
class AsReported(Record):
    """What a careless comparison would report of the point."""

    answer_ms: Answers | None
    """Of its polls; null for a push."""
    answer_model_mean_ms: float | None
    """Mean of `answer_ms` in closed form."""
    one_run_ms: Extremes | None
    """What a single trial says, as measured."""
    one_run_model_ms: Extremes | None
    """What a single trial says, by the model."""
    misranked: Misranked | None = None
    """Beside the reference; absent for the reference itself."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class LatencyDifference(Record):
    """Difference of a latency from the reference's, ms."""

    value: float
    """The difference of the two points' own figures."""
    ci95: Interval | None
    """Its interval, from the differences within blocks."""
    p_value: float | None
    """Two-sided, of Student's t."""
    blocks: Count
    """Blocks that both have."""
    adjusted_p_value: float | None = None
    """Corrected (Holm) for all that the verdict looks at; absent where it does not look at this one."""
    adjusted_among: Count | None = None
    """Number of differences that the verdict looks at; absent likewise."""
    noise_floor_ms: float | None
    """How far the noisier of the two transports differs from itself in as many blocks; null where not measured."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class CostDifference(Record):
    """Difference of a cost from the reference's, in the unit of the cost."""

    value: float
    """The difference of the two points' own figures."""
    ci95: Interval | None
    """Its interval, from the differences within blocks."""
    p_value: float | None
    """Two-sided, of Student's t."""
    blocks: Count
    """Blocks that both have."""
    reference: float
    """The reference's own figure."""
    adjusted_p_value: float | None = None
    """Corrected (Holm) for all that the verdict looks at; absent where it does not look at this one."""
    adjusted_among: Count | None = None
    """Number of differences that the verdict looks at; absent likewise."""


@dataclass(frozen=True, slots=True, eq=False)
class AgainstReference(Record):
    """Difference of a point from the reference's at the same parameters."""

    p50_difference_ms: LatencyDifference | None
    """Of the median."""
    p95_difference_ms: LatencyDifference | None
    """Of the 95th percentile."""
    mean_difference_ms: LatencyDifference | None
    """Of the mean."""
    clock_uncertainty_ms: float
    """Of both points' clocks: intervals are as much wider; a difference of less than ten times that is null."""
    ratio_p50: float | None
    """The median over the reference's."""
    costs: dict[str, CostDifference | None]
    """By name of a point's field (`bytes_per_event`: the total, `setup_ms`: the median); null where one has none."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Point(Record):
    """One transport at one set of parameters: all its trials together."""

    transport: str
    """Name of the transport."""
    parameters: Parameters
    """Every parameter that it takes. `stack` and `workers` are absent for a server that was already running."""
    trials: Count
    """Trials that entered the point."""
    events: Count
    """Events published in the measured windows."""
    deliveries: Count
    """Deliveries of events due in the measured windows, first copies."""
    latency_ms: Latency
    """Latency."""
    latency_withheld: LatencyWithheld | None
    """Trials whose latencies are not known; null where all are."""
    quantiles_withheld: QuantilesWithheld | None
    """Quantiles with too few events; null where there are enough."""
    reach_ms: Reach | None
    """Time to reach 99 % of the clients; null for round trips."""
    latency_stamp: Literal["kernel", "user"]
    """Whose arrival time the latency is taken from."""
    parts_ms: Parts
    """Where the time went."""
    stamps: Stamps
    """Quality of the arrival stamps."""
    steady_state: SteadyState
    """Whether the point was measured in a steady state."""
    requests_per_event: float | None
    """Requests sent in the window per event and client."""
    requests_per_event_ci95: Interval | None
    """Its interval."""
    requests_per_s: float | None
    """Requests sent in the window per second and client."""
    requests_per_s_ci95: Interval | None
    """Its interval."""
    empty_ratio: float | None
    """Share of the polls answered in the window that carried nothing; null without polls."""
    empty_ratio_ci95: Interval | None
    """Its interval."""
    requests: Requests
    """Totals of requests."""
    bytes_per_event: BytesPerEvent
    """Bytes per delivery by direction."""
    bytes_per_event_ci95: BytesIntervals
    """Their intervals."""
    bytes_split_per_event: BytesSplit
    """Bytes per delivery by what they are."""
    setup_bytes_per_client: float | None
    """Socket bytes, both directions, until a client was ready."""
    setup_bytes_per_client_ci95: Interval | None
    """Its interval."""
    setup_ms: SetupTimes
    """Time until a client was ready."""
    server_cpu_us_per_event: float | None
    """CPU time of the server per delivery, less the publisher's spinning; null for a server not started here."""
    server_cpu_us_per_event_ci95: Interval | None
    """Its interval."""
    server_cpu_ratio: float | None
    """CPU time of the server over the window less what was stolen from its core, the largest of the trials."""
    load_cpu_us_per_event: float | None
    """CPU time of the load per delivery."""
    load_cpu_us_per_event_ci95: Interval | None
    """Its interval."""
    load_cpu_ratio: float | None
    """CPU time of the load over the window likewise, the largest of the trials and of their load processes."""
    relay_cpu_us_per_event: float | None
    """CPU time of the relay per delivery; null where there is none."""
    relay_cpu_us_per_event_ci95: Interval | None
    """Its interval."""
    relay_cpu_ratio: float | None
    """CPU time of the relay over the window likewise."""
    server_stolen_ratio: float | None
    """Share of the window in which a virtual machine's host took the server's core, the largest of the trials."""
    server_core_others_ratio: float | None
    """Share of the window in which other programs used the server's cores, the largest; null where not known."""
    server_rss_bytes: Count | None
    """Largest resident memory of the server."""
    server_connected_rss_bytes: float | None
    """Resident memory of the server when all clients were ready, mean of the trials."""
    server_connected_rss_bytes_ci95: Interval | None
    """Its interval."""
    server_rss_bytes_per_client: float | None
    """That less the memory before the first client connected, per client."""
    server_rss_bytes_per_client_ci95: Interval | None
    """Its interval."""
    load_stolen_ratio: float | None
    """As `server_stolen_ratio`, of the load."""
    load_core_others_ratio: float | None
    """As `server_core_others_ratio`, of the load."""
    load_rss_bytes: Count | None
    """Largest resident memory of a load process."""
    load_connected_rss_bytes: float | None
    """Resident memory of the load when all clients were ready, mean of the trials."""
    load_connected_rss_bytes_ci95: Interval | None
    """Its interval."""
    load_rss_bytes_per_client: float | None
    """That less the memory before the first client connected, per client."""
    load_rss_bytes_per_client_ci95: Interval | None
    """Its interval."""
    throttled_ms: float
    """How long a CPU quota throttled the processes within the window, summed over cores, the largest of the trials."""
    time_to_connect_s: float | None
    """From the first client's connecting to the last one's being ready, mean of the trials; null where not all were."""
    time_to_connect_s_ci95: Interval | None
    """Its interval."""
    freshness: Freshness | None
    """Age of the clients' views; null for round trips and where the point was not steady."""
    ledger: Ledger
    """What became of every event for every client."""
    loss: Loss
    """Deliveries that never came."""
    model: Model
    """The network alone."""
    queue_model: QueueModel
    """The network with queues."""
    latency_split_ms: LatencySplit | None
    """The mean latency in parts."""
    closed_form: ClosedForm | None
    """The closed form; null where there is none (bursts)."""
    residual_ms: Part
    """Latency less `model`, per delivery."""
    intervals_withheld: IntervalsWithheld | None
    """Why intervals that depend on waits are null (plain mean, reach, requests, bytes, empty polls, freshness)."""
    estimates: dict[str, CorrectedEstimate] | None = None
    """`mean_ms`, `requests_per_event`, `requests_per_s` as tables, charts and differences have them; new in 0.2."""
    by_block: dict[str, tuple[int | float | None, ...]] | None = None
    """The trials' figures, a column each: `block`, and by path in the point (`latency_ms.p95`) what has an interval."""
    least_spreads: dict[str, float] | None = None
    """By figure of `by_block` the standard deviation between trials that it has whatever a few of them show."""
    precision: Precision | None
    """How well the median is known; null where the scenario does not ask, or its pilot was not finished."""
    as_reported: AsReported | None = None
    """What a careless comparison would report; only in a run that makes a mistake on purpose."""
    base: bool
    """Whether all parameters are the scenario's base ones."""
    valid: bool
    """Whether its figures can be trusted."""
    invalid_reasons: tuple[str, ...]
    """Why not: each reason names what, how much, the threshold and the remedy."""
    against_reference: AgainstReference | None
    """The difference from the reference's point; null for the reference itself, or where it has no such point."""


@dataclass(frozen=True, slots=True, eq=False)
class SetAside(Record):
    """An attempt at a trial that was repeated, because the machine disturbed it."""

    trial: str
    """Folder name of the trial."""
    reasons: tuple[str, ...]
    """What the machine did to it."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class NoiseDifference(Record):
    """How far a transport differs from itself, ms."""

    value: float | None = None
    """Mean paired difference of two identical points."""
    half_width: float | None
    """Of its 95 % interval; null with one pair."""
    largest: float | None = None
    """The largest difference in a block."""
    pairs: Annotated[int, Field(ge=1, le=1_000_000)]
    """Pairs of trials."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class NoiseFloor(Record):
    """How far a transport's figures differ from themselves."""

    parameters: dict[str, str | float | bool] | None = None
    """Parameters at which that was measured; absent in earlier runs."""
    p50_ms: NoiseDifference | None
    """Of the median."""
    p95_ms: NoiseDifference | None
    """Of the 95th percentile."""
    mean_ms: NoiseDifference | None
    """Of the mean."""


NoiseFloors = dict[str, NoiseFloor]
"""By transport."""


@dataclass(frozen=True, slots=True, eq=False)
class Knee(Record):
    """Up to how many clients an event reaches 99 % of them within `p99_bound_ms` beyond the model."""

    clients: Count | None
    """The largest number that holds, all smaller ones included; null where there is none."""
    position: Literal["between", "beyond", "below", "unknown"]
    """Between that and `next_clients`, beyond the largest, below the smallest, or unknown (the next is not valid)."""
    next_clients: Count | None
    """The smallest number that does not hold or is not valid."""


@dataclass(frozen=True, slots=True, eq=False)
class Slopes(Record):
    """What one more client adds to the latency above the model, µs: least squares over the valid points."""

    mean: Estimate | None
    """To the mean; null with fewer than three valid points."""
    max: Estimate | None
    """To the longest."""


@dataclass(frozen=True, slots=True, eq=False)
class ScalingLaw(Record):
    """The formulas of saturation, from the server's CPU time at the largest valid number of clients."""

    service_us: float
    """That CPU time."""
    per: Literal["delivery", "request"]
    """What it is of."""
    mean_slope_us: float | None
    """What one more client adds to the mean latency of a fan-out; null for others."""
    max_slope_us: float | None
    """What one more client adds to its longest latency."""
    saturated_at_clients: float
    """Number of clients that fills the server's cores."""
    cycle_ms: float | None
    """Time of one round of all clients of a long poll; null for others."""


@dataclass(frozen=True, slots=True, eq=False)
class Further(Record):
    """What one more client costs in the lower and in the upper half of the range."""

    lower: float
    """Per client from `from_clients` to `split_at_clients`."""
    upper: float
    """Per client from there to `to_clients`."""
    from_clients: Count
    """The smallest number of clients."""
    split_at_clients: Count
    """Where the halves meet."""
    to_clients: Count
    """The largest number of clients."""
    ratio: float | None
    """Upper over lower."""
    flat: bool
    """Whether both are the same within 20 %."""


@dataclass(frozen=True, slots=True, eq=False)
class FurtherCosts(Record):
    """What one more client costs."""

    server_cpu_us_per_event: Further | None
    """CPU time of the server per event."""
    load_cpu_us_per_event: Further | None
    """CPU time of the load per event."""
    server_rss_bytes_per_client: Further | None
    """Memory of the server."""
    load_rss_bytes_per_client: Further | None
    """Memory of the load."""


@dataclass(frozen=True, slots=True, eq=False)
class TransportScaling(Record):
    """How one transport scales with its clients (docs/method/scale.md)."""

    clients: tuple[Count, ...]
    """Numbers of clients of its points, ascending."""
    knee: Knee
    """How many it holds."""
    slope_us_per_client: Slopes
    """What one more adds to the latency."""
    law: ScalingLaw | None
    """What the formulas say; null where the server's CPU time is not known."""
    further: FurtherCosts
    """What one more costs."""


@dataclass(frozen=True, slots=True, eq=False)
class Scaling(Record):
    """How the transports scale with their clients."""

    p99_bound_ms: float
    """The scenario's bound of a knee, or 100."""
    transports: dict[str, TransportScaling]
    """By transport."""


@dataclass(frozen=True, slots=True, eq=False)
class LoadProcess(Record):
    """One of several load processes, over all its trials."""

    index: Count
    """Its number."""
    host: str
    """The machine that it ran on."""
    trials: Count
    """Trials that it took part in."""
    clients: Count
    """The most clients that it had."""
    clock_uncertainty_us: float | None
    """Uncertainty of its clock, the worst of its trials."""
    round_trip_us: float | None
    """Round trip to it, the worst of its trials."""
    clock_drift_us: float | None
    """Drift of its clock over a trial, the worst."""
    ends: dict[str, Count]
    """Number of its trials by how it ended."""


@dataclass(frozen=True, slots=True, eq=False)
class Saturated(Record):
    """A point that saturated the server."""

    parameters: Parameters
    """Its parameters."""
    asked_per_s: float | None
    """Polls or events per second that it asked for; null for long polls."""
    reached_per_s: float
    """What it got."""
    events_per_poll: float | None
    """Events in an answered poll; null for a push."""
    predicted_per_s: float
    """One over the service time at moderate load."""
    server_cpu_ratio: float
    """CPU time of the server over the window."""


@dataclass(frozen=True, slots=True, eq=False)
class TransportCapacity(Record):
    """What one server core does with one transport."""

    transport: str
    """Its name."""
    poll_cpu_us: Estimate | None
    """CPU time of the server at moderate load per answered poll; null for a push."""
    event_cpu_us: Estimate
    """CPU time per event, in a poll or pushed."""
    saturated: tuple[Saturated, ...]
    """Its points that saturated the server."""
    economy_ratio: Estimate | None
    """Share of that CPU time which a saturated server needs; null where no point saturated it."""
    event_bytes: float | None
    """Bytes of an event as encoded."""
    poll_bytes: float | None
    """Bytes that a poll adds to its events, both directions; null for a push."""
    framing_bytes: float | None
    """Bytes that a channel adds to each event; null for polls."""
    events_per_poll: float | None
    """At which `per_s` holds: λI of the base parameters for short polls, as measured for long ones."""
    per_s: Estimate
    """Polls or pushed events that a whole core does in a second (μ)."""
    clients: Estimate
    """Clients that it holds at the base event rate and interval; null for long polls."""


@dataclass(frozen=True, slots=True, eq=False)
class Side(Record):
    """One transport of a comparison."""

    predicted_load_ratio: Estimate
    """Predicted share of the server's capacity; above 1 is more than it has."""
    server_cpu_ratio: float
    """CPU time of the server over the window."""
    cpu_us_per_client_s: Estimate
    """CPU time of the server per client and second."""
    p99_beyond_model_ms: float
    """How much later than by the model an event reaches 99 % of the clients, the worst trial's."""
    holds: bool
    """Whether the server had room and events were not late."""


@dataclass(frozen=True, slots=True, eq=False)
class Tried(Record):
    """A comparison of a push and a poll at an event rate of its own."""

    clients: Count
    """Clients of each."""
    rate_per_s: float
    """Events per second."""
    poll_interval_s: float
    """Time between the polls."""
    events_per_poll: float
    """λI."""
    predicted: Literal["push", "poll", "undecided"]
    """Which is predicted to hold more clients."""
    push: Side
    """The push."""
    poll: Side
    """The poll."""
    claims: dict[str, bool]
    """What the prediction claims (`cheaper`, `holds`, `other_does_not_hold`), and whether it was met."""
    outcome: Literal["confirmed", "refuted", "undecided"]
    """What came of the prediction."""


@dataclass(frozen=True, slots=True, eq=False)
class Crossover(Record):
    """Where polling holds more clients than a push."""

    push: str
    """Name of the push."""
    poll: str
    """Name of the poll."""
    events_per_poll: Estimate
    """The λI above which it does; null: never."""
    tried: tuple[Tried, ...]
    """Comparisons at other event rates, which can refute it."""


@dataclass(frozen=True, slots=True, eq=False)
class Capacity(Record):
    """What one server core does (docs/method/capacity.md has the formulas)."""

    transports: tuple[TransportCapacity, ...]
    """Each transport with a point that service times can be fitted on."""
    crossovers: tuple[Crossover, ...]
    """Each pair of a push and a poll."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Summary(Record):
    """A run's summary."""

    scenario: str
    """Name of the scenario."""
    wrong_way: str | None
    """Of a run that makes a mistake on purpose: what is wrong and what to do instead."""
    overload: bool
    """Whether the scenario means to overload the server: then an overload makes a point invalid and not the run."""
    valid: bool
    """Whether the run's figures can be trusted."""
    invalid_reasons: tuple[str, ...]
    """Why not: the reasons of its points."""
    verdict: str
    """A headline of at most 35 words; begins with INVALID, or with `WRONG WAY on purpose:`, where it is so."""
    verdict_lines: tuple[str, ...]
    """What stands behind it, a sentence each; empty where nothing is compared."""
    warnings: tuple[str, ...]
    """What weakens the run without making it invalid: few trials, shared cores, …"""
    set_aside: tuple[SetAside, ...]
    """Attempts at trials that the machine disturbed and that were repeated."""
    reference: str
    """Name of the transport that others are compared with."""
    transports: tuple[TransportStyle, ...]
    """`name`, `label`, `role`, `model`, `colour`, `marker`, `dash` of each, copied from run.json."""
    base_point: Count | None
    """Index in `points` of the reference at the scenario's base parameters."""
    varied: tuple[str, ...]
    """Names of the parameters in which points differ."""
    noise_floor: NoiseFloors | None
    """By transport how far it differs from itself, as measured in this run or taken from its noise.json."""
    noise_floor_from: str | None
    """Name of the run that measured it; null where this one did, or none."""
    scaling: Scaling | None
    """How transports scale; null unless one has points at three numbers of clients over a factor of ten."""
    workers: tuple[LoadProcess, ...]
    """Load processes, where there were several."""
    quantile_definition: str
    """Definition of every quantile here."""
    planned_trials: Count
    """Trials of the plan."""
    finished_trials: Count
    """Trials that were finished; an interrupted run has fewer."""
    points: tuple[Point, ...]
    """One per transport and set of parameters."""
    capacity: Capacity | None
    """What one server core does; null where no point kept the server busy with room to spare."""


def load_summary(run_folder: Path) -> JsonObject:
    """Read summary.json; raise UserError if it is missing, or not one that a run writes."""
    path = run_folder / SUMMARY_FILE
    if not path.is_file():
        raise UserError(
            f"{run_folder}: has no {SUMMARY_FILE} yet (expected a reported run: make report RUN={run_folder})"
        )
    document = read_json(path, SUMMARY_FORMAT)
    check_fields(document, SUMMARY, path)
    # Earlier versions had an interval wherever there were two trials.
    points = [{"intervals_withheld": None, **point} for point in document["points"]]
    try:
        Summary.parse({**document, "points": points})
    except ValidationError as error:
        raise UserError(f"{path}: {describe_error(error)}") from error
    return document
