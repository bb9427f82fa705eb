"""Every chart on many kinds of data: nothing cut, nothing on top of something else, the same file each time."""

from __future__ import annotations

import copy
import functools
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import pytest
from cycler import cycler
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from analysis.charts import Chart, draw_charts
from analysis.charts.canvas import nice_log_ticks
from analysis.charts.crossover_map import crossover_map_chart
from analysis.charts.distribution import distribution_chart
from analysis.charts.lanes import excerpt_length_s, lane_of
from analysis.charts.raw_records import BaseTrials, ChartMaterial, thinned
from analysis.charts.style import DARK, LIGHT, dark_counterparts, text_colour
from analysis.colours import contrast
from analysis.summarize import summarize_run
from analysis.summary.crossover import capacity_summary
from analysis.trial.measures import measure
from contract.records import JsonObject, as_document, load_run_info
from system.processes import PROJECT_FOLDER
from tests import fabricate
from tests.analysis import made_summary as made
from tests.analysis.made_loads import ABOVE, BELOW, measured, tried
from tests.analysis.made_loads import BASE as LOADED

pytestmark = pytest.mark.takes_s(25)

RAW = {"residuals", "lanes", "distribution", "freshness", "timeline"}


@functools.cache
def material_of(names: tuple[str, ...], one_way_delay_ms: float = 25.0) -> ChartMaterial:
    fabrication = fabricate.Fabrication(
        transports=names, intervals_s=(), rates_per_s=(), blocks=1, measured_s=4.0, one_way_delay_ms=one_way_delay_ms
    )
    material = ChartMaterial(fabricate.run_info(fabrication, fabrication.plan()))
    for name in names:
        _, trial = fabricate.first_trial(name, fabrication)
        style = fabricate.style(name)
        material.add(trial, style, measure(trial, style))
    return material


def material_from(folder: Path) -> ChartMaterial:
    material = ChartMaterial(load_run_info(folder))
    summarize_run(folder, material.add)
    return material


@functools.cache
def trials_of(names: tuple[str, ...]) -> list[BaseTrials]:
    return material_of(names).base_trials()


def seven() -> JsonObject:
    points = [made.point(name, 25 + i / 10, i / 3) for i, name in enumerate((*made.BROADCAST, *made.ECHO))]
    return made.summary(points)


def clients_swept() -> JsonObject:
    kinds = (("websocket", 0.0, 1.0), ("sse", 0.0, 1.0), ("long_poll", 4.0, 1.4), ("short_poll", 1.0, 20.0))
    points = [
        made.point(name, 25 * slower * (1 + clients / 2000), requests, clients=clients, base=clients == 50)
        for clients in (10, 50, 500, 1000)
        for name, requests, slower in kinds
    ]
    return made.summary(points, ["clients"])


def echoes() -> JsonObject:
    return made.summary([made.point(*echo) for echo in zip(made.ECHO, (50, 51, 101), (0, 5, 5), strict=True)])


def tied() -> JsonObject:
    return made.summary([made.point(name, 25.1, i / 10) for i, name in enumerate(made.BROADCAST)])


def unmeasured() -> JsonObject:
    summary = made.standard()
    for point in summary["points"]:
        for key in ("server_cpu_us_per_event", "server_cpu_ratio"):
            point[key] = None
        point["bytes_split_per_event"]["tcp_ip"] = None
        point["latency_ms"] |= {"mean_ci95": None, "p50_ci95": None, "p95_ci95": None, "p99_ci95": None}
        point["requests_per_event_ci95"] = point["requests_per_s_ci95"] = None
    return summary


def tried_capacity() -> JsonObject:
    """Service times with a comparison on either side of the crossover."""
    found = capacity_summary([*measured(blocks=3), *tried(BELOW, blocks=3), *tried(ABOVE, blocks=3)], LOADED)
    assert found is not None
    written: JsonObject = as_document(found)
    return written


