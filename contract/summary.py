"""summary.json: every figure of a run, typed; its JSON Schema and its documentation are generated from here.

A field's name is its key in the file, and the text below it documents it. None is written as null: it was not measured.
A field whose default is None is left out if it is None. A record is also a mapping, with the keys of the file.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError

from contract.errors import UserError
from contract.parameters import Parameters
from contract.records.documents import (
    NOISE_FILE,
    NOISE_FORMAT,
    SUMMARY_FILE,
    SUMMARY_FORMAT,
    describe_error,
    read_json,
)
from contract.records.fields import PARAMETERS, field_errors
from contract.transports import TransportStyle

_LARGEST = 1e15
"""Far beyond every figure of a run; the square of it is still a number."""
Figure = Annotated[float, Field(ge=-_LARGEST, le=_LARGEST)]
Interval = tuple[Figure, Figure]
"""A 95 % interval, `[low, high]`."""
Count = Annotated[int, Field(ge=0, le=2**53)]
Predicted = Literal["push", "poll", "undecided"]


def _check_parameters(values: object) -> object:
    for sentence in field_errors(values, PARAMETERS):
        raise ValueError(sentence)
    return values


StatedParameters = Annotated[Parameters, BeforeValidator(_check_parameters)]


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
        return [f.name for f in self._fields() if f.default is MISSING or getattr(self, f.name) is not None]

    def _fields(self) -> tuple[dataclasses.Field[Any], ...]:
        return fields(self)  # type: ignore[arg-type]  # a mixin of dataclasses alone

    def map_values(self, change: Callable[[Any], Any]) -> Self:
        """Return a copy with `change` applied to each value."""
        return type(self)(**{field.name: change(getattr(self, field.name)) for field in self._fields()})

    @classmethod
    def parse(cls, document: Mapping[str, Any], *, whole: bool = False) -> Self:
        """Build the record from parsed JSON; raise ValueError if a field is missing or wrong.

        With `whole` also raise it if the document has a key that the record does not have.
        """
        adapter: TypeAdapter[Self] = _adapter(cls)
        text = json.dumps(document, default=dict)
        return adapter.validate_json(text, strict=True, extra="forbid" if whole else "ignore")

    @classmethod
    def descriptions(cls) -> dict[str, str]:
        """Return the meaning of each key: the text below the field, from the source code (parsing it takes 0.7 s)."""
        body = ast.parse(inspect.getsource(cls)).body[0].body  # type: ignore[attr-defined]  # of a class
        found = {}
        for pair in pairwise(body):
            match pair:
                case (ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text)))):
                    found[name] = " ".join(text.split())
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
    """A figure of all trials together, with its 95 % interval."""

    value: Figure | None
    """The figure, in the unit of its key; null where it is not known."""
    ci95: Interval | None
    """95 % interval of the figure; null with a single trial, or where `value` is null."""


@dataclass(frozen=True, slots=True, eq=False)
class CorrectedEstimate(Record):
    """A figure; where possible, without the random differences between the trials' streams (docs/method/method.md)."""

    value: Figure | None
    """The figure, in the unit of its key; null where it was not measured."""
    ci95: Interval | None
    """95 % interval of the figure; null with a single trial, where `value` is null, and of a plain figure for the
    reason in `intervals_withheld`."""
    corrected: bool
    """Whether the model removed the random differences between the streams; false: the plain figure, as the point has
    it."""


@dataclass(frozen=True, slots=True, eq=False)
class Estimates(Record):
    """The figures that tables, charts and differences show."""

    mean_ms: CorrectedEstimate
    """Mean latency, ms."""
    requests_per_event: CorrectedEstimate
    """Requests per event and client."""
    requests_per_s: CorrectedEstimate
    """Requests per second and client."""


@dataclass(frozen=True, slots=True, eq=False)
class IntervalsWithheld(Record):
    """Why intervals are null: so few events wait for a poll that the trials agree by chance."""

    waits: Figure
    """How many of the point's events the closed form expects to wait for a poll."""
    needed: Count
    """How many events must be expected to wait for the intervals to be reported."""
    reason: str
    """The two numbers in a sentence."""


@dataclass(frozen=True, slots=True, eq=False)
class Latency(Record):
    """Latency of the deliveries due in the measured windows, ms: from due to arrived; all null where none is known."""

    mean: Figure | None
    """Mean latency, ms; null where no latency is known."""
    p50: Figure | None
    """Median latency, ms; null with fewer than 20 events."""
    p90: Figure | None
    """90th percentile of the latency, ms; null with fewer than 100 events."""
    p95: Figure | None
    """95th percentile of the latency, ms; null with fewer than 200 events."""
    p99: Figure | None
    """99th percentile of the latency, ms; null with fewer than 1000 events."""
    max: Figure | None
    """Longest latency, ms; null where no latency is known."""
    mean_ci95: Interval | None
    """95 % interval of the mean, cut off at the delay of the network, ms; null with a single trial, or for the reason
    in `intervals_withheld`."""
    p50_ci95: Interval | None
    """95 % interval of the median, ms; null with a single trial, or where `p50` is null."""
    p95_ci95: Interval | None
    """95 % interval of the 95th percentile, ms; null with a single trial, or where `p95` is null."""
    p99_ci95: Interval | None
    """95 % interval of the 99th percentile, ms; null with a single trial, or where `p99` is null."""
    p999: Figure | None = None
    """99.9th percentile of the latency, ms; absent with fewer than 10,000 events in all trials together, such as ten
    trials of 1000."""
    p999_ci95: Interval | None = None
    """95 % interval of the 99.9th percentile, ms; absent with a single trial, or where `p999` is."""


@dataclass(frozen=True, slots=True, eq=False)
class LatencyWithheld(Record):
    """Trials left out of latencies: their clocks are uncertain by more than 10 % of their median latency."""

    trials: Count
    """Number of such trials; if it is all of them, the point's latency, reach, freshness and residual are null."""
    uncertainty_ms: Figure
    """Clock uncertainty of the worst of these trials, ms."""
    reason: str
    """What is wrong with the clocks of the worst of these trials, and the remedy."""


