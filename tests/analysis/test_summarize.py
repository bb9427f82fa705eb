from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import pytest

from analysis.summarize import write_summary
from analysis.summary.pooling import pool
from analysis.trial.measures import measure
from contract.errors import UserError
from contract.records import JsonObject, read_json
from contract.summary import load_summary
from tests.fabricate import ECHO, SMALL, Fabrication, fabricate_run, first_trial, style, trial_index
from tests.fabricate_trial import Faults
from tests.runs import report_in_words, summarized

QUIET = dataclasses.replace(SMALL, noise_ms=0.0, measured_s=5.0)
POINT_KEYS = {
    "by_block", "least_spreads",
    "transport", "parameters", "base", "trials", "events", "deliveries", "latency_ms", "latency_withheld",
    "quantiles_withheld", "intervals_withheld", "estimates", "reach_ms", "latency_stamp", "parts_ms",
    "stamps", "freshness",
    "requests_per_event", "requests_per_event_ci95", "requests_per_s", "requests_per_s_ci95", "empty_ratio",
    "empty_ratio_ci95", "bytes_per_event_ci95", "setup_bytes_per_client_ci95", "time_to_connect_s_ci95", "steady_state",
    "relay_cpu_us_per_event", "relay_cpu_us_per_event_ci95", "relay_cpu_ratio",
    *(f"{role}_{figure}_ci95" for role in ("server", "load")
      for figure in ("cpu_us_per_event", "connected_rss_bytes", "rss_bytes_per_client")),
    "requests", "bytes_per_event", "bytes_split_per_event", "setup_bytes_per_client", "setup_ms",
    "server_cpu_us_per_event", "load_cpu_us_per_event", "server_cpu_ratio", "load_cpu_ratio", "server_stolen_ratio",
    "load_stolen_ratio", "throttled_ms", "server_core_others_ratio", "load_core_others_ratio",
    "server_rss_bytes",
    "load_rss_bytes", "time_to_connect_s", "server_connected_rss_bytes", "load_connected_rss_bytes",
    "server_rss_bytes_per_client", "load_rss_bytes_per_client", "ledger", "loss",
    "model", "queue_model", "latency_split_ms", "closed_form", "residual_ms",
    "against_reference", "valid", "invalid_reasons",
    "precision",
}  # fmt: skip


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> JsonObject:
    return summarized(fabricate_run(tmp_path_factory.mktemp("run"), Fabrication()))


def base(summary: JsonObject, transport: str) -> JsonObject:
    return next(dict(p) for p in summary["points"] if p["transport"] == transport and p["base"])


def test_every_key_of_the_format_is_there(swept: JsonObject) -> None:
    assert all(set(point) == POINT_KEYS for point in swept["points"])
    assert set(swept) == {
        "scenario", "wrong_way", "overload", "valid", "invalid_reasons", "verdict", "verdict_lines",
        "warnings", "reference",
        "transports", "base_point", "varied", "noise_floor", "noise_floor_from", "quantile_definition",
        "planned_trials", "finished_trials", "set_aside", "points", "workers", "capacity", "scaling",
        "fixed_work_ms",
    }  # fmt: skip


def test_a_sound_run_is_valid_and_complete(swept: JsonObject) -> None:
    assert (swept["valid"], swept["invalid_reasons"]) == (True, [])
    assert swept["planned_trials"] == swept["finished_trials"] == 48
    assert swept["varied"] == ["rate_per_s", "poll_interval_s"]
    assert swept["points"][swept["base_point"]] == base(swept, "websocket")
    assert sum(point["base"] for point in swept["points"]) == 4


