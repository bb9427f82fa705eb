"""The figures of a run, computed once more from its raw records: plain loops over plain numbers, nothing of analysis/.

Definitions are those of docs/using/formats.md and docs/method/method.md. NumPy only reads the tables, SciPy only knows
Student's t.
Runs of one load process on one clock, with a cursor and connections that are kept, are understood; times are ns.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import norm as normal
from scipy.stats import t as students_t

CONNECT, HANDSHAKE, POLL, POST = range(4)
ANSWERED, EMPTY, BAD_STATUS, LOST, TIMEOUT, GARBLED, SKIPPED, UNFINISHED = range(8)
SET_UP, WINDOW_START, WINDOW_END = range(3)
SERVER, LOAD, RELAY = range(3)
ROLES = {"server": SERVER, "load": LOAD, "relay": RELAY}
SHARES = {"p50": Fraction(50, 100), "p90": Fraction(90, 100), "p95": Fraction(95, 100), "p99": Fraction(99, 100)}
LEAST_EVENTS = {"p50": 20, "p90": 100, "p95": 200, "p99": 1000}
"""Ten beyond the quantile: with fewer there is none."""
SEGMENT_HEADER_BYTES = {4: 52, 6: 72}

Row = dict[str, int]
Interval = list[float] | None


def quantile(values: Iterable[float], share: Fraction) -> float:
    """The smallest value that at least this share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[math.ceil(share * len(ordered)) - 1]


def mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def median(values: Sequence[float]) -> float:
    """Midway between the two in the middle where their number is even."""
    ordered, half = sorted(values), len(values) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def distribution_ms(times_ns: Sequence[int]) -> dict[str, float]:
    found = {name: quantile(times_ns, share) / 1e6 for name, share in SHARES.items()}
    return {"mean": mean(times_ns) / 1e6, **found, "max": max(times_ns) / 1e6}


def standard_error(values: Sequence[float]) -> float:
    centre = mean(values)
    return math.sqrt(math.fsum((value - centre) ** 2 for value in values) / (len(values) - 1) / len(values))


def interval(
    estimate: float,
    per_trial: Sequence[float],
    low: float = 0.0,
    high: float = math.inf,
    *,
    least: float = 0.0,
    factor: float = 1.0,
) -> Interval:
    """estimate ± max(t · s, 1.96 · least) / √n · factor, cut off where the figure cannot be; None with one trial."""
    if len(per_trial) < 2:
        return None
    half = float(students_t.ppf(0.975, len(per_trial) - 1)) * standard_error(per_trial)
    half = factor * max(half, float(normal.ppf(0.975)) * least / math.sqrt(len(per_trial)))
    return [min(estimate, max(low, estimate - half)), max(estimate, min(high, estimate + half))]


def factor_of(statistic: str) -> float:
    """By how much intervals of a statistic are wider than Student's."""
    return 1.2 if statistic in ("p95", "p99") else 1.0


def paired_difference(
    figures: Sequence[float],
    per_block: Sequence[tuple[float, float]],
    possible: tuple[float, float],
    their_interval: Interval,
    *,
    least: float = 0.0,
    factor: float = 1.0,
) -> dict[str, Any]:
    """Of two reported figures, with the interval and the p value of the differences within blocks.

    Ours is within what is possible, theirs within its interval, and their difference within what follows from that.
    """
    value = figures[0] - figures[1]
    if len(per_block) < 2:
        return {"value": value, "ci95": None, "p_value": None, "blocks": len(per_block)}
    assert their_interval is not None
    differences = [ours - theirs for ours, theirs in per_block]
    low, high = possible[0] - their_interval[1], possible[1] - their_interval[0]
    bounds = interval(value, differences, low, high, least=least, factor=factor)
    error, freedom = standard_error(differences), len(differences) - 1
    error = factor * max(error, least / math.sqrt(len(differences)))
    p_value = 2 * float(students_t.sf(abs(value) / error, freedom)) if error else float(value == 0)
    return {"value": value, "ci95": bounds, "p_value": p_value, "blocks": len(differences)}