@dataclass(frozen=True, slots=True, eq=False)
class QuantilesWithheld(Record):
    """Quantiles that are null because the point has too few events for them."""

    events: Count
    """Events of the point's trials together; of round trips, messages."""
    needed: dict[str, Count]
    """By name of each quantile that is null, the events that it needs: 20, 100, 200, 1000 for p50, p90, p95, p99."""
    reason: str
    """The numbers in a sentence."""


@dataclass(frozen=True, slots=True, eq=False)
class Reach(Record):
    """Time within which an event reaches 99 % of the clients that it reaches at all, ms: the mean over the events."""

    p99: Figure
    """The mean time as measured, ms."""
    p99_ci95: Interval | None
    """95 % interval of the mean time as measured, ms; null with a single trial, or for the reason in
    `intervals_withheld`."""
    model_p99: Figure
    """The mean time by the model with only a network, on the trials' own schedules, ms."""


@dataclass(frozen=True, slots=True, eq=False)
class Part(Record):
    """Distribution, over the measured deliveries, of a part of their time or of their deviation from the model, ms."""

    mean: Figure | None
    """Mean, ms; null without deliveries."""
    p50: Figure | None
    """Median, ms; null with fewer than 20 events."""
    p99: Figure | None
    """99th percentile, ms; null with fewer than 1000 events."""


@dataclass(frozen=True, slots=True, eq=False)
class Parts(Record):
    """The times between the stamps of a delivery: due, published, written, arrived and read."""

    server_lag: Part | None
    """From due to published, or of a round trip to sent by the client: how late the event was."""
    queue: Part | None
    """From published to written by the server; null unless all trials have a trace of the server's writes."""
    delivery: Part | None
    """From written to arrived, or from published where `queue` is null. The means of the first three parts add up to
    the mean latency. Null where no trial's clocks are known well enough."""
    client_delay: Part | None
    """From the kernel's arrival stamp to the client's own read; null without kernel stamps."""


@dataclass(frozen=True, slots=True, eq=False)
class Stamps(Record):
    """Quality of the kernel's arrival stamps of the measured deliveries."""

    missing: Count
    """Deliveries without a kernel stamp, for which the client's own time of reading is used."""
    coalesced: Count
    """Deliveries over an open channel that were read together with a later one, and have that one's stamp."""
    conversion_error_us: Figure | None
    """Largest possible error of converting the stamps to the monotonic clock, µs; null without kernel stamps."""
    drift_ppm: Figure | None
    """Drift of the realtime clock against the monotonic one in the trial where it is largest, parts per million; null
    where it was not measured."""


@dataclass(frozen=True, slots=True, eq=False)
class SteadyState(Record):
    """Whether the measured windows saw the point as it is in the long run (rule 8 of docs/method/method.md)."""

    read_ratio: Figure | None
    """Deliveries read in the measured windows over those due in them; null where none was due."""
    reason: str | None
    """Why the windows were not in a steady state: the stream began so shortly before that less than 95 % could be read.
    Bytes and CPU time per event, `empty_ratio` and `freshness` are then null. Null in a steady state."""


@dataclass(frozen=True, slots=True, eq=False)
class Requests(Record):
    """Numbers of requests of all clients over the whole trials, connecting and warm-up included."""

    connects: Count
    """Connections opened."""
    handshakes: Count
    """Handshakes that opened a channel for events."""
    polls: Count
    """Polls sent."""
    posts: Count
    """Messages sent by POST."""
    empty: Count
    """Polls answered without an event."""
    skipped: Count
    """Polls that were due but not sent, since the client's last one was still unanswered."""
    reconnects: Count
    """Connections opened beyond those that the transport needs."""
    errors: Count
    """Failed requests: bad status, lost connection, timeout or an answer that cannot be read."""


@dataclass(frozen=True, slots=True, eq=False)
class BytesPerEvent(Record):
    """Bytes at the clients' sockets per delivery over the measured windows, without connecting."""

    up: Figure | None
    """Bytes sent by the clients per delivery; null without deliveries, or where `steady_state` has a reason."""
    down: Figure | None
    """Bytes received by the clients per delivery; null without deliveries, or where `steady_state` has a reason."""
    total: Figure | None
    """Bytes in both directions per delivery; null without deliveries, or where `steady_state` has a reason."""


@dataclass(frozen=True, slots=True, eq=False)
class BytesIntervals(Record):
    """95 % intervals of `bytes_per_event`, bytes."""

    up: Interval | None
    """95 % interval of the bytes sent by the clients per delivery; null with a single trial, or for the reason in
    `intervals_withheld`."""
    down: Interval | None
    """95 % interval of the bytes received by the clients per delivery; null with a single trial, or for the reason in
    `intervals_withheld`."""
    total: Interval | None
    """95 % interval of the bytes in both directions per delivery; null with a single trial, or for the reason in
    `intervals_withheld`."""


@dataclass(frozen=True, slots=True, eq=False)
class BytesSplit(Record):
    """Bytes per delivery by what they are: the first three add up to `bytes_per_event`."""

    payload: Figure | None
    """Bytes of the events as encoded, in each direction in which they travel; null with compression, which mixes them
    with their framing."""
    framing_and_headers: Figure | None
    """Bytes of framing and headers around the events; null with compression."""
    empty_polls: Figure | None
    """Bytes of the requests and answers of polls that brought no event."""
    tcp_ip: Figure | None
    """Bytes of TCP and IP headers in addition, from the kernel's counts of segments; null where the kernel counts none.
    """


