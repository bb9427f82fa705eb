"""A map of the cheapest transport by event rate and acceptable staleness, in server CPU time and in bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.text import Text
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator
from matplotlib.transforms import ScaledTranslation

from analysis.charts.canvas import Chart, Margins, drawing, framed
from analysis.charts.cheapest_transport import (
    Candidate,
    CheapestMap,
    byte_costs,
    candidates,
    cheapest_map,
    processor_costs,
    staleness_of_interval_s,
)
from analysis.charts.labels import BACKGROUND_BOX, Label, extent_in_points, label_points
from analysis.charts.style import LIGHT, POINTS_PER_IN, text_colour, text_size
from analysis.charts.transport_marks import plot_style
from analysis.formatting import figure, milliseconds
from analysis.formatting import interval as bounds_of
from analysis.summary.results import Results
from contract.summary import Capacity, Crossover, Tried
from contract.transports import TransportStyle
from terminal.wording import plural

TITLE = "Which transport costs least, by event rate and acceptable staleness"
_RATES_PER_S = (0.01, 200.0)
_STALENESSES_S = (0.05, 1000.0)
_STEPS = 180
_PLOT_IN = 3.2
_SIGNS = {"confirmed": "✓", "refuted": "✗", "undecided": "?"}
_SHARES_OF_LINE = (1 / 3, 1 / 2, 1 / 5, 2 / 3, 4 / 5)
"""Places of the label on the boundary, in order of preference."""
_HATCHES = ("///", "...", "xxx", "\\\\\\")
_FILL_ALPHA = 0.22
_NAME_POINTS = 9.5
_LONGEST_NAME_RATIO = 0.4
_GAP_POINTS = 4.0


Spot = tuple[float, float]
"""An event rate and a staleness."""


@dataclass(frozen=True)
class _Mark:
    """Comparisons that were measured at one event rate and poll interval."""

    spot: Spot
    winner: TransportStyle
    outcome: str


@dataclass(frozen=True)
class _Panel:
    """One kind of cost: its name, the cheapest transports, and the boundary by the closed form."""

    title: str
    costs: str
    """The costs of each transport, one line each."""
    found: CheapestMap
    boundary: float | None
    """λI from which polling is cheaper; None if it never is, or nothing is compared."""
    boundary_words: str


def crossover_map_chart(results: Results) -> Chart | None:
    """Return the map of a run that measured the costs of push and polling; None for others."""
    capacity = results.summary.capacity
    if capacity is None or not capacity.crossovers:
        return None
    panels = [_processor_panel(results, capacity), *_byte_panel(results, capacity)]
    with drawing():
        figure, grid = framed(
            TITLE,
            "Regions: least cost per client and second among those whose 99th percentile of latency is at most the "
            "acceptable staleness (short polls ask as seldom as it allows); dashed: closed form; marks: tried"
            f"{_signs_in_words(capacity)}.",
            _PLOT_IN,
            Margins(
                left=0.75,
                right=0.25,
                bottom=0.5,
                top=0.35 + 0.13 * max(panel.costs.count("\n") + 1 for panel in panels),
                between_columns=0.35,
            ),
            columns=len(panels),
        )
        for axes, panel in zip(grid[0], panels, strict=True):
            _draw_axes(axes, panel)
            marks = _tried_marks(panel, results, capacity) if panel is panels[0] else []
            texts = _draw_regions(axes, panel.found, [mark.spot for mark in marks])
            texts += _draw_boundary(axes, panel, texts)
            _draw_marks(axes, panel, marks, texts)
        for axes in grid[0][1:]:
            axes.tick_params(axis="y", labelleft=False)
            axes.set_ylabel("")
    return Chart("crossover-map", TITLE, _caption(panels, results, capacity), figure)


def _processor_panel(results: Results, capacity: Capacity) -> _Panel:
    among = candidates(results.transports, processor_costs(capacity.transports), results.base)
    crossover = _shown_crossover(among, capacity)
    at = crossover.events_per_poll
    words = _costs_in_words(among, "µs", 1e6)
    return _Panel("server CPU", words, _map(among), at.value, _boundary_words(at.value, at.ci95))


def _byte_panel(results: Results, capacity: Capacity) -> list[_Panel]:
    """Return the panel of bytes: polling sends fewer where λI exceeds a poll's headers over a channel's framing."""
    among = candidates(results.transports, byte_costs(capacity.transports), results.base)
    by_name = {found.transport: found for found in capacity.transports}
    crossover = _shown_crossover(among, capacity)
    poll, push = by_name[crossover.poll], by_name[crossover.push]
    if poll.poll_bytes is None or not push.framing_bytes:
        return []
    boundary = poll.poll_bytes / push.framing_bytes
    words = _costs_in_words(among, "B", 1)
    return [_Panel("bytes at the socket", words, _map(among), boundary, _boundary_words(boundary, None))]


def _map(among: tuple[Candidate, ...]) -> CheapestMap:
    return cheapest_map(among, np.geomspace(*_RATES_PER_S, _STEPS), np.geomspace(*_STALENESSES_S, _STEPS))


def _shown_crossover(among: Sequence[Candidate], capacity: Capacity) -> Crossover:
    """Return the crossover between the transports that the map shows, or the first if there is none."""
    shown = {candidate.transport.name for candidate in among}
    found = capacity.crossovers
    return next((one for one in found if {one.push, one.poll} <= shown), found[0])


def _boundary_words(value: float | None, bounds: Sequence[float] | None) -> str:
    return "" if value is None else f"λI = {figure(value)} {bounds_of(bounds)}".rstrip()


def _draw_axes(axes: Axes, panel: _Panel) -> None:
    axes.set_title(panel.title, size=8.5, color=LIGHT.ink, loc="left", pad=10 + 9 * (panel.costs.count("\n") + 1))
    axes.annotate(
        panel.costs,
        (0, 1),
        xycoords="axes fraction",
        xytext=(0, 5),
        textcoords="offset points",
        size=7,
        color=LIGHT.muted,
        va="bottom",
    )
    axes.grid(visible=False)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(*_RATES_PER_S)
    axes.set_ylim(*_STALENESSES_S)
    _ticks(axes)


def _ticks(axes: Axes) -> None:
    axes.set_xlabel("event rate λ (events/s, log scale)")
    axes.set_ylabel("acceptable staleness (log scale)")
    axes.xaxis.set_major_locator(FixedLocator([0.01, 0.1, 1, 10, 100]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_major_locator(FixedLocator([0.1, 1, 10, 100, 1000]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} s"))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_minor_locator(NullLocator())
        axis.set_minor_formatter(NullFormatter())


def _draw_boundary(axes: Axes, panel: _Panel, names: Sequence[Text]) -> list[Text]:
    """Draw the dashed boundary and its label, clear of the regions' names; return the label."""
    line = _boundary_line(panel)
    if not line:
        return []
    axes.plot(*zip(*line, strict=True), color=LIGHT.ink, linewidth=1.1, dashes=(4, 2), zorder=3)
    words = axes.text(
        *line[0], panel.boundary_words, size=8, color=LIGHT.ink, ha="center", va="center", zorder=4, bbox=BACKGROUND_BOX
    )
    taken = [extent_in_points(axes, name) for name in names]
    for share in _SHARES_OF_LINE:
        words.set_position(line[int(share * len(line))])
        box = extent_in_points(axes, words)
        if not any(box.overlap(other) for other in taken):
            break
    return [words]