CASES: dict[str, Callable[[], tuple[JsonObject, list[BaseTrials]]]] = {
    "standard": lambda: (made.standard(), trials_of(made.BROADCAST)),
    "three-intervals": lambda: (made.standard(intervals_s=(0.5, 1.0, 2.0)), trials_of(made.BROADCAST)),
    "loopback": lambda: (made.standard(delay_ms=0.1), trials_of(made.BROADCAST)),
    "one-transport": lambda: (made.summary([made.point("websocket", 25, 0.0)]), trials_of(made.BROADCAST)[:1]),
    "seven-transports": lambda: (seven(), [*trials_of(made.BROADCAST), *trials_of(made.ECHO)]),
    "clients": lambda: (clients_swept(), trials_of(made.BROADCAST)),
    "scale": lambda: (made.scaled(), trials_of(made.BROADCAST)),
    "echo": lambda: (echoes(), trials_of(made.ECHO)),
    "tie": lambda: (tied(), trials_of(made.BROADCAST)),
    "unmeasured": lambda: (unmeasured(), trials_of(made.BROADCAST)),
    "traced": lambda: (made.traced(), trials_of(made.BROADCAST)),
    "capacity": lambda: (made.standard() | {"capacity": tried_capacity()}, trials_of(made.BROADCAST)),
    "choices": lambda: (made.chosen(), trials_of(made.BROADCAST)),
    "nothing": lambda: ({**made.standard(), "points": []}, []),
}
"""Made when they are drawn: each of the processes that tests run in imports this file."""


@functools.cache
def case_of(name: str) -> tuple[JsonObject, list[BaseTrials]]:
    return CASES[name]()


def freshly_drawn(case: str) -> dict[str, Chart]:
    summary, trials = case_of(case)
    shown = {group.transport.name for group in trials}
    materials = (material_of(made.BROADCAST), material_of(made.ECHO))
    residuals = [own for material in materials for own in material.residuals() if own.transport.name in shown]
    drawn = draw_charts(made.results(summary, made.BASE.replace(**made.CHOICES)), trials, residuals)
    return {chart.name: chart for chart in drawn}


charts_of = functools.cache(freshly_drawn)


def standard_files_in(folder: Path, charts: dict[str, Chart]) -> dict[str, bytes]:
    """The files of these charts of the standard case."""
    counterparts = dark_counterparts(made.results(case_of("standard")[0], made.BASE).transports)
    folder.mkdir()
    for chart in charts.values():
        chart.write(folder, counterparts)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def standard_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return standard_files_in(tmp_path_factory.mktemp("charts") / "standard", charts_of("standard"))


@pytest.fixture
def drawn_texts(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Text]]:
    """Texts that were drawn since: tick labels outside the axes exist too, but never are."""
    drawn: list[Text] = []
    original = Text.draw

    def draw(text: Text, renderer: Any, *args: Any, **kwargs: Any) -> None:
        if text.get_visible() and text.get_text().strip():
            drawn.append(text)
        original(text, renderer, *args, **kwargs)

    monkeypatch.setattr(Text, "draw", draw)
    yield drawn


def extents(figure: Figure, texts: list[Text]) -> dict[Text, Bbox]:
    texts.clear()
    figure.draw_without_rendering()  # all is laid out and drawn, but onto no paper
    # Of an annotation the text alone, without its leader.
    return {text: Text.get_window_extent(text) for text in texts}