@dataclass(frozen=True, slots=True, eq=False)
class SetupTimes(Record):
    """Time that a client took to connect and to open its channel, ms."""

    p50: Figure | None
    """Median over the clients of all trials, ms; null where no client was ready."""
    p50_ci95: Interval | None
    """95 % interval of the median, from the trials' medians, ms; null with a single trial."""
    max: Figure | None
    """Longest time of a client, ms; null where no client was ready."""


@dataclass(frozen=True, slots=True, eq=False)
class Freshness(Record):
    """Age of a client's view: the time since the oldest event that it still lacks was due; 0 if it lacks none."""

    older_than_100_ms_ratio: Figure | None
    """Share of the time, over all clients, in which a view was older than 100 ms."""
    older_than_100_ms_ratio_ci95: Interval | None
    """95 % interval of `older_than_100_ms_ratio`; null with a single trial, or for the reason in `intervals_withheld`.
    """
    older_than_1_s_ratio: Figure | None
    """Share of the time, over all clients, in which a view was older than 1 s."""
    older_than_1_s_ratio_ci95: Interval | None
    """95 % interval of `older_than_1_s_ratio`; null with a single trial, or for the reason in `intervals_withheld`."""
    mean_age_ms: Figure | None
    """Mean age of a view over time and clients, ms."""
    mean_age_ms_ci95: Interval | None
    """95 % interval of the mean age, ms; null with a single trial, or for the reason in `intervals_withheld`."""


@dataclass(frozen=True, slots=True, eq=False)
class Ledger(Record):
    """What became of every event for every client, summed over the whole trials."""

    expected: Count
    """Deliveries to be made: clients times events."""
    delivered: Count
    """Deliveries made, late ones included; further copies are not counted."""
    lost: Count
    """Deliveries never made."""
    duplicate: Count
    """Copies beyond the first."""
    reordered: Count
    """First copies that arrived after a later event."""
    late: Count
    """First copies that arrived more than one second after the last due time plus the model's longest latency."""
    corrupt: Count
    """Deliveries with another payload than was published, or of an event that was never published."""


@dataclass(frozen=True, slots=True, eq=False)
class Loss(Record):
    """Share of the deliveries due in the measured windows that never arrived; with a cursor, the models have 0."""

    ratio: Figure | None
    """The share as measured; null where no delivery was due."""
    model_ratio: Figure | None
    """The share by the model on the trials' own schedules; null where no delivery was due."""
    closed_form_ratio: Figure | None
    """The share by a formula; null where there is none for these parameters."""


@dataclass(frozen=True, slots=True, eq=False)
class Model(Record):
    """Prediction of the model with only a network, on the trials' own schedules."""

    mean_ms: Figure | None
    """Mean latency, ms; null where the model delivers nothing in the measured windows."""
    p50_ms: Figure | None
    """Median latency, ms; null where the model delivers nothing in the measured windows."""
    p95_ms: Figure | None
    """95th percentile of the latency, ms; null where the model delivers nothing in the measured windows."""
    p99_ms: Figure | None
    """99th percentile of the latency, ms; null where the model delivers nothing in the measured windows."""
    requests_per_event: Figure | None
    """Requests per event and client; null where the model delivers nothing in the measured windows."""


@dataclass(frozen=True, slots=True, eq=False)
class QueueModel(Record):
    """Prediction of the model with queues at server and load, and the mean service times that it used."""

    mean_ms: Figure | None
    """Mean latency, ms; null where `reason` says why."""
    p50_ms: Figure | None
    """Median latency, ms; null where `reason` says why."""
    p95_ms: Figure | None
    """95th percentile of the latency, ms; null where `reason` says why."""
    p99_ms: Figure | None
    """99th percentile of the latency, ms; null where `reason` says why."""
    requests_per_event: Figure | None
    """Requests per event and client; null where `reason` says why."""
    answer_us: Figure | None
    """CPU time of the server, without what it uses while idle, per answered poll, or per delivery where nothing is
    polled, µs; null where `reason` says why."""
    waking_us: Figure | None
    """The part of `answer_us` that a held poll takes when it is answered, µs; 0 where no poll is held; null where
    `reason` says why."""
    read_us: Figure | None
    """CPU time of the load per answered poll, or per delivery where nothing is polled, µs; null where `reason` says
    why."""
    reason: str | None
    """Why all the other fields are null, in words; null where they are known."""


@dataclass(frozen=True, slots=True, eq=False)
class LatencySplit(Record):
    """The mean latency in three parts that add up to it, ms."""

    network: Figure | None
    """Mean latency by `model`, ms; null where that is null."""
    queueing: Figure | None
    """Mean latency by `queue_model` less that by `model`, ms; null where either is null."""
    unexplained: Figure | None
    """Mean latency as measured less that by `queue_model`, ms; null where either is null."""


@dataclass(frozen=True, slots=True, eq=False)
class ClosedForm(Record):
    """Prediction of a formula for an endless stream (docs/method/method.md)."""

    mean_ms: Figure
    """Mean latency, ms."""
    p50_ms: Figure
    """Median latency, ms."""
    p99_ms: Figure
    """99th percentile of the latency, ms."""
    requests_per_event: Figure
    """Requests per event and client."""


@dataclass(frozen=True, slots=True, eq=False)
class Precision(Record):
    """How precisely a point's median is known, beside the precision that the scenario asks for."""

    asked_ratio: Figure
    """The scenario's `precision`: the half-width asked for, as a share of the median."""
    asked_ms: Figure
    """The half-width asked for, ms: `asked_ratio` times the mean of the pilot trials' medians, at least 0.2 ms."""
    reached_ratio: Figure | None
    """`reached_ms` over the median; null where `reached_ms` is null."""
    reached_ms: Figure | None
    """Upper bound of the median's 95 % interval less the median, ms; null where there is no interval."""
    trials_needed: Count
    """Trials that the precision takes by the spread of the pilot, the pilot's own included."""
    trials_added: Count
    """Finished trials beyond the pilot, which is the scenario's first `repeats` blocks."""
    reached: bool
    """Whether `reached_ms` is at most `asked_ms`."""