def test_the_machines_speed_is_that_of_all_trials_or_not_known(tmp_path: Path, swept: JsonObject) -> None:
    assert swept["fixed_work_ms"] == {"value": 1.25, "ci95": [1.25, 1.25]}, "of 1.2 and 1.3 ms in each trial"
    run = fabricate_run(tmp_path / "run", Fabrication())
    first = min((run / "trials").iterdir()) / "trial.json"
    document = json.loads(first.read_text())
    first.write_text(json.dumps({**document, "fixed_work_ns": [3_000_000, 4_000_000]}))
    trials = len(list((run / "trials").iterdir()))
    found = summarized(run)["fixed_work_ms"]
    assert found["value"] == pytest.approx(1.25 + (3.5 - 1.25) / trials, rel=1e-5)
    assert found["ci95"][0] < 1.25 < found["value"] < found["ci95"][1]
    del document["fixed_work_ns"]
    first.write_text(json.dumps(document))
    assert summarized(run)["fixed_work_ms"] is None, "one trial is of an earlier version"


def test_every_point_is_the_model_plus_what_the_fake_system_took(swept: JsonObject) -> None:
    for point in swept["points"]:
        # 0.1 ms of noise and 0.02 ms of publishing late; a poll just missed costs a whole turn, hence the rest.
        excess_ms = point["latency_ms"]["mean"] - point["model"]["mean_ms"]
        assert 0.05 < excess_ms < 0.5
        assert point["residual_ms"]["mean"] == pytest.approx(excess_ms, abs=1e-2)
        assert point["requests_per_event"] == pytest.approx(point["model"]["requests_per_event"], rel=0.01)


def test_what_was_compressed_as_one_is_not_told_apart() -> None:
    _, trial = first_trial("websocket", SMALL)
    info = dataclasses.replace(trial.info, parameters=trial.info.parameters.replace(compression="deflate"))
    plain, packed = (
        pool([measure(each, style("websocket"))], style("websocket"))
        for each in (trial, dataclasses.replace(trial, info=info))
    )
    assert plain["bytes_split_per_event"]["payload"] > 0
    assert packed["bytes_split_per_event"]["payload"] is packed["bytes_split_per_event"]["framing_and_headers"] is None
    assert packed["bytes_per_event"] == plain["bytes_per_event"]


def test_short_polls_follow_their_interval(swept: JsonObject) -> None:
    for point in swept["points"]:
        if point["transport"] == "short_poll":
            interval_s = point["parameters"]["poll_interval_s"]
            assert point["latency_ms"]["mean"] == pytest.approx(500 * interval_s + 25, rel=0.05)
            assert point["requests_per_s"] == pytest.approx(1 / interval_s, rel=0.05)


def test_differences_are_taken_from_the_reference_at_the_same_parameters(swept: JsonObject) -> None:
    assert base(swept, "websocket")["against_reference"] is None
    for point in swept["points"]:
        against = point["against_reference"]
        if point["transport"] == "short_poll":
            expected = point["estimates"]["mean_ms"]["value"] - base(swept, "websocket")["latency_ms"]["mean"]
            assert against["mean_difference_ms"]["value"] == pytest.approx(expected, rel=1e-4)
            assert against["mean_difference_ms"]["ci95"][0] > 0
        if point["transport"] == "sse":
            low, high = against["p50_difference_ms"]["ci95"]
            assert abs(against["p50_difference_ms"]["value"]) < 0.1
            assert low < high


def test_a_rerun_gives_the_same_bytes(tmp_path: Path) -> None:
    run = fabricate_run(tmp_path, SMALL)
    write_summary(run)
    first = (run / "summary.json").read_bytes()
    (run / "summary.json").unlink()
    write_summary(run)
    assert (run / "summary.json").read_bytes() == first
    assert read_json(run / "summary.json", "push-vs-poll/summary")["scenario"] == "fabricated"
    assert json.loads(first)["version"] == 1


def test_the_ledger_reports_exactly_what_was_done(tmp_path: Path) -> None:
    faults = Faults(
        drop=frozenset({(0, 12), (1, 30), (1, 31)}),
        duplicate=frozenset({(2, 20)}),
        reorder=frozenset({(3, 15)}),
        corrupt=frozenset({(4, 22), (5, 5)}),
    )
    summary = summarized(fabricate_run(tmp_path, QUIET, {trial_index(QUIET, "sse", block=1): faults}))
    ledger = base(summary, "sse")["ledger"]
    assert {k: ledger[k] for k in ("lost", "duplicate", "reordered", "late", "corrupt")} == {
        "lost": 3, "duplicate": 1, "reordered": 1, "late": 0, "corrupt": 2,
    }  # fmt: skip
    assert ledger["delivered"] == ledger["expected"] - 3