def _boundary_line(panel: _Panel) -> list[tuple[float, float]]:
    """Return the event rates and stalenesses at which λI is that of the boundary, within the axes."""
    if panel.boundary is None:
        return []
    conditions = panel.found.candidates[0].conditions
    line = [
        (rate_per_s, staleness_of_interval_s(conditions, panel.boundary / rate_per_s))
        for rate_per_s in panel.found.rates_per_s.tolist()
    ]
    return [(x, y) for x, y in line if _STALENESSES_S[0] < y < _STALENESSES_S[1]]


def _tried_marks(panel: _Panel, results: Results, capacity: Capacity) -> list[_Mark]:
    """Return a mark for each tried prediction within the axes: the cheapest transport, and whether it was predicted."""
    styles = {style.name: style for style in results.transports}
    conditions = panel.found.candidates[0].conditions
    by_spot: dict[Spot, list[tuple[Crossover, Tried]]] = {}
    for crossover, tried in _all_tried(capacity):
        spot = (tried.rate_per_s, staleness_of_interval_s(conditions, tried.poll_interval_s))
        if _RATES_PER_S[0] < spot[0] < _RATES_PER_S[1] and _STALENESSES_S[0] < spot[1] < _STALENESSES_S[1]:
            by_spot.setdefault(spot, []).append((crossover, tried))
    return [
        _Mark(
            spot,
            styles[min(cost for crossover, tried in pairs for cost in _costs_us(crossover, tried))[1]],
            _outcomes([(styles[crossover.push].label, tried.outcome) for crossover, tried in pairs]),
        )
        for spot, pairs in by_spot.items()
    ]


