"""summary.json against figures computed anew from the raw records of real runs, by code that shares nothing with it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests import recomputed
from tests.recomputed import RawTrial, mean, pooled_ns, pooled_ratio, quantile, ratios_of, statistics_ms
from tests.recomputed_queues import QueuedTrial
from tests.runs import in_process, measured, measured_once

pytestmark = pytest.mark.takes_s(50)

STREAMS = ("websocket", "sse", "long_poll", "short_poll")
ECHOES = ("echo_websocket", "echo_post", "echo_post_new")
SCENARIO = """
name = "recomputed"
description = "Every transport for a moment, twice, over an emulated network."
repeats = 2
budget_s = 120
transports = {transports}

[parameters]
clients = 3
rate_per_s = {rate_per_s}
arrival = "{arrival}"
payload_bytes = 30
one_way_delay_ms = 5
warm_up_s = 0.2
measured_s = 1.2
poll_interval_s = 0.15
hold_s = 5
"""


@dataclass(frozen=True)
class Point:
    """A point of summary.json, and its trials as raw records."""

    summarised: dict[str, Any]
    trials: list[RawTrial]
    reference: Point | None
    """The reference's, where this is another."""

    def assert_figure(self, path: str, expected: object) -> None:
        """Equal to the six digits that a summary has, and times to a few nanoseconds."""
        found: Any = self.summarised
        for key in path.split("."):
            found = found[key]
        if isinstance(expected, list | float):
            expected = pytest.approx(expected, rel=1e-5, abs=3e-6)
        assert found == expected, f"{path}: {found} in the summary, {expected} recomputed"

    @property
    def events(self) -> list[int]:
        """Events due in the window of each trial."""
        return [sum(trial.in_window(row["due_ns"]) for row in trial.published) for trial in self.trials]

    @property
    def least_ms(self) -> float:
        """What the network alone takes: a transit, or two of a round trip."""
        first = self.trials[0]
        return float(first.parameters["one_way_delay_ms"]) * (2 if first.round_trip else 1)

    @property
    def withheld(self) -> dict[str, int]:
        """Quantiles for which its trials have too few events, and how many each needs."""
        events = sum(trial.sample_events for trial in self.trials)
        return {name: least for name, least in recomputed.LEAST_EVENTS.items() if events < least}


def recorded(folder: Path, transports: tuple[str, ...], arrival: str, rate_per_s: int, *instruments: str) -> Path:
    scenario = folder / "recomputed.toml"
    scenario.write_text(SCENARIO.format(transports=list(transports), arrival=arrival, rate_per_s=rate_per_s))
    measured(measured_once(scenario), "--results", folder / "results", *instruments)
    summarised = in_process("analysis", "summary", folder / "results" / "latest")
    assert summarised.returncode == 0, summarised.stderr
    return folder / "results" / "latest"


def points_of(run_folder: Path) -> dict[str, Point]:
    run = json.loads((run_folder / "run.json").read_text())
    summary = json.loads((run_folder / "summary.json").read_text())
    styles = {style["name"]: style for style in run["transports"]}
    trials: dict[str, list[RawTrial]] = {name: [] for name in styles}
    for planned in run["plan"]:
        folder = run_folder / "trials" / f"{planned['index']:03d}-{planned['transport']}"
        trials[planned["transport"]].append(RawTrial(folder, styles[planned["transport"]]))
    summarised = {point["transport"]: point for point in summary["points"]}
    name = summary["reference"]
    reference = Point(summarised[name], trials[name], None)
    others = {other: Point(summarised[other], trials[other], reference) for other in styles if other != name}
    return {name: reference, **others}


@pytest.fixture(scope="module")
def points(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Point]:
    """Of a run of every stream, traced, and one of every echo, whose schedule is evenly spaced.

    Both have events enough for a p95, and too few for a p99.
    """
    streams = recorded(tmp_path_factory.mktemp("streams"), STREAMS, "poisson", 100, "--trace")
    echoes = recorded(tmp_path_factory.mktemp("echoes"), ECHOES, "periodic", 30)
    return {**points_of(streams), **points_of(echoes)}


@pytest.fixture(params=[*STREAMS, *ECHOES])
def point(request: pytest.FixtureRequest, points: Mapping[str, Point]) -> Point:
    return points[request.param]