@dataclass
class RawTrial:
    """One trial's folder as it is, and what follows from it alone."""

    folder: Path
    style: dict[str, Any]

    @cached_property
    def info(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "trial.json").read_text(encoding="utf-8"))
        assert not found["workers"]
        return found

    def table(self, name: str) -> list[Row]:
        with np.load(self.folder / f"{name}.npz") as columns:
            named = {column: columns[column].tolist() for column in columns.files}
        return [dict(zip(named, row, strict=True)) for row in zip(*named.values(), strict=True)]

    @cached_property
    def deliveries(self) -> list[Row]:
        """With `arrival_ns`, by the kernel's stamp where there is one; `stamped` tells."""
        rows, pairs = self.table("deliveries"), self.table("clock")
        for row in rows:
            row["stamped"] = int(bool(self.info["capabilities"]["kernel_stamps"]) and row["kernel_realtime_ns"] != 0)
            row["arrival_ns"] = to_monotonic(row["kernel_realtime_ns"], pairs) if row["stamped"] else row["user_ns"]
        return rows

    @cached_property
    def requests(self) -> list[Row]:
        return self.table("requests")

    @cached_property
    def published(self) -> list[Row]:
        return self.table("published")

    @cached_property
    def clients(self) -> list[Row]:
        return sorted(self.table("clients"), key=lambda row: row["client"])

    @property
    def parameters(self) -> dict[str, Any]:
        found: dict[str, Any] = self.info["parameters"]
        return found

    @property
    def model(self) -> str:
        return str(self.style["model"])

    @property
    def round_trip(self) -> bool:
        return self.model.startswith("round_trip")

    @property
    def window_ns(self) -> tuple[int, int]:
        return self.info["window_start_ns"], self.info["window_end_ns"]

    @property
    def window_length_ns(self) -> int:
        return self.window_ns[1] - self.window_ns[0]

    def in_window(self, at_ns: float) -> bool:
        return self.window_ns[0] <= at_ns < self.window_ns[1]

    @property
    def one_way_ns(self) -> int:
        delay_ms: float = self.parameters["one_way_delay_ms"]
        return round(delay_ms * 1e6)

    def due_ns(self, client: int, event: int) -> int:
        """When the event with this index is due at this client: an echo client sends by a phase of its own."""
        phase_ns = self.clients[client]["phase_ns"] if self.round_trip else 0
        return self.published[event]["due_ns"] + phase_ns

    @cached_property
    def due(self) -> list[tuple[int, int]]:
        """Pairs of client and index of event that are due in the window."""
        pairs = ((client, event) for client in range(len(self.clients)) for event in range(len(self.published)))
        return [pair for pair in pairs if self.in_window(self.due_ns(*pair))]

    @cached_property
    def measured(self) -> list[Row]:
        """First copies of events of the stream that were due in the window."""
        seen: set[tuple[int, int]] = set()
        found = []
        for row in self.deliveries:
            pair = (row["client"], row["seq"])
            if pair not in seen and 1 <= row["seq"] <= len(self.published) and self.in_window(row["due_ns"]):
                found.append(row)
            seen.add(pair)
        return found

    @cached_property
    def latencies_ns(self) -> list[int]:
        return [row["arrival_ns"] - row["due_ns"] for row in self.measured]

    @cached_property
    def parts_ns(self) -> dict[str, list[int] | None]:
        """By part, of each measured delivery; the client's delay of those with a kernel's stamp."""
        rows = self.measured
        written_ns = self._written_ns() if (self.folder / "written.npz").exists() else None
        left_ns = [row["published_ns"] for row in rows] if written_ns is None else written_ns
        return {
            "server_lag": [row["published_ns"] - row["due_ns"] for row in rows],
            "queue": None
            if written_ns is None
            else [at_ns - row["published_ns"] for row, at_ns in zip(rows, written_ns, strict=True)],
            "delivery": [row["arrival_ns"] - at_ns for row, at_ns in zip(rows, left_ns, strict=True)],
            "client_delay": [row["user_ns"] - row["arrival_ns"] for row in rows if row["stamped"]] or None,
        }

    def _written_ns(self) -> list[int]:
        """The write of each measured delivery; of several the last before its client read it.

        A single one may have been noted after the read: the server's process can lose its core in between.
        """
        writes: dict[tuple[int, int], list[int]] = {}
        for row in self.table("written"):
            writes.setdefault((row["client"], row["seq"]), []).append(row["written_ns"])

        def of_delivery(times_ns: list[int], read_ns: int) -> int:
            return times_ns[0] if len(times_ns) == 1 else max(at_ns for at_ns in times_ns if at_ns <= read_ns)

        return [of_delivery(writes[row["client"], row["seq"]], row["user_ns"]) for row in self.measured]

    @property
    def sample_events(self) -> int:
        """Events that all clients share, or messages that they send."""
        return len(self.due) if self.round_trip else sum(self.in_window(row["due_ns"]) for row in self.published)

    @cached_property
    def reach_ms(self) -> tuple[float, float]:
        """Within what time events reach 99 % of the clients, on average over the events: measured, and by the model."""
        measured: dict[int, list[int]] = {}
        predicted: dict[int, list[int]] = {}
        for row, latency_ns in zip(self.measured, self.latencies_ns, strict=True):
            measured.setdefault(row["seq"], []).append(latency_ns)
            predicted.setdefault(row["seq"], []).append(self.predicted[0][row["client"], row["seq"] - 1])
        return (
            mean([quantile(of_event, SHARES["p99"]) / 1e6 for of_event in measured.values()]),
            mean([quantile(of_event, SHARES["p99"]) / 1e6 for of_event in predicted.values()]),
        )

    @cached_property
    def ledger(self) -> dict[str, int]:
        events, clients = self.info["expected_events"], len(self.clients)
        counts = dict.fromkeys(("delivered", "duplicate", "reordered", "late", "corrupt"), 0)
        longest_ns = max(self.predicted[0][pair] for pair in self.due)
        last_due_ns = max(self.due_ns(client, event) for client in range(clients) for event in range(events))
        seen: dict[int, set[int]] = {client: set() for client in range(clients)}
        for row in self.deliveries:
            had = seen[row["client"]]
            known = 1 <= row["seq"] <= events
            counts["corrupt"] += row["payload_ok"] != 1 or not known
            if known and row["seq"] in had:
                counts["duplicate"] += 1
            elif known:
                counts["delivered"] += 1
                counts["reordered"] += row["seq"] < max(had, default=0)
                counts["late"] += row["arrival_ns"] > last_due_ns + longest_ns + 1_000_000_000
                had.add(row["seq"])
        expected = events * clients
        return {"expected": expected, "lost": expected - counts["delivered"], **counts}

    @cached_property
    def request_counts(self) -> dict[str, int]:
        sent = [row for row in self.requests if row["outcome"] != SKIPPED]
        polls = [row for row in sent if row["kind"] == POLL]
        posts = [row for row in sent if row["kind"] == POST]
        connects = sum(row["kind"] == CONNECT for row in self.requests)
        needed = len(posts) if self.model == "round_trip_new_connection" else len(self.clients)
        return {
            "connects": connects,
            "handshakes": sum(row["kind"] == HANDSHAKE for row in self.requests),
            "polls": len(polls),
            "posts": len(posts),
            "empty": sum(row["outcome"] == EMPTY for row in polls),
            "skipped": len(self.requests) - len(sent),
            "reconnects": max(0, connects - needed),
            "errors": sum(row["outcome"] in (BAD_STATUS, LOST, TIMEOUT, GARBLED) for row in self.requests),
        }

    @cached_property
    def sent_in_window(self) -> int:
        return sum(
            row["kind"] in (POLL, POST) and row["outcome"] != SKIPPED and self.in_window(row["start_ns"])
            for row in self.requests
        )

    @cached_property
    def polls_answered_in_window(self) -> tuple[int, int]:
        """Those that carried nothing, and all."""
        answered = [row for row in self.requests if row["kind"] == POLL and row["outcome"] in (ANSWERED, EMPTY)]
        outcomes = [row["outcome"] for row in answered if self.in_window(row["end_ns"])]
        return outcomes.count(EMPTY), len(outcomes)

    @cached_property
    def read_in_window(self) -> int:
        """Deliveries, copies included."""
        return sum(self.in_window(row["user_ns"]) for row in self.deliveries)

    @cached_property
    def byte_counts(self) -> dict[str, int]:
        """Between the readings of each client's socket at both ends of the window."""
        stages = {(row["client"], row["stage"]): row for row in self.table("sockets")}
        counts = dict.fromkeys(("deliveries", "up", "down", "payload", "empty_polls", "tcp_ip"), 0)
        header_bytes = SEGMENT_HEADER_BYTES[self.info["capabilities"].get("ip_version", 4)]
        for client in range(len(self.clients)):
            start, end = stages[client, WINDOW_START], stages[client, WINDOW_END]
            for way in ("up", "down"):
                counts[way] += end[f"{way}_bytes"] - start[f"{way}_bytes"]
                counts["tcp_ip"] += header_bytes * (end[f"{way}_segments"] - start[f"{way}_segments"])
            for row in self.deliveries:
                if row["client"] == client and start["at_ns"] < row["user_ns"] <= end["at_ns"]:
                    counts["deliveries"] += 1
                    event_bytes = self.published[row["seq"] - 1]["event_bytes"]
                    counts["payload"] += event_bytes * (2 if self.round_trip else 1)
            for row in self.requests:
                if row["client"] == client and start["at_ns"] < row["start_ns"] <= end["at_ns"]:
                    counts["empty_polls"] += (row["outcome"] == EMPTY) * (row["up_bytes"] + row["down_bytes"])
        return counts

    @cached_property
    def setup_bytes(self) -> list[int]:
        return [row["up_bytes"] + row["down_bytes"] for row in self.table("sockets") if row["stage"] == SET_UP]

    @cached_property
    def setup_ms(self) -> list[float]:
        """Of clients that connected before they were ready; those with a connection per message have none to set up."""
        spans = ((row["connect_start_ns"], row["ready_ns"]) for row in self.clients)
        return [(ready_ns - start_ns) / 1e6 for start_ns, ready_ns in spans if 0 < start_ns <= ready_ns]

    @cached_property
    def connecting_ns(self) -> tuple[int, int]:
        return min(row["connect_start_ns"] for row in self.clients), max(row["ready_ns"] for row in self.clients)

    def samples(self, role: int) -> list[Row]:
        return [row for row in self.table("samples") if row["role"] == role]

    def memory_bytes(self, role: int) -> tuple[int, int] | None:
        """Before the first client connected, and once all had; None where there is no sample before the window."""
        start_ns, ready_ns = self.connecting_ns
        before = [row for row in self.samples(role) if row["at_ns"] <= start_ns]
        after = [row for row in self.samples(role) if ready_ns <= row["at_ns"] < self.window_ns[0]]
        if not before or not after:
            return None
        return before[-1]["rss_bytes"], after[0]["rss_bytes"]

    def sampled_ns(self, role: int) -> tuple[int, int]:
        """The part of the window that the samples cover; empty where there are none."""
        times_ns = [row["at_ns"] for row in self.samples(role)] or [self.window_ns[0]]
        start_ns = max(self.window_ns[0], times_ns[0])
        return start_ns, max(start_ns, min(self.window_ns[1], times_ns[-1]))

    def is_sampled(self, role: int) -> bool:
        start_ns, end_ns = self.sampled_ns(role)
        return 2 * (end_ns - start_ns) >= self.window_length_ns

    def growth(self, role: int, column: str) -> float:
        """By how much a cumulative column grew in the window: between samples in a straight line.

        Where they do not reach the window's ends, what they cover stands for all of it.
        """
        samples = self.samples(role)
        start_ns, end_ns = self.sampled_ns(role)
        reached = [between(samples, column, at_ns) for at_ns in (start_ns, end_ns)]
        return (reached[1] - reached[0]) * self.window_length_ns / (end_ns - start_ns)

    def cpu_ns(self, role: int) -> float:
        """In the window; the server's without its publisher's spinning, of which each event has an equal share."""
        cpu_ns = self.growth(role, "cpu_ns")
        if role != SERVER:
            return cpu_ns
        of_window = sum(self.in_window(row["due_ns"]) for row in self.published)
        spin_cpu_ns: int = self.info["server_stats"]["spin_cpu_ns"]
        return max(0.0, cpu_ns - spin_cpu_ns * of_window / len(self.published))

    def cpu_ratio(self, role: int) -> float:
        return self.cpu_ns(role) / (self.window_length_ns - self.growth(role, "stolen_ns"))

    @cached_property
    def view_ages(self) -> dict[str, float]:
        """Time of all clients with a view older than that, and the area under their ages, in ns and ns²."""
        totals = {"mean_age": 0.0, "older_than_100_ms": 0.0, "older_than_1_s": 0.0}
        for client in range(len(self.clients)):
            arrivals_ns: dict[int, int] = {}
            for row in self.deliveries:
                if row["client"] == client:
                    first_ns = arrivals_ns.get(row["seq"], row["arrival_ns"])
                    arrivals_ns[row["seq"]] = min(first_ns, row["arrival_ns"])
            missing = [(row["due_ns"], arrivals_ns.get(row["seq"], math.inf)) for row in self.published]
            edges = {at_ns for span in missing for at_ns in span if self.in_window(at_ns)} | set(self.window_ns)
            ordered = sorted(edges)
            for from_ns, to_ns in itertools.pairwise(ordered):
                oldest_ns = min((due for due, came in missing if due <= from_ns and came > from_ns), default=None)
                if oldest_ns is None:
                    continue
                totals["mean_age"] += ((to_ns - oldest_ns) ** 2 - (from_ns - oldest_ns) ** 2) / 2
                for name, age_ns in (("older_than_100_ms", 100_000_000), ("older_than_1_s", 1_000_000_000)):
                    totals[name] += max(0, to_ns - max(from_ns, oldest_ns + age_ns))
        return totals

    @property
    def watched_ns(self) -> int:
        return self.window_length_ns * len(self.clients)

    @cached_property
    def predicted(self) -> tuple[dict[tuple[int, int], int], int]:
        """The model on the schedule: latency by client and index of event, and requests sent in the window."""
        kinds = {
            "push": self._push, "short_poll": self._short_poll, "long_poll": self._long_poll,
            "round_trip": self._round_trip, "round_trip_new_connection": self._round_trip,
        }  # fmt: skip
        latency_ns: dict[tuple[int, int], int] = {}
        requests = 0
        for client in range(len(self.clients)):
            latencies_ns, asked = kinds[self.model](client)
            latency_ns |= {(client, event): each_ns for event, each_ns in enumerate(latencies_ns)}
            requests += asked
        return latency_ns, requests

    @property
    def predicted_in_window_ns(self) -> list[int]:
        return [self.predicted[0][pair] for pair in self.due]

    @cached_property
    def residuals_ns(self) -> list[int]:
        return [
            latency_ns - self.predicted[0][row["client"], row["seq"] - 1]
            for row, latency_ns in zip(self.measured, self.latencies_ns, strict=True)
        ]

    def _push(self, _: int) -> tuple[list[int], int]:
        return [self.one_way_ns] * len(self.published), 0

    def _short_poll(self, client: int) -> tuple[list[int], int]:
        """Polls leave at t0 + phase + k · interval, never before the one before is answered."""
        period_ns = max(round(self.parameters["poll_interval_s"] * 1e9), 2 * self.one_way_ns)
        first_ns = self.info["t0_ns"] + self.clients[client]["phase_ns"]
        latencies_ns = []
        for event in self.published:
            poll_ns = first_ns
            while poll_ns + self.one_way_ns < event["due_ns"]:
                poll_ns += period_ns
            latencies_ns.append(poll_ns + 2 * self.one_way_ns - event["due_ns"])
        asked, poll_ns = 0, first_ns
        while poll_ns < self.window_ns[1]:
            asked += self.in_window(poll_ns)
            poll_ns += period_ns
        return latencies_ns, asked

    def _long_poll(self, client: int) -> tuple[list[int], int]:
        """Each request is answered at once where events wait, else at the next event or the end of its hold."""
        hold_ns = round(self.parameters["hold_s"] * 1e9)
        due_ns = [event["due_ns"] for event in self.published]
        sent_ns = self.first_poll_ns(client)
        latencies_ns: list[int] = []
        asked = 0
        while len(latencies_ns) < len(due_ns) or sent_ns < self.window_ns[1]:
            asked += self.in_window(sent_ns)
            at_server_ns = sent_ns + self.one_way_ns
            answer_ns = at_server_ns + hold_ns
            if len(latencies_ns) < len(due_ns):
                answer_ns = min(answer_ns, max(at_server_ns, due_ns[len(latencies_ns)]))
            while len(latencies_ns) < len(due_ns) and due_ns[len(latencies_ns)] <= answer_ns:
                latencies_ns.append(answer_ns + self.one_way_ns - due_ns[len(latencies_ns)])
            sent_ns = answer_ns + self.one_way_ns + self.turnaround_ns
        return latencies_ns, asked

    def first_poll_ns(self, client: int) -> int:
        own = [row["start_ns"] for row in self.requests if row["client"] == client and row["kind"] == POLL]
        return min(at_ns for at_ns in own if at_ns)

    @cached_property
    def turnaround_ns(self) -> int:
        """The median of what clients took to read what had arrived."""
        delays_ns = [row["user_ns"] - row["arrival_ns"] for row in self.deliveries if row["stamped"]]
        return max(0, round(median(delays_ns))) if delays_ns else 0

    def _round_trip(self, client: int) -> tuple[list[int], int]:
        """A message that is posted waits for the answer to the one before."""
        transits = 4 if self.model == "round_trip_new_connection" else 2
        latencies_ns, asked, free_ns = [], 0, 0
        for event in range(len(self.published)):
            due_ns = self.due_ns(client, event)
            sent_ns = max(due_ns, free_ns) if self.style["role"] == "polling" else due_ns
            free_ns = sent_ns + transits * self.one_way_ns
            latencies_ns.append(free_ns - due_ns)
            asked += self.style["role"] == "polling" and self.in_window(sent_ns)
        return latencies_ns, asked