@pytest.mark.parametrize("case", [case for case in CASES if case != "nothing"])
def test_no_text_is_cut_or_covers_another(case: str, drawn_texts: list[Text]) -> None:
    for chart in charts_of(case).values():
        boxes = extents(chart.figure, drawn_texts)
        page = chart.figure.bbox
        for text, box in boxes.items():
            inside = box.x0 >= page.x0 and box.y0 >= page.y0 and box.x1 <= page.x1 and box.y1 <= page.y1
            assert inside, f"{chart.name}: {text.get_text()!r} is cut"
        for one, other in combinations(boxes, 2):
            width = min(boxes[one].x1, boxes[other].x1) - max(boxes[one].x0, boxes[other].x0)
            height = min(boxes[one].y1, boxes[other].y1) - max(boxes[one].y0, boxes[other].y0)
            assert width <= 1 or height <= 2, f"{chart.name}: {one.get_text()!r} lies on {other.get_text()!r}"


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        (
            "standard",
            {"hero", "model", "bytes", "cpu", "latency-against-rate-per-s", "requests-against-rate-per-s", *RAW},
        ),
        (
            "traced",
            {
                "hero",
                "model",
                "bytes",
                "cpu",
                "latency-against-rate-per-s",
                "requests-against-rate-per-s",
                "time",
                "time-against-rate-per-s",
                *RAW,
            },
        ),
        ("one-transport", {"model", "bytes", "cpu", *RAW}),
        ("choices", {"hero", "factors", "model", "bytes", "cpu", *RAW}),
        ("clients", {"hero", "scaling", "model", "bytes", "cpu", *RAW}),
        ("scale", {"hero", "scale", "model", "bytes", "cpu", *RAW}),
        ("echo", {"round-trip", "model", "residuals", "bytes", "cpu", "distribution", "timeline"}),
        ("nothing", set()),
    ],
)
def test_only_charts_that_apply_are_made(case: str, expected: set[str]) -> None:
    assert charts_of(case).keys() == expected


def test_the_same_data_give_the_same_files(standard_files: dict[str, bytes]) -> None:
    again = freshly_drawn("standard")
    assert {f"{name}.svg" for name in again} <= standard_files.keys()
    for name, chart in again.items():
        assert chart.svg().encode() == standard_files[f"{name}.svg"]
    assert not re.search(rb"\d{4}-\d{2}-\d{2}T", standard_files["hero.svg"])


def test_what_a_user_has_set_matplotlib_to_changes_no_chart(standard_files: dict[str, bytes], tmp_path: Path) -> None:
    settings: dict[Any, Any] = {
        "text.usetex": True, "savefig.bbox": "tight", "savefig.transparent": True, "svg.image_inline": False,
        "font.style": "italic", "axes.formatter.use_locale": True, "lines.linewidth": 7, "figure.autolayout": True,
        "axes.prop_cycle": cycler(color=["red"]), "xtick.direction": "in", "axes.xmargin": 0.4,
    }  # fmt: skip
    with rc_context(settings):
        drawn = freshly_drawn("standard")
        # Lines and a legend, bars and their numbers, points and texts of their own: rendering all takes seconds.
        own = standard_files_in(tmp_path / "own", {name: drawn[name] for name in ("hero", "bytes", "lanes")})
    assert own == {name: standard_files[name] for name in own}
    assert len(own) == 9


def test_no_setting_of_a_user_keeps_matplotlib_from_loading(tmp_path: Path) -> None:
    (tmp_path / "matplotlibrc").write_bytes(b"text.usetex: True\nfont.family: \xff\xfe\n")
    ran = subprocess.run(
        [sys.executable, "-c", "import analysis.charts, matplotlib; print(matplotlib.rcParams['text.usetex'])"],
        cwd=PROJECT_FOLDER, capture_output=True, text=True, check=False,
        env={**os.environ, "MATPLOTLIBRC": str(tmp_path), "MPLBACKEND": "nonsense"},
    )  # fmt: skip
    assert (ran.stdout, ran.stderr) == ("False\n", "")


def test_a_chart_is_written_in_light_dark_and_for_print(standard_files: dict[str, bytes]) -> None:
    light, dark = standard_files["bytes.svg"].decode(), standard_files["bytes-dark.svg"].decode()
    assert LIGHT.background in light
    assert DARK.background in dark
    assert not [colour for colour in LIGHT.colours() if colour in dark]
    assert standard_files["bytes.png"].startswith(b"\x89PNG")