def test_an_invalid_trial_makes_its_point_and_the_run_invalid_and_no_other_point(tmp_path: Path) -> None:
    index = trial_index(QUIET, "long_poll", block=2)
    summary = summarized(fabricate_run(tmp_path, QUIET, {index: Faults(drop=frozenset({(0, 12)}))}))
    assert [point["transport"] for point in summary["points"] if not point["valid"]] == ["long_poll"]
    assert not summary["valid"]
    [reason] = summary["invalid_reasons"]
    assert reason.startswith(f"Long poll, trial {index:03d}-long_poll: 1 of ")
    assert summary["verdict"].startswith("INVALID: Long poll, trial")


@pytest.mark.parametrize(
    ("overload", "load_cpu_ratio", "valid"), [(True, 0.3, True), (False, 0.3, False), (True, 0.9, False)]
)
def test_an_overload_on_purpose_makes_its_point_invalid_and_not_the_run(
    tmp_path: Path, overload: bool, load_cpu_ratio: float, valid: bool
) -> None:
    index = trial_index(QUIET, "sse")
    full = Faults(server_cpu_ratio=0.95, load_cpu_ratio=load_cpu_ratio)
    folder = fabricate_run(tmp_path / "run", QUIET, {index: full})
    if overload:
        run = json.loads((folder / "run.json").read_text())
        run["scenario"]["overload"] = True
        (folder / "run.json").write_text(json.dumps(run))
    summary = summarized(folder)
    assert summary["overload"] is overload
    assert summary["valid"] is valid
    assert [point["transport"] for point in summary["points"] if not point["valid"]] == ["sse"]


def test_a_stream_that_was_not_the_others(tmp_path: Path) -> None:
    index = trial_index(QUIET, "short_poll", block=1)
    summary = summarized(fabricate_run(tmp_path, QUIET, {index: Faults(shift_event_ms=3.0)}))
    assert any("its stream was not that of" in reason for reason in summary["invalid_reasons"])


def test_late_is_delivered_and_warned_of(tmp_path: Path) -> None:
    held_up = Faults(delay_ms={(0, 40): 9000.0})
    summary = summarized(fabricate_run(tmp_path, QUIET, {trial_index(QUIET, "websocket"): held_up}))
    ledger = base(summary, "websocket")["ledger"]
    assert ledger["late"] > 0
    assert ledger["lost"] == 0
    assert any("arrived later than any transport should be" in warning for warning in summary["warnings"])


def test_time_that_the_host_took_is_warned_of(tmp_path: Path) -> None:
    hindered = Faults(stolen_ratio=0.07)
    summary = summarized(fabricate_run(tmp_path, QUIET, {trial_index(QUIET, "websocket"): hindered}))
    assert base(summary, "websocket")["load_stolen_ratio"] == pytest.approx(0.07)
    assert any("gave up to 7% of a core's time to others" in warning for warning in summary["warnings"])
    assert any("(at 1 point 1% or more)" in warning for warning in summary["warnings"])


def test_waiting_for_a_cpu_quota_is_warned_of(tmp_path: Path) -> None:
    unlimited = summarized(fabricate_run(tmp_path / "unlimited", QUIET))
    assert all(point["throttled_ms"] == 0 for point in unlimited["points"])
    assert not any("CPU quota" in warning for warning in unlimited["warnings"])
    hindered = Faults(throttled_ratio=0.02)
    summary = summarized(fabricate_run(tmp_path / "limited", QUIET, {trial_index(QUIET, "sse"): hindered}))
    assert base(summary, "sse")["throttled_ms"] == pytest.approx(0.02 * 5000)
    assert base(summary, "websocket")["throttled_ms"] == 0
    assert any("CPU quota was used up at 1 point: it delayed the processes by up to 100 ms" in warning
               for warning in summary["warnings"])  # fmt: skip