def test_what_was_counted(point: Point) -> None:
    trials = point.trials
    assert len(trials) == 2
    point.assert_figure("trials", len(trials))
    point.assert_figure("events", sum(t.in_window(row["due_ns"]) for t in trials for row in t.published))
    point.assert_figure("deliveries", len(pooled_ns(trials, lambda trial: trial.latencies_ns)))
    point.assert_figure("ledger", summed([trial.ledger for trial in trials]))
    point.assert_figure("requests", summed([trial.request_counts for trial in trials]))
    due = sum(len(trial.due) for trial in trials)
    point.assert_figure("steady_state.read_ratio", sum(trial.read_in_window for trial in trials) / due)
    point.assert_figure("steady_state.reason", None)
    point.assert_figure("loss.ratio", 1 - len(pooled_ns(trials, lambda trial: trial.latencies_ns)) / due)


def test_latencies_and_their_intervals(point: Point) -> None:
    latencies_ns = pooled_ns(point.trials, lambda trial: trial.latencies_ns)
    assert latencies_ns
    of_trials = [statistics_ms(trial) for trial in point.trials]
    floor_ms = point.least_ms
    assert point.withheld.keys() == {"p99"}
    point.assert_figure("quantiles_withheld.needed", point.withheld)
    point.assert_figure("quantiles_withheld.events", sum(trial.sample_events for trial in point.trials))
    for name, value in recomputed.distribution_ms(latencies_ns).items():
        if name in point.withheld:
            point.assert_figure(f"latency_ms.{name}", None)
            point.assert_figure(f"latency_ms.{name}_ci95", None)
            continue
        point.assert_figure(f"latency_ms.{name}", value)
        if name not in ("p90", "max"):
            factor = recomputed.factor_of(name)
            expected = recomputed.interval(value, [each[name] for each in of_trials], floor_ms, factor=factor)
            point.assert_figure(f"latency_ms.{name}_ci95", expected)


def test_what_is_reported_of_mean_and_requests(point: Point) -> None:
    found = recomputed.corrected(point.trials)
    point.assert_figure("intervals_withheld", None)
    for name, plain in (("mean_ms", "latency_ms.mean"), ("requests_per_event",) * 2, ("requests_per_s",) * 2):
        point.assert_figure(f"estimates.{name}.corrected", found is not None)
        if found is None:
            group, _, key = plain.rpartition(".")
            summarised = point.summarised[group] if group else point.summarised
            point.assert_figure(f"estimates.{name}.value", summarised[key])
            point.assert_figure(f"estimates.{name}.ci95", summarised[f"{key}_ci95"])
        else:
            one = found[name]
            floor = point.least_ms if name == "mean_ms" else 0.0
            point.assert_figure(f"estimates.{name}.value", one.value)
            expected = recomputed.interval(one.value, one.per_trial, floor, least=one.least)
            point.assert_figure(f"estimates.{name}.ci95", expected)


def test_how_soon_events_reach_nearly_all_clients(point: Point) -> None:
    if point.trials[0].round_trip:
        point.assert_figure("reach_ms", None)
        return
    of_trials = [trial.reach_ms for trial in point.trials]
    measured_ms = [reach_ms for reach_ms, _ in of_trials]
    floor_ms = point.least_ms
    point.assert_figure("reach_ms.p99", mean(measured_ms))
    point.assert_figure("reach_ms.p99_ci95", recomputed.interval(mean(measured_ms), measured_ms, floor_ms))
    point.assert_figure("reach_ms.model_p99", mean([model_ms for _, model_ms in of_trials]))


def test_parts_of_the_latency(point: Point) -> None:
    of_trials = [trial.parts_ns for trial in point.trials]
    assert (of_trials[0]["queue"] is not None) == (point.summarised["transport"] in STREAMS)
    for name in of_trials[0]:
        columns = [parts[name] for parts in of_trials]
        known = [times_ns for column in columns if column is not None for times_ns in column]
        if not known:
            point.assert_figure(f"parts_ms.{name}", None)
            continue
        point.assert_figure(f"parts_ms.{name}.mean", mean(known) / 1e6)
        for share in ("p50", "p99"):
            value = None if share in point.withheld else quantile(known, recomputed.SHARES[share]) / 1e6
            point.assert_figure(f"parts_ms.{name}.{share}", value)