@dataclass(frozen=True, slots=True, eq=False)
class Answers(Record):
    """Time from a poll's request to its answer, ms, which is no latency."""

    mean: Figure
    """Mean time, ms."""
    p50: Figure
    """Median time, ms."""
    p95: Figure
    """95th percentile of the time, ms."""


@dataclass(frozen=True, slots=True, eq=False)
class Extremes(Record):
    """Lowest and highest result of a single trial, ms, as `[low, high]`."""

    mean: Interval
    """Lowest and highest mean of a trial, ms."""
    p50: Interval
    """Lowest and highest median of a trial, ms."""
    p95: Interval
    """Lowest and highest 95th percentile of a trial, ms."""


@dataclass(frozen=True, slots=True, eq=False)
class Misranked(Record):
    """Number of blocks that, taken alone, rank the point and the reference the other way round than all trials do."""

    blocks: Count
    """Blocks in which both have a trial."""
    mean: Count | None
    """Blocks that rank the two by their mean latency the other way round; null where a point's mean is null."""
    p50: Count | None
    """Blocks that rank the two by their median the other way round; null where a point's median is null."""
    p95: Count | None
    """Blocks that rank the two by their 95th percentile the other way round; null where a point's one is null."""


@dataclass(frozen=True, slots=True, eq=False)
class AsReported(Record):
    """What a careless comparison would report of the point."""

    answer_ms: Answers | None
    """Time from request to answer of the polls; null where none was answered, as for a push."""
    answer_model_mean_ms: Figure | None
    """Mean of that time by a formula, ms; null where there is none, or no polls."""
    one_run_ms: Extremes | None
    """Range of the single trials' latencies as measured; null without deliveries."""
    one_run_model_ms: Extremes | None
    """Range of the single trials' latencies by the model; null where it delivers nothing."""
    misranked: Misranked | None = None
    """How often one block alone ranks the point and the reference wrongly; absent for the reference itself, and where
    it has no point at the same parameters."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class LatencyDifference(Record):
    """A latency figure less the reference's, ms."""

    value: Figure
    """The point's figure less the reference's, ms."""
    ci95: Interval | None
    """95 % interval of the difference, ms, from the differences within blocks and widened by `clock_uncertainty_ms`;
    null with fewer than two blocks, or where either figure's own interval is null."""
    p_value: Figure | None
    """Two-sided p value of Student's t test that the difference is within `clock_uncertainty_ms`; null where `ci95` is.
    """
    blocks: Count
    """Blocks in which both have a trial."""
    adjusted_p_value: Figure | None = None
    """`p_value` corrected by Holm's method for all differences that the verdict considers; absent where this one is not
    among them."""
    adjusted_among: Count | None = None
    """Number of differences that the verdict considers; absent where `adjusted_p_value` is."""
    noise_floor_ms: Figure | None
    """Half-width of the interval in which identical points differ with as many blocks, for the noisier of the two
    transports, ms; null where it was not measured at these parameters, or with one block."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class CostDifference(Record):
    """A cost less the reference's, in the unit of the cost."""

    value: Figure
    """The point's figure less the reference's."""
    ci95: Interval | None
    """95 % interval of the difference, from the differences within blocks; null with fewer than two blocks, or where
    either figure's own interval is null."""
    p_value: Figure | None
    """Two-sided p value of Student's t test that there is no difference; null where `ci95` is."""
    blocks: Count
    """Blocks in which both have a trial."""
    reference: Figure
    """The reference's figure."""
    adjusted_p_value: Figure | None = None
    """`p_value` corrected by Holm's method for all differences that the verdict considers; absent where this one is not
    among them."""
    adjusted_among: Count | None = None
    """Number of differences that the verdict considers; absent where `adjusted_p_value` is."""