def test_an_interrupted_run_is_summarised_from_its_finished_trials(tmp_path: Path) -> None:
    run = fabricate_run(tmp_path, QUIET)
    folders = sorted((run / "trials").iterdir())
    for folder in folders[5:]:
        (folder / "trial.json").unlink()
    summary = summarized(run)
    assert (summary["planned_trials"], summary["finished_trials"]) == (12, 5)
    assert sum(point["trials"] for point in summary["points"]) == 5
    assert "Only 5 of 12 planned trials were finished." in summary["warnings"]


def test_a_single_trial_has_no_interval_and_says_so(tmp_path: Path) -> None:
    summary = summarized(fabricate_run(tmp_path, dataclasses.replace(QUIET, blocks=1)))
    point = base(summary, "short_poll")
    assert [point["latency_ms"][f"{name}_ci95"] for name in ("mean", "p50", "p95", "p99")] == [None] * 4
    assert point["requests_per_event_ci95"] is None
    assert any("no interval" in warning for warning in summary["warnings"])


def test_what_was_not_measured_is_null(tmp_path: Path) -> None:
    fabrication = dataclasses.replace(QUIET, transports=("websocket",), target="http://127.0.0.1:8000")
    bare = Faults(tcp_info=False, kernel_stamps=False)
    run = fabricate_run(tmp_path, fabrication, {planned.index: bare for planned in fabrication.plan()})
    summary = summarized(run)
    [point] = summary["points"]
    assert any(said.startswith("The server was already running: its cores") for said in summary["warnings"])
    assert point["server_cpu_us_per_event"] is point["server_cpu_ratio"] is point["server_rss_bytes"] is None
    assert point["bytes_split_per_event"]["tcp_ip"] is None
    assert point["parts_ms"]["client_delay"] is None
    assert point["empty_ratio"] is None
    assert point["latency_stamp"] == "user"


def with_clock(uncertainty_ms: float, folder: Path, fabrication: Fabrication) -> tuple[Path, JsonObject]:
    """A run against a server whose clock is known so well, and its summary."""
    run = fabricate_run(folder, fabrication)
    for path in sorted((run / "trials").glob("*/trial.json")):
        document = json.loads(path.read_text())
        clock = {"offset_ns": 10**9, "uncertainty_ns": round(uncertainty_ms * 1e6), "drift_ns": 0}
        document["capabilities"]["server_clock"] = clock
        path.write_text(json.dumps(document))
    return run, summarized(run)


def test_an_uncertain_clock_withholds_a_latency_and_not_what_is_beside_it(tmp_path: Path) -> None:
    # 25 ms one way, polls each second: the clock is too uncertain for what is pushed, and good enough for the polls.
    run, summary = with_clock(4.0, tmp_path, QUIET)
    assert summary["valid"]
    pushed, polled = base(summary, "sse"), base(summary, "short_poll")
    assert pushed["latency_ms"]["p50"] is None
    assert pushed["latency_withheld"]["uncertainty_ms"] == 4
    assert pushed["bytes_per_event"]["total"] > 0
    assert polled["latency_ms"]["p50"] > 400
    assert polled["latency_withheld"] is None
    assert "the load's clock is known against the server's to ±4 ms, more than 10% of the median" in summary["verdict"]
    assert any("SSE: the one-way latency of 3 of 3 trials is withheld" in said for said in summary["warnings"])

    _, sure = with_clock(0.0, tmp_path / "sure", QUIET)
    apart, known = (found["against_reference"]["p50_difference_ms"] for found in (polled, base(sure, "short_poll")))
    assert polled["against_reference"]["clock_uncertainty_ms"] == 8
    # Where no pooled figure is known of the reference, the difference is the mean of those of the blocks.
    assert apart["value"] == pytest.approx(known["value"], abs=2)
    widths_ms = [found["ci95"][1] - found["ci95"][0] for found in (apart, known)]
    assert widths_ms[0] == pytest.approx(widths_ms[1] + 16, abs=1e-3)
    assert pushed["against_reference"]["p50_difference_ms"] is None, "two that are alike may differ by their clocks"

    report_in_words(run)
    report = (run / "report.md").read_text()
    assert "not known to better than ±4.00 ms" in report
    assert "| SSE" in report