def between(samples: Sequence[Row], column: str, at_ns: int) -> float:
    """A column at a time between two samples, in a straight line."""
    for before, after in itertools.pairwise(samples):
        if before["at_ns"] <= at_ns <= after["at_ns"]:
            share = (at_ns - before["at_ns"]) / (after["at_ns"] - before["at_ns"])
            return before[column] + share * (after[column] - before[column])
    raise AssertionError("no samples on both sides")


def to_monotonic(realtime_ns: int, pairs: Sequence[Row]) -> int:
    """A stamp on the monotonic clock, by the offset between the two readings around it, or the nearest one."""
    offsets_ns = [pair["monotonic_ns"] - pair["realtime_ns"] for pair in pairs]
    if realtime_ns <= pairs[0]["realtime_ns"]:
        return realtime_ns + offsets_ns[0]
    for i in range(1, len(pairs)):
        before_ns, after_ns = pairs[i - 1]["realtime_ns"], pairs[i]["realtime_ns"]
        if realtime_ns <= after_ns:
            share = Fraction(realtime_ns - before_ns, after_ns - before_ns)
            return realtime_ns + offsets_ns[i - 1] + round(share * (offsets_ns[i] - offsets_ns[i - 1]))
    return realtime_ns + offsets_ns[-1]


def closed_form(trial: RawTrial) -> dict[str, float] | None:
    """Expectations at the point's parameters, of Poisson events; of echoes for evenly spaced ones too."""
    d_ms, per_ms = trial.parameters["one_way_delay_ms"], trial.parameters["rate_per_s"] / 1000
    polling = trial.style["role"] == "polling"
    if trial.round_trip:
        transit_ms = d_ms * (4 if trial.model == "round_trip_new_connection" else 2)
        if polling and (trial.parameters["arrival"] != "periodic" or 1 / per_ms < transit_ms):
            return None
        latencies = dict.fromkeys(("mean_ms", "p50_ms", "p99_ms"), transit_ms)
        return {**latencies, "requests_per_event": float(polling)}
    if trial.model == "push":
        return {"mean_ms": d_ms, "p50_ms": d_ms, "p99_ms": d_ms, "requests_per_event": 0.0}
    if trial.model == "short_poll":
        period_ms = max(1000 * trial.parameters["poll_interval_s"], 2 * d_ms)
        waits = {"mean_ms": 0.5, "p50_ms": 0.5, "p99_ms": 0.99}
        latencies = {name: d_ms + share * period_ms for name, share in waits.items()}
        return {**latencies, "requests_per_event": 1 / (per_ms * period_ms)}
    assert trial.parameters["arrival"] == "poisson"
    gap_ms, hold_ms = 2 * d_ms, 1000 * trial.parameters["hold_s"]
    cycle_ms = gap_ms + math.exp(-per_ms * gap_ms) * (1 - math.exp(-per_ms * hold_ms)) / per_ms
    f = gap_ms / cycle_ms
    return {
        "mean_ms": d_ms + f * gap_ms / 2,
        "p50_ms": d_ms + (gap_ms * (0.5 - (1 - f)) / f if f > 0.5 else 0.0),
        "p99_ms": d_ms + (gap_ms * (0.99 - (1 - f)) / f if f > 0.01 else 0.0),
        "requests_per_event": 1 / (per_ms * cycle_ms),
    }