@pytest.mark.parametrize("case", ["standard", "echo", "clients", "scale"])
def test_bars_and_costs_start_at_zero_and_only_latency_and_a_wide_range_of_clients_are_logarithmic(case: str) -> None:
    for chart in charts_of(case).values():
        for axes in chart.figure.axes:
            for axis, scale, limits in ((axes.xaxis, axes.get_xscale(), axes.get_xlim()),
                                        (axes.yaxis, axes.get_yscale(), axes.get_ylim())):  # fmt: skip
                name = axis.get_label_text()
                if scale == "log" and name:
                    assert "(log scale)" in name
                    assert any(what in name for what in ("latency", "round trip", "age of the view", "clients"))
                if any(word in name for word in ("bytes", "CPU", "requests per")):
                    assert scale == "linear"
                    assert limits[0] == 0


@pytest.mark.parametrize("case", ["standard", "echo", "scale"])
def test_captions_say_what_is_drawn(case: str) -> None:
    for chart in charts_of(case).values():
        assert chart.caption.endswith(".")
        assert "nan" not in chart.caption.lower()
        assert "None" not in chart.caption
        assert "p99.9" not in chart.caption + chart.svg()


def test_transports_are_named_beside_their_points(drawn_texts: list[Text]) -> None:
    extents(charts_of("standard")["hero"].figure, drawn_texts)
    shown = {text.get_text() for text in drawn_texts}
    assert {"WebSocket", "SSE", "Long poll", "Short poll", "every 0.1 s", "every 5 s"} <= shown


def test_the_map_names_its_regions_and_says_what_was_tried(drawn_texts: list[Text]) -> None:
    chart = charts_of("capacity")["crossover-map"]
    extents(chart.figure, drawn_texts)
    shown = [text.get_text().replace("\n", " ") for text in drawn_texts]
    assert shown.count("WebSocket or SSE") == shown.count("Short poll") == shown.count("✓") == 2
    assert any(text.startswith("λI = 10") for text in shown)
    assert "Short poll was cheaper, confirmed" in chart.caption
    assert chart.caption.endswith(".")


def test_where_pushes_came_out_differently_the_map_tells_them_apart(drawn_texts: list[Text]) -> None:
    both = copy.deepcopy(case_of("capacity")[0])
    [tried] = [one for one in both["capacity"]["crossovers"] if one["tried"]]
    other = copy.deepcopy(tried) | {"push": "sse"}
    other["tried"][0]["outcome"] = "refuted"
    both["capacity"]["crossovers"] = [tried, other]
    chart = crossover_map_chart(made.results(both, LOADED))
    assert chart is not None
    extents(chart.figure, drawn_texts)
    shown = [text.get_text() for text in drawn_texts]
    assert shown.count("WebSocket ✓, SSE ✗") == shown.count("✓") == 1


def test_without_bytes_the_map_has_one_panel() -> None:
    summary, _ = case_of("capacity")
    blind = copy.deepcopy(summary)
    for account in blind["capacity"]["transports"]:
        account |= {"event_bytes": None, "poll_bytes": None, "framing_bytes": None}
    chart = crossover_map_chart(made.results(blind, LOADED))
    assert chart is not None
    assert len(chart.figure.axes) == 1


def test_an_unmeasured_server_is_said_not_drawn_as_zero() -> None:
    charts = charts_of("unmeasured")
    assert "server" not in charts["cpu"].caption
    assert "TCP/IP overhead was not measured" in charts["bytes"].caption


def test_the_bytes_say_that_tcp_ip_is_in_them() -> None:
    """Their totals are larger than those of the tables, which count at the socket."""
    caption = charts_of("standard")["bytes"].caption
    assert "TCP/IP headers are in it; the tables count at the socket, without them." in caption
    assert re.search(r"WebSocket: \S+ B, of which \S+ B content \(JSON\), .* and \S+ B TCP/IP", caption)


def test_the_lanes_title_is_right_for_one_second_too() -> None:
    chart = charts_of("standard")["lanes"]
    assert re.fullmatch(r"Requests and deliveries of one client in \S+ s", chart.title)
    assert re.match(r"\d+ events? fell due within \S+ s;", chart.caption)


