"""A chart of a few seconds of one client per transport: its requests, answers and events."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from analysis.charts.canvas import Chart, Margins, drawing, framed
from analysis.charts.raw_records import BaseTrials
from analysis.charts.style import LIGHT, POINTS_PER_IN, text_size
from analysis.charts.transport_marks import draw_key, label_colour
from analysis.formatting import listed
from analysis.summary.results import Results
from analysis.trial.latency import Floats
from contract.records import Outcome, RequestKind, Requests, Trial, is_time
from contract.transports import TransportStyle
from terminal.wording import plural

LONGEST_S = 10.0
MOST_EVENTS = 60
_LANE_IN = 0.72
_SERVER, _CLIENT = 0.3, -0.3
"""Heights of the two horizontal lines of a lane, relative to its middle."""
_NS_PER_S = 1e9


@dataclass(frozen=True)
class Lane:
    """Polls and deliveries of one client in the excerpt; times in seconds after the excerpt's start."""

    transport: TransportStyle
    one_way_s: float
    poll_sent: Floats
    """When the client sent each poll."""
    poll_answered: Floats
    """When the answer to each poll arrived; NaN if it is not known."""
    answer_events: Floats
    """The number of events in each answer."""
    delivery_sent: Floats
    """When the server sent each delivery; for a push, when the event was published."""
    delivery_published: Floats
    delivery_arrived: Floats

    @property
    def empty(self) -> npt.NDArray[np.bool_]:
        """Return for each poll whether its answer held no event."""
        return np.equal(self.answer_events, 0) & np.isfinite(self.poll_answered)


def lanes_chart(results: Results, groups: list[BaseTrials]) -> Chart | None:
    """Return a chart of one client's requests and deliveries per transport, in one block; None for round trips."""
    together = [group for group in groups if group.first.info.block == groups[0].first.info.block]
    if results.round_trip or not together:
        return None
    first = together[0].first
    start_ns, length_s = first.info.window_start_ns - first.info.t0_ns, excerpt_length_s(first)
    truth = (first.published.due_ns - first.info.t0_ns - start_ns) / _NS_PER_S
    truth = truth[(truth >= 0) & (truth < length_s)]
    lanes = [lane_of(group.first, group.transport, start_ns, length_s) for group in together]
    title = f"Requests and deliveries of one client in {length_s:.3g} s"
    left_in = (max(text_size(lane.transport.label, 8.5, bold=True)[0] for lane in lanes) + 50) / POINTS_PER_IN
    with drawing():
        figure, grid = framed(
            title,
            "Top: events as they fell due. Per transport, its server (upper rail) and one client (lower rail), "
            f"each message a line from sending to arrival; {results.conditions(without='clients')}.",
            _LANE_IN * len(lanes) + 0.35,
            Margins(left=max(left_in, 1.0), right=0.2, top=0.45),
        )
        axes = grid[0][0]
        _draw_axes(axes, lanes, length_s)
        axes.vlines(truth, len(lanes) - 0.42, len(lanes) - 0.12, color=LIGHT.ink, linewidth=1.1)
        for at, lane in enumerate(reversed(lanes)):
            _draw_lane(axes, lane, at, length_s)
        draw_key(figure, _key(lanes), axes.get_position().y1 * figure.get_size_inches()[1] + 0.32)
    return Chart("lanes", title, _caption(lanes, len(truth), length_s), figure)


def excerpt_length_s(trial: Trial) -> float:
    """Return the excerpt's length: at most LONGEST_S of the window, and at most MOST_EVENTS events."""
    info = trial.info
    length_s = min(LONGEST_S, (info.window_end_ns - info.window_start_ns) / _NS_PER_S)
    due_s = (trial.published.due_ns - info.window_start_ns) / _NS_PER_S
    due_s = np.sort(due_s[due_s >= 0])
    if len(due_s) > MOST_EVENTS:
        length_s = min(length_s, float(due_s[MOST_EVENTS]))
    return math.floor(2 * length_s) / 2 if length_s >= 1 else length_s


def lane_of(trial: Trial, transport: TransportStyle, start_offset_ns: int, length_s: float) -> Lane:
    """Return the first client's polls and deliveries in the excerpt, which starts that many ns after the stream."""
    origin_ns = trial.info.t0_ns + start_offset_ns
    one_way_s = trial.info.parameters.one_way_delay_ms / 1000
    client = int(trial.clients.client[0]) if len(trial.clients) else 0
    requests, deliveries = trial.requests, trial.deliveries.where(trial.deliveries.client == client)
    skipped = (requests.outcome == Outcome.SKIPPED) | ~is_time(requests.start_ns)
    polls = requests.where((requests.client == client) & (requests.kind == RequestKind.POLL) & ~skipped)
    arrived = (trial.arrivals_ns(deliveries) - origin_ns) / _NS_PER_S
    published = (deliveries.published_ns - origin_ns) / _NS_PER_S
    delivery_shown = (arrived >= 0) & (published < length_s)
    poll_sent, poll_answered = (polls.start_ns - origin_ns) / _NS_PER_S, _answer_times_s(polls, origin_ns)
    poll_shown = (poll_sent < length_s) & ~(poll_answered < 0)
    delivery_sent = np.maximum(arrived - one_way_s, published) if transport.polling else published
    return Lane(
        transport,
        one_way_s,
        poll_sent[poll_shown],
        poll_answered[poll_shown],
        polls.events[poll_shown].astype(np.float64),
        delivery_sent[delivery_shown],
        published[delivery_shown],
        arrived[delivery_shown],
    )