Ratio = tuple[float, float]
"""What a trial adds to a sum above and to a sum below."""


def ratios_of(trial: RawTrial) -> dict[str, Ratio | None]:
    """Every figure of a point that is a ratio of sums over its trials, each of which has an interval."""
    empty, answered = trial.polls_answered_in_window
    counted = trial.byte_counts
    figures: dict[str, Ratio | None] = {
        "requests_per_event": (trial.sent_in_window, len(trial.due)),
        "requests_per_s": (trial.sent_in_window, trial.watched_ns / 1e9),
        "empty_ratio": (empty, answered) if answered else None,
        "bytes_per_event.up": (counted["up"], counted["deliveries"]),
        "bytes_per_event.down": (counted["down"], counted["deliveries"]),
        "bytes_per_event.total": (counted["up"] + counted["down"], counted["deliveries"]),
        "setup_bytes_per_client": (sum(trial.setup_bytes), len(trial.setup_bytes)),
        "time_to_connect_s": None,
    }
    if trial.connecting_ns[1] <= trial.info["t0_ns"]:
        figures["time_to_connect_s"] = (trial.connecting_ns[1] - trial.connecting_ns[0]) / 1e9, 1
    for name, role in ROLES.items():
        figures[f"{name}_cpu_us_per_event"] = (
            (trial.cpu_ns(role) / 1000, trial.read_in_window) if trial.is_sampled(role) else None
        )
    for name in ("server", "load"):
        held = trial.memory_bytes(ROLES[name])
        figures[f"{name}_connected_rss_bytes"] = None if held is None else (held[1], 1)
        figures[f"{name}_rss_bytes_per_client"] = None if held is None else (held[1] - held[0], len(trial.clients))
    ages = None if trial.round_trip else trial.view_ages
    figures["freshness.mean_age_ms"] = None if ages is None else (ages["mean_age"] / 1e6, trial.watched_ns)
    for name in ("older_than_100_ms", "older_than_1_s"):
        figures[f"freshness.{name}_ratio"] = None if ages is None else (ages[name], trial.watched_ns)
    return figures