@dataclass(frozen=True, slots=True, eq=False)
class AgainstReference(Record):
    """Differences of a point from the reference's point at the same parameters."""

    p50_difference_ms: LatencyDifference | None
    """Difference of the median latency; null with too few events, no common block or too uncertain clocks."""
    p95_difference_ms: LatencyDifference | None
    """Difference of the 95th percentile of the latency; null with too few events, no common block or too uncertain
    clocks."""
    mean_difference_ms: LatencyDifference | None
    """Difference of the mean latency; null with too few events, no common block or too uncertain clocks."""
    clock_uncertainty_ms: Figure
    """Clock uncertainty of both points together, ms. Intervals of latency differences are wider by it on either side,
    and a difference of less than ten times as much is null."""
    ratio_p50: Figure | None
    """The median latency over the reference's; null where either is null."""
    costs: dict[str, CostDifference | None]
    """Differences by name of a point's field (`bytes_per_event`: the total, `setup_ms`: the median, `mean_age_ms`: that
    of `freshness`); null where either point has no such figure."""

    @property
    def latency_differences_ms(self) -> dict[str, LatencyDifference | None]:
        """The differences of latencies by the name of their statistic."""
        return {"p50": self.p50_difference_ms, "p95": self.p95_difference_ms, "mean": self.mean_difference_ms}


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Point(Record):
    """One transport at one set of parameters: all its trials together."""

    transport: str
    """Name of the transport."""
    parameters: StatedParameters
    """Every parameter that it takes. `stack` and `server_processes` are absent for a server that was already running;
    `server` takes the place of `stack` where the scenario names servers."""
    trials: Count
    """Number of finished trials of the point."""
    events: Count
    """Events published that were due in the measured windows, over all trials."""
    deliveries: Count
    """Deliveries of events due in the measured windows, over all trials and clients; first copies only."""
    latency_ms: Latency
    """Latency of all deliveries together."""
    latency_withheld: LatencyWithheld | None
    """Trials that are left out of the latencies for their clocks; null where there is none."""
    quantiles_withheld: QuantilesWithheld | None
    """Quantiles that are null for lack of events; null where there are enough."""
    reach_ms: Reach | None
    """Time to reach 99 % of the clients; null for round trips, and without any known latency."""
    latency_stamp: Literal["kernel", "user"]
    """Where the arrival time of the latencies comes from: `kernel` where all trials have the kernel's stamps, else
    `user`, the client's own clock."""
    parts_ms: Parts
    """Parts of the deliveries' time."""
    stamps: Stamps
    """Quality of the arrival stamps."""
    steady_state: SteadyState
    """Whether the point was measured in a steady state."""
    requests_per_event: Figure | None
    """Polls and POSTs sent in the measured windows per event and client; null where no event was due."""
    requests_per_event_ci95: Interval | None
    """95 % interval of the requests per event and client; null with a single trial, or for the reason in
    `intervals_withheld`."""
    requests_per_s: Figure | None
    """Polls and POSTs sent in the measured windows per second and client."""
    requests_per_s_ci95: Interval | None
    """95 % interval of the requests per second and client; null with a single trial, or for the reason in
    `intervals_withheld`."""
    empty_ratio: Figure | None
    """Share of the polls answered in the measured windows that brought no event; null without polls, or where
    `steady_state` has a reason."""
    empty_ratio_ci95: Interval | None
    """95 % interval of the share of empty polls; null with a single trial, or for the reason in `intervals_withheld`.
    """
    requests: Requests
    """Numbers of requests over the whole trials."""
    bytes_per_event: BytesPerEvent
    """Bytes per delivery by direction."""
    bytes_per_event_ci95: BytesIntervals
    """Intervals of the bytes per delivery by direction."""
    bytes_split_per_event: BytesSplit
    """Bytes per delivery by what they are."""
    setup_bytes_per_client: Figure | None
    """Bytes at the socket in both directions until a client was ready, mean of the clients; null where none was
    counted."""
    setup_bytes_per_client_ci95: Interval | None
    """95 % interval of the bytes until a client was ready; null with a single trial."""
    setup_ms: SetupTimes
    """Time until a client was ready."""
    server_cpu_us_per_event: Figure | None
    """CPU time of the server in the measured windows per delivery read in them, copies included, µs, without the
    publisher's spinning before due times; null where it was not sampled, as for a server that was already running,
    without deliveries, or where `steady_state` has a reason."""
    server_cpu_us_per_event_ci95: Interval | None
    """95 % interval of the server's CPU time per delivery, µs; null with a single trial."""
    server_cpu_ratio: Figure | None
    """CPU time of the server over the time for which its core was available: the measured window, less what a virtual
    machine's host took. Of several processes their mean, of the trials the largest; null where not sampled."""
    load_cpu_us_per_event: Figure | None
    """CPU time of the load in the measured windows per delivery read in them, µs; null as for the server."""
    load_cpu_us_per_event_ci95: Interval | None
    """95 % interval of the load's CPU time per delivery, µs; null with a single trial."""
    load_cpu_ratio: Figure | None
    """CPU time of a load process over the time for which its core was available; the largest of the trials and
    processes; null where not sampled."""
    relay_cpu_us_per_event: Figure | None
    """CPU time of the relay, which emulates the network, per delivery, µs; null without a relay, and as for the server.
    """
    relay_cpu_us_per_event_ci95: Interval | None
    """95 % interval of the relay's CPU time per delivery, µs; null with a single trial."""
    relay_cpu_ratio: Figure | None
    """CPU time of the relay over the time for which its core was available, the largest of the trials; null without a
    relay."""
    server_stolen_ratio: Figure | None
    """Share of the measured window for which a virtual machine's host took the server's core, the largest of the
    trials; null where not sampled."""
    server_core_others_ratio: Figure | None
    """Share of the measured window in which other programs used the server's cores, the largest of the trials; null
    where it is not known, as without pinned cores."""
    server_rss_bytes: Count | None
    """Largest resident memory of the server in the whole trials, bytes; null where not sampled."""
    server_connected_rss_bytes: Figure | None
    """Resident memory of the server when all clients were ready, mean of the trials, bytes; null where it was not
    sampled, or not all clients were ready before the stream."""
    server_connected_rss_bytes_ci95: Interval | None
    """95 % interval of the server's memory with all clients, bytes; null with a single trial."""
    server_rss_bytes_per_client: Figure | None
    """`server_connected_rss_bytes` less the memory before the first client connected, over the number of clients,
    bytes; null where that is null."""
    server_rss_bytes_per_client_ci95: Interval | None
    """95 % interval of the server's memory per client, bytes; null with a single trial."""
    load_stolen_ratio: Figure | None
    """Share of the measured window for which a virtual machine's host took a load process's core, the largest of the
    trials and processes; null where not sampled."""
    load_core_others_ratio: Figure | None
    """Share of the measured window in which other programs used the load's cores, the largest of the trials; null where
    it is not known, as without pinned cores or with several load processes."""
    load_rss_bytes: Count | None
    """Largest resident memory of a load process in the whole trials, bytes; null where not sampled."""
    load_connected_rss_bytes: Figure | None
    """Resident memory of all load processes when all clients were ready, mean of the trials, bytes; null where it was
    not sampled, or not all clients were ready before the stream."""
    load_connected_rss_bytes_ci95: Interval | None
    """95 % interval of the load's memory with all clients, bytes; null with a single trial."""
    load_rss_bytes_per_client: Figure | None
    """`load_connected_rss_bytes` less the memory before the first client connected, over the number of clients, bytes;
    null where that is null."""
    load_rss_bytes_per_client_ci95: Interval | None
    """95 % interval of the load's memory per client, bytes; null with a single trial."""
    throttled_ms: Figure
    """How long a CPU quota stopped the processes within the measured window, summed over cores, ms; the largest of the
    trials; 0 without a quota."""
    time_to_connect_s: Figure | None
    """Time from the first client's connecting to the last one's being ready, mean of the trials, s; null where not all
    were ready before the stream."""
    time_to_connect_s_ci95: Interval | None
    """95 % interval of the time to connect all clients, s; null with a single trial."""
    freshness: Freshness | None
    """Age of the clients' views; null for round trips, where `steady_state` has a reason, and where no trial's clocks
    are known well enough."""
    ledger: Ledger
    """What became of every event for every client."""
    loss: Loss
    """Deliveries that never arrived."""
    model: Model
    """Prediction with only a network."""
    queue_model: QueueModel
    """Prediction with the network and the queues of server and load."""
    latency_split_ms: LatencySplit | None
    """The mean latency in three parts."""
    closed_form: ClosedForm | None
    """Prediction of a formula; null where there is none for these parameters, as for bursts."""
    residual_ms: Part
    """Latency less the prediction of `model`, delivery by delivery."""
    intervals_withheld: IntervalsWithheld | None
    """Why the intervals are null of all figures that depend on waits for polls (plain mean, reach, requests, bytes,
    empty polls, freshness); null where enough events wait, none can, or no formula tells."""
    estimates: Estimates | None = None
    """Mean latency and requests as tables, charts and differences show them; absent in summaries before 0.2."""
    by_block: dict[str, tuple[int | Figure | None, ...]] | None = None
    """Figures of the single trials, a column each: `block` has their blocks, and each other column, named by its path
    in the point (`latency_ms.p95`), a figure with an interval, null for a trial that did not measure it."""
    least_spreads: dict[str, Annotated[float, Field(ge=0, le=_LARGEST)]] | None = None
    """By name of a column of `by_block`, the least standard deviation between trials that is used for its interval,
    however well the trials agree; only of figures that have one."""
    precision: Precision | None
    """How precisely the median is known; null where the scenario does not ask for it, or the pilot was not finished."""
    as_reported: AsReported | None = None
    """What a careless comparison would report; absent unless the scenario makes a mistake on purpose."""
    base: bool
    """Whether all parameters are the scenario's base ones."""
    valid: bool
    """Whether the point's figures can be trusted."""
    invalid_reasons: tuple[str, ...]
    """Why the point is invalid: each names what, how much, the threshold and the remedy; empty where it is valid."""
    against_reference: AgainstReference | None
    """Differences from the reference; null for the reference itself, and where it has no point at these parameters."""
    against_first_server: AgainstReference | None = None
    """Differences from the same point on the first of the scenario's servers; absent on that one, and where a scenario
    names no servers."""