def test_lanes_hold_every_delivery_of_the_first_client() -> None:
    group = trials_of(made.BROADCAST)[3]
    trial = group.first
    start_ns, length_s = trial.info.window_start_ns - trial.info.t0_ns, excerpt_length_s(trial)
    lane = lane_of(trial, group.transport, start_ns, length_s)
    rows = trial.deliveries.where(trial.deliveries.client == 0)
    begun = rows.published_ns < trial.info.window_start_ns + length_s * 1e9
    pending = rows.user_ns >= trial.info.window_start_ns
    assert len(lane.delivery_arrived) == int((begun & pending).sum())
    assert (lane.delivery_arrived >= lane.delivery_sent).all()
    assert (lane.delivery_sent >= lane.delivery_published).all()
    assert len(lane.poll_sent) == pytest.approx(length_s / 1.0, abs=1.01)


def test_base_trials_are_those_of_the_base_point(tmp_path: Path) -> None:
    fabrication = fabricate.Fabrication(intervals_s=(0.5,), rates_per_s=(), blocks=1, measured_s=1.0, clients=2)
    folder = fabricate.fabricate_run(tmp_path / "run", fabrication)
    groups = material_from(folder).base_trials()
    assert [group.transport.name for group in groups] == list(made.BROADCAST)
    assert groups[3].first.info.parameters.poll_interval_s == 1.0
    assert len(groups[3].measured) == 1


def test_residuals_are_of_all_points(tmp_path: Path) -> None:
    fabrication = fabricate.Fabrication(
        intervals_s=(0.5,), rates_per_s=(), blocks=2, measured_s=1.0, clients=2, noise_ms=0.0
    )
    folder = fabricate.fabricate_run(tmp_path / "run", fabrication)
    found = material_from(folder).residuals()
    assert [own.transport.name for own in found] == list(made.BROADCAST)
    # WebSocket has its base point only, short poll another interval too; both have two blocks.
    assert len(found[3].predicted_ms) == 2 * len(found[0].predicted_ms)
    assert found[0].predicted_ms == pytest.approx(25.0)
    assert len(found[0].thinned(3).residual_ms) <= 3


def test_a_model_without_any_delay_does_not_lengthen_the_axis_of_latencies() -> None:
    trials = material_of(("websocket", "short_poll"), one_way_delay_ms=0.0).base_trials()
    assert min(trials[0].measured[0].predicted_ns) == 0
    chart = distribution_chart(made.results(made.standard(), made.BASE), trials)
    assert chart is not None
    assert chart.figure.axes[0].get_xlim()[0] > 0.005


@pytest.mark.parametrize(("count", "limit", "kept"), [(10, 20, 10), (20, 20, 20), (21, 20, 11), (0, 20, 0)])
def test_thinning_takes_every_kth_row(count: int, limit: int, kept: int) -> None:
    assert len(thinned(count, limit)) == kept


@pytest.mark.parametrize(
    ("low", "high", "most", "expected"),
    [
        (20, 1100, 8, [20, 50, 100, 200, 500, 1000]),
        (20, 1100, 4, [30, 100, 300, 1000]),
        (0.2, 5000, 6, [1, 10, 100, 1000]),
        (20, 60, 9, [20, 50]),
    ],
)
def test_log_ticks_fit_their_axis(low: float, high: float, most: float, expected: list[float]) -> None:
    assert nice_log_ticks(low, high, most) == pytest.approx(expected)


def test_every_colour_can_be_read_on_both_papers() -> None:
    for name in (*made.BROADCAST, *made.ECHO):
        style = made.style(name)
        assert contrast(text_colour(style.colour.lower()), LIGHT.background) >= 4.5
        assert contrast(dark_counterparts([style])[style.colour.lower()], DARK.background) >= 4.5


def test_shades_of_stacked_bars_differ_in_black_and_white() -> None:
    shades = [LIGHT.shade_1, LIGHT.shade_2, LIGHT.shade_3, LIGHT.shade_4]
    assert all(contrast(one, next_one) > 1.4 for one, next_one in pairwise(shades))