def pooled_ratio(
    parts: Sequence[Ratio | None], name: str, events: Sequence[int]
) -> tuple[float | None, Interval, list[float]]:
    """Of the trials that measured it: the figure, its interval, and each trial's own."""
    known = [part for part in parts if part is not None]
    if not known:
        return None, None, []
    value = math.fsum(above for above, _ in known) / math.fsum(below for _, below in known)
    own = [above / below for above, below in known]
    high = 1.0 if name.endswith("_ratio") else math.inf
    least = least_spread(value, name, events)
    if name.endswith("rss_bytes_per_client"):
        # A process takes memory in steps, some of them of megabytes, whatever its clients need.
        least = 2e6 / known[0][1]
    return value, interval(value, own, 0.0, high, least=least), own


def least_spread(value: float, name: str, events: Sequence[int]) -> float:
    """Bytes of one event are on the other side of a reading in one trial of ten; memory of processes is 1e5 apart."""
    if name.endswith("_connected_rss_bytes"):
        return 1e5
    return 0.3 * value / mean(events) if name.startswith("bytes_per_event") else 0.0


@dataclass
class Corrected:
    """The closed form + what trials measured beyond the model on their own schedules."""

    value: float
    per_trial: list[float]
    least: float


def corrected(trials: Sequence[RawTrial]) -> dict[str, Corrected] | None:
    """Of short polls, whose clients poll at times of their own; other figures are reported as measured.

    (Of long polls of Poisson events too, unless 0.75 or more of them fall due in a gap, as in this run.)
    """
    if trials[0].model != "short_poll":
        return None
    expected = closed_form(trials[0])
    assert expected is not None
    period_ms = max(1000 * trials[0].parameters["poll_interval_s"], 2 * trials[0].parameters["one_way_delay_ms"])
    beyond_ms = max(0.0, median([median(trial.residuals_ns) for trial in trials]) / 1e6)
    events, clients = mean([trial.sample_events for trial in trials]), trials[0].parameters["clients"]
    means = [expected["mean_ms"] + mean(trial.residuals_ns) / 1e6 for trial in trials]
    own_requests = [trial.predicted[1] for trial in trials]
    beyond = [trial.sent_in_window - own for trial, own in zip(trials, own_requests, strict=True)]
    per_event = [
        expected["requests_per_event"] + more / len(trial.due) for more, trial in zip(beyond, trials, strict=True)
    ]
    per_s = [1000 / period_ms + 1e9 * more / trial.watched_ns for more, trial in zip(beyond, trials, strict=True)]
    undecided = beyond_ms / 2 / period_ms
    # A request at either end of the window may fall on its other side.
    at_ends = math.sqrt(2 * undecided / clients) / events
    return {
        "mean_ms": Corrected(mean(means), means, period_ms * math.sqrt(undecided / events / clients)),
        "requests_per_event": Corrected(mean(per_event), per_event, at_ends),
        "requests_per_s": Corrected(mean(per_s), per_s, at_ends * 1000 / period_ms / expected["requests_per_event"]),
    }


def statistics_ms(trial: RawTrial) -> dict[str, float]:
    return distribution_ms(trial.latencies_ns)


def pooled_ns(trials: Sequence[RawTrial], column: Callable[[RawTrial], Sequence[int]]) -> list[int]:
    return [value for trial in trials for value in column(trial)]