@dataclass(frozen=True, slots=True, eq=False)
class SetAside(Record):
    """An attempt at a trial that was repeated, because the machine disturbed it."""

    trial: str
    """Folder name of the trial."""
    reasons: tuple[str, ...]
    """How the machine disturbed the attempt, a sentence each."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class NoiseDifference(Record):
    """Difference between two identical points of one transport, ms."""

    value: Figure | None = None
    """The second point's figure less the first's, ms; absent in earlier runs."""
    half_width: Figure | None
    """Half the width of the difference's 95 % interval, ms; null with a single pair."""
    largest: Figure | None = None
    """The largest absolute difference within a block, ms; absent in earlier runs."""
    pairs: Annotated[int, Field(ge=1, le=1_000_000)]
    """Blocks in which both points have a trial."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class NoiseFloor(Record):
    """How far a transport's figures differ between two points with the same parameters."""

    parameters: dict[str, str | int | Figure | bool] | None = None
    """Parameters of the two points, without those that have no effect on what is measured; absent in earlier runs."""
    p50_ms: NoiseDifference | None
    """Difference of their median latencies; null where one is not known."""
    p95_ms: NoiseDifference | None
    """Difference of their 95th percentiles of the latency; null where one is not known."""
    mean_ms: NoiseDifference | None
    """Difference of their mean latencies; null where one is not known."""

    @property
    def differences_ms(self) -> dict[str, NoiseDifference | None]:
        """The differences by the name of their statistic."""
        return {"p50": self.p50_ms, "p95": self.p95_ms, "mean": self.mean_ms}


NoiseFloors = dict[str, NoiseFloor]
"""By transport."""


@dataclass(frozen=True, slots=True, eq=False)
class Knee(Record):
    """The number of clients up to which 99 % of them have an event within `p99_bound_ms` of the model."""

    clients: Count | None
    """The largest number of clients within the bound, with all smaller ones; null where the smallest is not."""
    position: Literal["between", "beyond", "below", "unknown"]
    """Where the knee lies: `between` `clients` and `next_clients`, `beyond` the largest number measured, `below` the
    smallest, or `unknown`, since the next point is invalid."""
    next_clients: Count | None
    """The smallest number of clients that exceeds the bound or whose point is invalid; null where there is none."""


@dataclass(frozen=True, slots=True, eq=False)
class Slopes(Record):
    """What one more client adds to the latency beyond the model, µs: least squares over the valid points."""

    mean: Estimate | None
    """What one more client adds to the mean latency, µs; null with fewer than three valid points."""
    max: Estimate | None
    """What one more client adds to the longest latency, µs; null with fewer than three valid points."""


@dataclass(frozen=True, slots=True, eq=False)
class ScalingLaw(Record):
    """Formulas of saturation, evaluated with the server's CPU time at the largest valid number of clients."""

    service_us: Figure
    """CPU time of the server for one delivery or request, as `per` says, µs."""
    per: Literal["delivery", "request"]
    """What `service_us` is the time of."""
    mean_slope_us: Figure | None
    """What one more client adds to the mean latency where every event is sent to all clients, µs; null for polls."""
    max_slope_us: Figure | None
    """What one more client adds to the longest latency where every event is sent to all clients, µs; null for polls."""
    saturated_at_clients: Figure
    """Number of clients at which the server's cores are full."""
    cycle_ms: Figure | None
    """Time in which a server that does nothing else answers each client of a long poll once, ms; null for others."""