def test_costs_and_freshness_with_their_intervals(point: Point) -> None:
    of_trials = [ratios_of(trial) for trial in point.trials]
    for name in of_trials[0]:
        if name.startswith("freshness.") and point.trials[0].round_trip:
            point.assert_figure("freshness", None)
            continue
        value, bounds, _ = pooled_ratio([figures[name] for figures in of_trials], name, point.events)
        group, _, part = name.partition(".")
        of_interval = f"{group}_ci95.{part}" if group == "bytes_per_event" else f"{name}_ci95"
        point.assert_figure(name, value)
        point.assert_figure(of_interval, bounds)


def test_bytes_split_by_what_they_carry(point: Point) -> None:
    counted = summed([trial.byte_counts for trial in point.trials])
    rest = counted["up"] + counted["down"] - counted["payload"] - counted["empty_polls"]
    split = {"payload": counted["payload"], "framing_and_headers": rest} | {
        name: counted[name] for name in ("empty_polls", "tcp_ip")
    }
    for name, total in split.items():
        point.assert_figure(f"bytes_split_per_event.{name}", total / counted["deliveries"])


def test_setting_up_and_the_use_of_processors(point: Point) -> None:
    setup_ms = [value for trial in point.trials for value in trial.setup_ms]
    half = recomputed.SHARES["p50"]
    medians = [quantile(trial.setup_ms, half) for trial in point.trials if trial.setup_ms]
    if medians:
        point.assert_figure("setup_ms.p50", quantile(setup_ms, half))
        point.assert_figure("setup_ms.p50_ci95", recomputed.interval(quantile(setup_ms, half), medians, least=0.4))
        point.assert_figure("setup_ms.max", max(setup_ms))
    else:
        point.assert_figure("setup_ms", {"p50": None, "p50_ci95": None, "max": None})
    for name, role in recomputed.ROLES.items():
        ratios = [trial.cpu_ratio(role) for trial in point.trials if trial.is_sampled(role)]
        point.assert_figure(f"{name}_cpu_ratio", max(ratios, default=None))
    for name in ("server", "load"):
        samples = [row for trial in point.trials for row in trial.samples(recomputed.ROLES[name])]
        point.assert_figure(f"{name}_rss_bytes", max(row["rss_bytes"] for row in samples))


def test_the_model_on_the_trials_own_schedules_and_in_closed_form(point: Point) -> None:
    trials = point.trials
    predicted = recomputed.distribution_ms(pooled_ns(trials, lambda trial: trial.predicted_in_window_ns))
    for name in ("mean", "p50", "p95", "p99"):
        point.assert_figure(f"model.{name}_ms", predicted[name])
    requests = sum(trial.predicted[1] for trial in trials)
    point.assert_figure("model.requests_per_event", requests / sum(len(trial.due) for trial in trials))
    residuals_ns = pooled_ns(trials, lambda trial: trial.residuals_ns)
    point.assert_figure("residual_ms.mean", mean(residuals_ns) / 1e6)
    for name in ("p50", "p99"):
        value = None if name in point.withheld else quantile(residuals_ns, recomputed.SHARES[name]) / 1e6
        point.assert_figure(f"residual_ms.{name}", value)
    expected = recomputed.closed_form(trials[0])
    for name, value in (expected or {}).items():
        point.assert_figure(f"closed_form.{name}", value)
    assert (expected is None) == (point.summarised["closed_form"] is None)