def test_a_burst_has_no_closed_form_for_the_long_poll(tmp_path: Path) -> None:
    fabrication = dataclasses.replace(QUIET, transports=("websocket", "long_poll"), arrival="burst")
    summary = summarized(fabricate_run(tmp_path, fabrication))
    assert base(summary, "long_poll")["closed_form"] is None
    assert base(summary, "long_poll")["model"]["mean_ms"] > 25


def test_an_echo_run(tmp_path: Path) -> None:
    fabrication = dataclasses.replace(QUIET, transports=ECHO, arrival="periodic")
    summary = summarized(fabricate_run(tmp_path, fabrication))
    assert summary["valid"]
    found = {p["transport"]: (p["latency_ms"]["p50"], p["requests_per_event"]) for p in summary["points"]}
    assert found == {
        "echo_websocket": (50.0, 0.0), "echo_post": (50.0, 1.0), "echo_post_new": (100.0, 1.0),
    }  # fmt: skip


def test_a_folder_without_a_finished_trial(tmp_path: Path) -> None:
    run = fabricate_run(tmp_path, QUIET)
    shutil.rmtree(run / "trials")
    with pytest.raises(UserError, match="no raw records of a finished trial"):
        summarized(run)


def test_a_published_run_without_raw_records_is_left_as_it_is(tmp_path: Path) -> None:
    run = fabricate_run(tmp_path, QUIET)
    summary = write_summary(run)
    shutil.rmtree(run / "trials")
    with pytest.raises(UserError, match=r"no raw records .*its report and summary\.json stay as they are"):
        write_summary(run)
    assert load_summary(run).points == summary.points


def test_a_trial_of_another_plan_is_the_users_to_mend(tmp_path: Path) -> None:
    run = fabricate_run(tmp_path, QUIET)
    folder = next(iter(sorted((run / "trials").iterdir())))
    document = json.loads((folder / "trial.json").read_text())
    document["parameters"]["clients"] = 2
    (folder / "trial.json").write_text(json.dumps(document))
    with pytest.raises(UserError, match=r"parameters: expected .'clients': 6, .* as run.json has planned it, not"):
        summarized(run)


def test_no_interval_reaches_below_what_the_network_alone_takes(tmp_path: Path) -> None:
    """Two of three trials as fast as can be and one slow: the spread alone would make it 25 to 75 ms, and below 0."""
    slow = {trial_index(QUIET, "websocket", block=2): Faults(extra_latency_ms=150.0)}
    found = base(summarized(fabricate_run(tmp_path, QUIET, slow)), "websocket")["latency_ms"]
    low, high = found["mean_ci95"]
    assert low == 25.0
    assert high - found["mean"] > found["mean"] - low
    assert found["mean"] == pytest.approx(25 + 150 / 3, rel=0.01)


def test_no_interval_of_a_cost_reaches_where_it_cannot_be(tmp_path: Path) -> None:
    """Two blocks, whose intervals are 12.7 standard errors to each side: shares beyond 1 and times below 0 without."""
    fabrication = dataclasses.replace(QUIET, blocks=2, arrival="poisson", measured_s=1.5)
    slow = {trial_index(fabrication, "websocket", block=1): Faults(extra_latency_ms=150.0, event_cpu_us=500.0)}
    point = base(summarized(fabricate_run(tmp_path, fabrication, slow)), "websocket")
    freshness = point["freshness"]
    assert freshness["mean_age_ms_ci95"][0] == 0
    assert freshness["older_than_100_ms_ratio_ci95"] == [0, 1]
    intervals = {name: value for name, value in (point | freshness).items() if name.endswith("_ci95") and value}
    for name, bounds in intervals.items():
        for low, high in bounds.values() if isinstance(bounds, dict) else [bounds]:
            assert low >= 0, name
            assert high <= 1 or not name.endswith("_ratio_ci95"), name