@dataclass(frozen=True, slots=True, eq=False)
class Further(Record):
    """What one more client costs in the lower and in the upper half of the range, in the unit of the cost's name."""

    lower: Figure
    """Cost of one more client from `from_clients` to `split_at_clients`."""
    upper: Figure
    """Cost of one more client from `split_at_clients` to `to_clients`."""
    from_clients: Count
    """The smallest number of clients of a valid point."""
    split_at_clients: Count
    """The number of clients at which the two halves meet."""
    to_clients: Count
    """The largest number of clients of a valid point."""
    ratio: Figure | None
    """`upper` over `lower`; null where `lower` is not positive."""
    flat: bool
    """Whether `ratio` is 1 within 20 %, so that each client costs the same."""


@dataclass(frozen=True, slots=True, eq=False)
class FurtherCosts(Record):
    """What one more client costs; each null with too few numbers of clients (see `scaling`), or if not measured."""

    server_cpu_us_per_event: Further | None
    """CPU time of the server that one more client adds to an event, all its deliveries together, µs."""
    load_cpu_us_per_event: Further | None
    """CPU time of the load that one more client adds to an event, all its deliveries together, µs."""
    server_rss_bytes_per_client: Further | None
    """Resident memory of the server that one more client adds, bytes."""
    load_rss_bytes_per_client: Further | None
    """Resident memory of the load that one more client adds, bytes."""


@dataclass(frozen=True, slots=True, eq=False)
class TransportScaling(Record):
    """How one transport scales with its clients (docs/method/scale.md)."""

    clients: tuple[Count, ...]
    """Numbers of clients of the transport's points, ascending."""
    knee: Knee
    """The number of clients up to which events are not late."""
    slope_us_per_client: Slopes
    """What one more client adds to the latency, as measured."""
    law: ScalingLaw | None
    """What formulas predict; null where the server's CPU time is not known, no point is valid, or there is no formula.
    """
    further: FurtherCosts
    """What one more client costs, in CPU time and memory."""


@dataclass(frozen=True, slots=True, eq=False)
class Scaling(Record):
    """How the transports scale with their clients."""

    p99_bound_ms: Figure
    """How much later than by the model an event may reach 99 % of the clients within the knee, ms: the scenario's
    `p99_bound_ms`, or 100."""
    transports: dict[str, TransportScaling]
    """Scaling of each transport, by its name."""


@dataclass(frozen=True, slots=True, eq=False)
class LoadProcess(Record):
    """One load process of a run with several, over all its trials."""

    index: Count
    """Number of the process."""
    host: str
    """Name of the machine that it ran on."""
    trials: Count
    """Trials that it joined."""
    clients: Count
    """The largest number of clients that it had in a trial."""
    clock_uncertainty_us: Figure | None
    """Uncertainty of its clock against the server's, the largest of its trials, µs."""
    round_trip_us: Figure | None
    """Round trip over which its clock was compared with the server's, the largest of its trials, µs."""
    clock_drift_us: Figure | None
    """Drift of its clock over a trial, the largest of its trials, µs; null where it was not measured."""
    ends: dict[str, Count]
    """Number of its trials by how it ended: `complete`, `died`, `behind` (not finished in time) or `late` (joined too
    late)."""


@dataclass(frozen=True, slots=True, eq=False)
class Saturated(Record):
    """A point at which the server used more than 90 % of its core."""

    parameters: StatedParameters
    """Parameters of the point."""
    asked_per_s: Figure | None
    """Polls, or of a push deliveries, per second that its clients and event rate demand; null for long polls."""
    reached_per_s: Figure
    """Polls answered, or of a push deliveries made, per second."""
    events_per_poll: Figure | None
    """Events per answered poll; null for a push."""
    predicted_per_s: Figure
    """Polls or deliveries per second of server CPU time, by the service times at moderate load."""
    server_cpu_ratio: Figure
    """CPU time of the server over the time for which its core was available, all trials together."""


@dataclass(frozen=True, slots=True, eq=False)
class TransportCapacity(Record):
    """What one server core does with one transport."""

    transport: str
    """Name of the transport."""
    poll_cpu_us: Estimate | None
    """CPU time of the server at moderate load per answered poll, µs; null for a push."""
    event_cpu_us: Estimate
    """CPU time of the server at moderate load per event, within an answer or pushed, µs; 0 where a poll's time includes
    that of its events."""
    saturated: tuple[Saturated, ...]
    """The transport's points at which the server was saturated."""
    economy_ratio: Estimate | None
    """Share of the CPU time at moderate load that a saturated server needs for the same work; null where no point
    saturated it."""
    event_bytes: Figure | None
    """Bytes of an event as encoded; null where bytes were not counted."""
    poll_bytes: Figure | None
    """Bytes in both directions that a poll adds to its events; null for a push, or where bytes were not counted."""
    framing_bytes: Figure | None
    """Bytes that a channel adds to each event; null for polls, or where bytes were not counted."""
    events_per_poll: Figure | None
    """Events per poll for which `per_s` holds: of short polls event rate × interval at the base parameters (λI), of
    long polls as measured; null for a push."""
    per_s: Estimate
    """Polls, or pushed events, that a whole core handles per second (μ)."""
    clients: Estimate
    """Clients that a whole core serves at the base event rate and poll interval; its value is null for long polls."""


@dataclass(frozen=True, slots=True, eq=False)
class Side(Record):
    """One of the two transports of a comparison."""

    predicted_load_ratio: Estimate
    """Predicted load as a share of the server's capacity; above 1 it exceeds the capacity."""
    server_cpu_ratio: Figure
    """CPU time of the server over the time for which its core was available, all trials together."""
    cpu_us_per_client_s: Estimate
    """CPU time of the server per client and second, µs."""
    p99_beyond_model_ms: Figure
    """How much later than by the model an event reaches 99 % of the clients, in the worst trial, ms."""
    holds: bool
    """Whether the server used at most 90 % of its core and `p99_beyond_model_ms` is at most 250."""