def test_the_model_with_queues_and_the_split_of_the_mean(point: Point) -> None:
    mean_ms = mean(pooled_ns(point.trials, lambda trial: trial.latencies_ns)) / 1e6
    network_ms = mean(pooled_ns(point.trials, lambda trial: trial.predicted_in_window_ns)) / 1e6
    point.assert_figure("latency_split_ms.network", network_ms)
    if not all(trial.is_sampled(role) for trial in point.trials for role in (recomputed.SERVER, recomputed.LOAD)):
        assert point.summarised["queue_model"]["reason"]
        return
    queued = [QueuedTrial(trial) for trial in point.trials]
    latencies_ns = [latency_ns for trial in queued for latency_ns in trial.latencies_in_window_ns]
    predicted = recomputed.distribution_ms(latencies_ns)
    for name in ("mean", "p50", "p95", "p99"):
        point.assert_figure(f"queue_model.{name}_ms", predicted[name])
    due = sum(len(trial.due) for trial in point.trials)
    point.assert_figure("queue_model.requests_per_event", sum(trial.requests for trial in queued) / due)
    for name in ("answer", "waking", "read"):
        times_ns = [getattr(trial, f"{name}_ns") for trial in queued]
        point.assert_figure(f"queue_model.{name}_us", mean(times_ns) / 1000)
    point.assert_figure("latency_split_ms.queueing", predicted["mean"] - network_ms)
    point.assert_figure("latency_split_ms.unexplained", mean_ms - predicted["mean"])


def test_differences_from_the_reference_paired_within_blocks(point: Point) -> None:
    if point.reference is None:
        point.assert_figure("against_reference", None)
        return
    reference = point.reference
    both = (point, reference)
    blocks = zip(point.trials, reference.trials, strict=True)
    pairs = [(statistics_ms(ours), statistics_ms(theirs)) for ours, theirs in blocks]
    pooled = [recomputed.distribution_ms(pooled_ns(one.trials, lambda trial: trial.latencies_ns)) for one in both]
    possible_ms = (point.least_ms, math.inf)
    estimated = recomputed.corrected(point.trials)
    for name in ("p50", "p95", "mean"):
        factor = recomputed.factor_of(name)
        their_own = [theirs[name] for _, theirs in pairs]
        their_interval = recomputed.interval(pooled[1][name], their_own, reference.least_ms, factor=factor)
        value, own, least = pooled[0][name], [ours[name] for ours, _ in pairs], 0.0
        if name == "mean" and estimated is not None:
            value, own, least = estimated["mean_ms"].value, estimated["mean_ms"].per_trial, estimated["mean_ms"].least
        found = recomputed.paired_difference(
            [value, pooled[1][name]], list(zip(own, their_own, strict=True)), possible_ms, their_interval,
            least=least, factor=factor,
        )  # fmt: skip
        for key, expected in found.items():
            point.assert_figure(f"against_reference.{name}_difference_ms.{key}", expected)
    ours, theirs = ([ratios_of(trial) for trial in one.trials] for one in both)
    costs = {
        "bytes_per_event": "bytes_per_event.total", "mean_age_ms": "freshness.mean_age_ms",
        **{name: name for name in ("requests_per_event", "server_cpu_us_per_event", "load_cpu_us_per_event")},
        **{name: name for name in ("server_connected_rss_bytes", "empty_ratio")},
    }  # fmt: skip
    for name, figure in costs.items():
        cost, _, own = pooled_ratio([each[figure] for each in ours], figure, point.events)
        other, their_interval, their_own = pooled_ratio([each[figure] for each in theirs], figure, reference.events)
        if cost is None or other is None:
            point.assert_figure(f"against_reference.costs.{name}", None)
            continue
        # A busy machine may leave a trial without enough samples: its block has no pair.
        of_blocks = zip([each[figure] for each in ours], [each[figure] for each in theirs], strict=True)
        own_pairs = [(mine[0] / mine[1], their[0] / their[1]) for mine, their in of_blocks if mine and their]
        own_least = recomputed.least_spread(mean(own), figure, point.events)
        if name == "requests_per_event" and estimated is not None:
            cost, own, own_least = estimated[name].value, estimated[name].per_trial, estimated[name].least
            own_pairs = list(zip(own, their_own, strict=True))
        least = math.hypot(own_least, recomputed.least_spread(mean(their_own), figure, reference.events))
        possible = (0.0, 1.0 if name.endswith("_ratio") else math.inf)
        found = recomputed.paired_difference([cost, other], own_pairs, possible, their_interval, least=least)
        for key, expected in found.items():
            point.assert_figure(f"against_reference.costs.{name}.{key}", expected)


def summed(counts: list[dict[str, int]]) -> dict[str, int]:
    return {name: sum(count[name] for count in counts) for name in counts[0]}