def _signs_in_words(capacity: Capacity) -> str:
    found = {tried.outcome for _, tried in _all_tried(capacity)}
    signs = [f"{sign} {outcome}" for outcome, sign in _SIGNS.items() if outcome in found]
    return f" ({', '.join(signs)})" if signs else ""


def _outcomes(of_pushes: Sequence[tuple[str, str]]) -> str:
    """Return the outcome of each push against polling as signs, with names if they differ."""
    if len({outcome for _, outcome in of_pushes}) == 1:
        return _SIGNS[of_pushes[0][1]]
    return ", ".join(f"{label} {_SIGNS[outcome]}" for label, outcome in of_pushes)


def _draw_marks(axes: Axes, panel: _Panel, marks: Sequence[_Mark], texts: Sequence[Text]) -> None:
    for mark in marks:
        axes.plot(*mark.spot, **{**plot_style(mark.winner, line=False), "zorder": 6})
    labels = [Label(*mark.spot, mark.outcome, LIGHT.ink, size=8) for mark in marks]
    label_points(axes, labels, [mark.spot for mark in marks], [_boundary_line(panel)], texts)


def _all_tried(capacity: Capacity) -> list[tuple[Crossover, Tried]]:
    return [(crossover, tried) for crossover in capacity.crossovers for tried in crossover.tried]


def _costs_us(crossover: Crossover, tried: Tried) -> list[tuple[float, str]]:
    """Return the CPU time per client and second of the push and of the poll, as measured, with their names."""
    named = ((tried.push.cpu_us_per_client_s, crossover.push), (tried.poll.cpu_us_per_client_s, crossover.poll))
    return [(cost_us.value, name) for cost_us, name in named if cost_us.value is not None]


def _cheaper(crossover: Crossover, tried: Tried) -> str:
    """Return the name of the transport that was measured to be cheaper; of two equal ones the push."""
    return min(_costs_us(crossover, tried), key=itemgetter(0))[1]


def _caption(panels: Sequence[_Panel], results: Results, capacity: Capacity) -> str:
    sentences = [f"Measured {panel.title}: {', '.join(panel.costs.splitlines())}" for panel in panels]
    sentences += [
        f"polling costs less {'CPU' if panel is panels[0] else 'in bytes'} above {panel.boundary_words}"
        for panel in panels
        if panel.boundary_words
    ]
    styles = {style.name: style.label for style in results.transports}
    sentences += [
        f"tried with {plural(tried.clients, 'client')} at {figure(tried.rate_per_s)} events/s and polls every "
        f"{milliseconds(1000 * tried.poll_interval_s)}: {styles[_cheaper(crossover, tried)]} was cheaper, "
        f"{tried.outcome}"
        for crossover, tried in _all_tried(capacity)
    ]
    return "; ".join(sentences) + "."


def _costs_in_words(among: Sequence[Candidate], unit: str, scale: float) -> str:
    """Return the costs of each transport: of push per event, of polling per poll and per event in it."""
    lines = []
    for candidate in among:
        named = ((candidate.cost.request, "poll"), (candidate.cost.event, "event"))
        parts = [f"{figure(scale * cost)} {unit}/{noun}" for cost, noun in named if cost]
        lines.append(f"{candidate.transport.label} {' + '.join(parts)}")
    return "\n".join(lines)