def _answer_times_s(polls: Requests, origin_ns: int) -> Floats:
    answered = (polls.outcome == Outcome.ANSWERED) | (polls.outcome == Outcome.EMPTY)
    return np.where(answered, (polls.end_ns - origin_ns) / _NS_PER_S, np.nan)


def _draw_axes(axes: Axes, lanes: list[Lane], length_s: float) -> None:
    axes.set_xlim(0, length_s)
    axes.set_ylim(-0.5, len(lanes))
    axes.set_xlabel("seconds after the start of the excerpt")
    axes.grid(visible=False, axis="y")
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    beside: dict[str, Any] = {
        "xycoords": ("axes fraction", "data"),
        "textcoords": "offset points",
        "va": "center",
        "ha": "right",
    }
    axes.annotate("events due", (0, len(lanes) - 0.27), xytext=(-6, 0), size=8.5, color=LIGHT.ink, **beside)
    for at, lane in enumerate(reversed(lanes)):
        axes.hlines([at + _SERVER, at + _CLIENT], 0, length_s, color=LIGHT.faint, linewidth=0.6, zorder=1)
        colour = label_colour(lane.transport)
        axes.annotate(lane.transport.label, (0, at), xytext=(-40, 0), size=8.5, weight="bold", color=colour, **beside)
        for height, name in ((_SERVER, "server"), (_CLIENT, "client")):
            axes.annotate(name, (0, at + height), xytext=(-6, 0), size=7, color=LIGHT.muted, **beside)


def _draw_lane(axes: Axes, lane: Lane, at: int, length_s: float) -> None:
    colour = lane.transport.colour.lower()
    server, client = at + _SERVER, at + _CLIENT
    at_server = lane.poll_sent + lane.one_way_s
    reply_left = np.where(np.isnan(lane.poll_answered), length_s + lane.one_way_s, lane.poll_answered - lane.one_way_s)
    axes.hlines(
        np.full(len(at_server), server),
        at_server,
        np.maximum(reply_left, at_server),
        color=LIGHT.shade_3,
        linewidth=4.5,
        zorder=2,
    )
    axes.hlines(
        np.full(len(lane.delivery_sent), server),
        lane.delivery_published,
        lane.delivery_sent,
        color=colour,
        linewidth=1.6,
        zorder=3,
    )
    _draw_sloped_lines(axes, lane.poll_sent, client, at_server, server, LIGHT.muted, 0.7)
    empty = lane.empty
    _draw_sloped_lines(axes, reply_left[empty], server, lane.poll_answered[empty], client, LIGHT.muted, 0.7)
    axes.plot(
        lane.poll_answered[empty],
        np.full(int(empty.sum()), client),
        linestyle="none",
        marker="o",
        markersize=4,
        markerfacecolor=LIGHT.background,
        markeredgecolor=LIGHT.muted,
        markeredgewidth=0.9,
        zorder=5,
    )
    _draw_sloped_lines(axes, lane.delivery_sent, server, lane.delivery_arrived, client, colour, 1.1)
    axes.plot(
        lane.delivery_published,
        np.full(len(lane.delivery_published), server),
        linestyle="none",
        marker="|",
        markersize=5,
        markeredgewidth=1.0,
        color=LIGHT.ink,
        zorder=4,
    )
    axes.plot(
        lane.delivery_arrived,
        np.full(len(lane.delivery_arrived), client),
        linestyle="none",
        marker="o",
        markersize=4,
        color=colour,
        markeredgewidth=0,
        zorder=5,
    )


def _draw_sloped_lines(axes: Axes, x0: Floats, y0: float, x1: Floats, y1: float, colour: str, width: float) -> None:
    ends = np.stack(
        [np.stack([x0, np.full(len(x0), y0)], axis=1), np.stack([x1, np.full(len(x1), y1)], axis=1)], axis=1
    )
    axes.add_collection(LineCollection(list(ends), colors=colour, linewidths=width, zorder=3, capstyle="butt"))


def _key(lanes: list[Lane]) -> list[tuple[Line2D | Patch, str]]:
    dot: dict[str, Any] = {"linestyle": "none", "marker": "o", "markersize": 4.5}
    key: list[tuple[Line2D | Patch, str]] = [
        (Line2D([], [], color=LIGHT.ink, markeredgewidth=0, **dot), "event arrives")
    ]
    if any(len(lane.poll_sent) for lane in lanes):
        key += [
            (Line2D([], [], color=LIGHT.ink, linewidth=1.6), "event waits at the server"),
            (Line2D([], [], color=LIGHT.muted, linewidth=0.8), "request"),
            (Patch(facecolor=LIGHT.shade_3, linewidth=0), "request held"),
            (Line2D([], [], markerfacecolor=LIGHT.background, markeredgecolor=LIGHT.muted, **dot), "empty answer"),
        ]
    return key


def _caption(lanes: list[Lane], events: int, length_s: float) -> str:
    counts = []
    for lane in lanes:
        counts.append(f"{lane.transport.label} sent {plural(int((lane.poll_sent >= 0).sum()), 'request')}")
        if len(lane.poll_sent):
            counts[-1] += f" ({int(lane.empty.sum())} came back empty)"
    return (
        f"{plural(events, 'event')} fell due within {length_s:.3g} s; {listed(counts)}. First client of each "
        "transport's first trial; when an answer left the server is inferred from the one-way delay."
    )