@dataclass(frozen=True, slots=True, eq=False)
class Tried(Record):
    """A push and a poll at an event rate other than the base one, as a test of the prediction."""

    clients: Count
    """Number of clients of each of the two."""
    rate_per_s: Figure
    """Events per second."""
    poll_interval_s: Figure
    """Time between two polls of a client, s."""
    events_per_poll: Figure
    """Events per poll: rate × interval (λI)."""
    predicted: Predicted
    """Which of the two is predicted to serve more clients; `undecided` within the interval of the crossover."""
    push: Side
    """Results of the push."""
    poll: Side
    """Results of the poll."""
    claims: dict[str, bool]
    """The claims of the prediction (`cheaper`, `holds`, `other_does_not_hold`), and whether each was met."""
    outcome: Literal["confirmed", "refuted", "undecided"]
    """`confirmed` where all claims were met, `refuted` where one was not, `undecided` without a prediction."""


@dataclass(frozen=True, slots=True, eq=False)
class Crossover(Record):
    """From how many events per poll on polling serves more clients than a push."""

    push: str
    """Name of the push transport."""
    poll: str
    """Name of the polling transport."""
    events_per_poll: Estimate
    """Events per poll (λI) from which polling serves more clients; its value is null where it never does."""
    tried: tuple[Tried, ...]
    """Comparisons at other event rates, which can refute the prediction."""


@dataclass(frozen=True, slots=True, eq=False)
class Capacity(Record):
    """What one server core does (docs/method/capacity.md has the formulas)."""

    transports: tuple[TransportCapacity, ...]
    """Capacity of each transport with a point from which service times can be estimated."""
    crossovers: tuple[Crossover, ...]
    """Crossover of each pair of a push and a short poll."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Summary(Record):
    """A run's summary."""

    scenario: str
    """Name of the scenario."""
    wrong_way: str | None
    """What is wrong and what to do instead, in a run that makes a mistake on purpose; null in others."""
    overload: bool
    """Whether the scenario overloads the server on purpose: an overload then makes a point invalid, but not the run."""
    valid: bool
    """Whether the run's figures can be trusted."""
    invalid_reasons: tuple[str, ...]
    """Why the run is invalid: the reasons of its points; empty where it is valid."""
    verdict: str
    """Headline of at most 35 words. It begins with `INVALID` in an invalid run, and with `WRONG WAY on purpose:` in one
    that makes a mistake on purpose."""
    verdict_lines: tuple[str, ...]
    """Sentences that support the verdict; empty where nothing is compared."""
    warnings: tuple[str, ...]
    """What weakens the run without making it invalid: few trials, shared cores, …"""
    set_aside: tuple[SetAside, ...]
    """Attempts at trials that the machine disturbed and that were repeated."""
    reference: str
    """Name of the transport that others are compared with."""
    transports: tuple[TransportStyle, ...]
    """`name`, `label`, `role`, `model`, `colour`, `marker`, `dash` of each, copied from run.json."""
    base_point: Count | None
    """Index in `points` of the reference at the scenario's base parameters; null where there is no such point."""
    varied: tuple[str, ...]
    """Names of the parameters in which points differ."""
    noise_floor: NoiseFloors | None
    """How far each transport differs from itself, by its name, as measured in this run or taken from an earlier one;
    null where neither measured it."""
    noise_floor_from: str | None
    """Name of the earlier run that measured `noise_floor`; null where this run did, or none."""
    scaling: Scaling | None
    """How transports scale with clients; null unless one has points at three numbers of clients or more, the largest at
    least ten times the smallest."""
    workers: tuple[LoadProcess, ...]
    """Load processes of the run; empty with a single one."""
    quantile_definition: str
    """How every quantile in this file is defined."""
    planned_trials: Count
    """Number of trials in the plan."""
    finished_trials: Count
    """Number of trials that were finished; an interrupted run has fewer than planned."""
    fixed_work_ms: Estimate | None
    """CPU time of the same piece of work on the server's core, before and after each trial, ms: how fast the machine
    was; null where a trial has no such record, as in runs of earlier versions."""
    points: tuple[Point, ...]
    """One point per transport and set of parameters."""
    capacity: Capacity | None
    """What one server core can do; null where no point kept the server busy (25 to 90 % of its core)."""


def load_summary(run_folder: Path) -> Summary:
    """Read summary.json; raise UserError if it is missing, or not one that a run writes."""
    path = run_folder / SUMMARY_FILE
    if not path.is_file():
        raise UserError(
            f"{run_folder}: has no {SUMMARY_FILE} yet (expected a reported run: make report RUN={run_folder})"
        )
    document = read_json(path, SUMMARY_FORMAT)
    document.setdefault("fixed_work_ms", None)
    points = document.get("points")
    for point in points if isinstance(points, list) else ():
        if isinstance(point, dict):
            # Earlier versions had an interval wherever there were two trials.
            point.setdefault("intervals_withheld", None)
    try:
        return Summary.parse(document)
    except ValidationError as error:
        raise UserError(f"{path}: {describe_error(error)}") from error


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class _KeptNoiseFloor(Record):
    """The contents of noise.json."""

    noise_floor: NoiseFloors | None
    noise_floor_from: str


def load_noise_floor(run_folder: Path) -> tuple[NoiseFloors, str] | None:
    """Return the noise floor that a run started with and the name of the run that measured it; None without one."""
    path = run_folder / NOISE_FILE
    if not path.is_file():
        return None
    document = read_json(path, NOISE_FORMAT)
    try:
        kept = _KeptNoiseFloor.parse(document)
    except ValidationError as error:
        raise UserError(f"{path}: {describe_error(error)}") from error
    return kept.noise_floor or {}, kept.noise_floor_from