def _draw_regions(axes: Axes, found: CheapestMap, spots: Sequence[Spot]) -> list[Text]:
    """Draw tinted regions, hatched for readers who see no colours, and return their names."""
    names = []
    for index, candidate in enumerate(found.candidates):
        region = (found.cheapest == index).astype(float)
        if not region.any():
            continue
        colour = candidate.transport.colour.lower()
        axes.contourf(
            found.rates_per_s,
            found.stalenesses_s,
            region,
            levels=[0.5, 1.5],
            colors=[colour],
            alpha=_FILL_ALPHA,
            zorder=1,
        )
        hatched = axes.contourf(
            found.rates_per_s,
            found.stalenesses_s,
            region,
            levels=[0.5, 1.5],
            colors=["none"],
            hatches=[_HATCHES[index % len(_HATCHES)]],
            zorder=1,
        )
        hatched.set_edgecolor(colour)
        hatched.set_linewidth(0.0)
        names.append(_name_region(axes, found, index, spots))
    return names


def _name_region(axes: Axes, found: CheapestMap, index: int, spots: Sequence[Spot]) -> Text:
    """Draw a region's name where there is most room: at the centre of the largest square without any of the spots."""
    free = (found.cheapest == index) & ~_cells_near(found, spots)
    row, column = _centre_of_largest_square(free if free.any() else found.cheapest == index)
    candidate = found.candidates[index]
    name = axes.text(
        float(found.rates_per_s[column]),
        float(found.stalenesses_s[row]),
        "\n".join(_on_two_lines(candidate.label, axes)),
        size=_NAME_POINTS,
        weight="bold",
        color=text_colour(candidate.transport.colour.lower()),
        ha="center",
        va="center",
        zorder=5,
        bbox=BACKGROUND_BOX,
    )
    _move_inside(axes, name)
    return name


def _move_inside(axes: Axes, name: Text) -> None:
    """Move the name of a small region at the edge inside the axes."""
    frame, box = extent_in_points(axes, axes), extent_in_points(axes, name)
    right = max(frame.left + _GAP_POINTS - box.left, 0.0) - max(box.right + _GAP_POINTS - frame.right, 0.0)
    up = max(frame.bottom + _GAP_POINTS - box.bottom, 0.0) - max(box.top + _GAP_POINTS - frame.top, 0.0)
    figure = axes.get_figure(root=True)
    assert figure is not None
    moved = ScaledTranslation(right / POINTS_PER_IN, up / POINTS_PER_IN, figure.dpi_scale_trans)
    name.set_transform(name.get_transform() + moved)


def _cells_near(found: CheapestMap, spots: Sequence[Spot]) -> npt.NDArray[np.bool_]:
    """Return the cells that the mark of a spot, its label or a name beside it may cover."""
    near = np.zeros(found.cheapest.shape, dtype=np.bool_)
    height, width = len(found.stalenesses_s), len(found.rates_per_s)
    rows, columns = np.arange(height)[:, None], np.arange(width)[None, :]
    for rate_per_s, staleness_s in spots:
        row = np.searchsorted(found.stalenesses_s, staleness_s)
        column = np.searchsorted(found.rates_per_s, rate_per_s)
        near |= (abs(rows - row) < height // 10) & (abs(columns - column) < width // 8)
    return near


def _centre_of_largest_square(inside: npt.NDArray[np.bool_]) -> tuple[int, int]:
    """Return row and column of the centre, by dynamic programming over the squares that end at each cell."""
    reach = np.zeros(inside.shape, dtype=np.int64)
    for row, column in np.argwhere(inside).tolist():
        least = min(reach[row - 1, column], reach[row, column - 1], reach[row - 1, column - 1]) if row and column else 0
        reach[row, column] = 1 + least
    row, column = divmod(int(np.argmax(reach)), inside.shape[1])
    half = int(reach[row, column]) // 2
    return row - half, column - half


def _on_two_lines(label: str, axes: Axes) -> list[str]:
    """Split a label with two names into two lines if one line would take too much of the panel's width."""
    frame = extent_in_points(axes, axes)
    room = _LONGEST_NAME_RATIO * (frame.right - frame.left)
    return (
        [label] if text_size(label, _NAME_POINTS, bold=True)[0] < room else label.replace(" or ", "\nor ").split("\n")
    )
