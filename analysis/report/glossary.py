"""The glossary of a report, to which the heads of its tables link."""

from __future__ import annotations

import re
from dataclasses import dataclass

from analysis.statistics.distribution import EVENTS_BEYOND


@dataclass(frozen=True)
class Term:
    """A term, and the table columns that it explains."""

    name: str
    meaning: str
    columns: re.Pattern[str]
    """Matches the heads of the columns; the first term of GLOSSARY that matches explains a column."""

    @property
    def anchor(self) -> str:
        """The term's id in the page."""
        return f"term-{self.name.lower().replace(' ', '-')}"


def _term(name: str, columns: str, meaning: str) -> Term:
    return Term(name, meaning, re.compile(columns, re.IGNORECASE))


GLOSSARY = (
    _term(
        "Age of a view",
        r"\bview\b|\bage\b",
        "How long ago the oldest event that a client does not have yet was due; 0 while it has all. Shares of the time "
        "are over the measured windows and all clients.",
    ),
    _term(
        "Bytes per event",
        r"\bbytes\b|\bB per\b",
        "Bytes at the clients' sockets in both directions, headers and empty polls included, for each delivery of an "
        "event to a client. The bytes of connecting are not included.",
    ),
    _term(
        "CPU per event",
        r"\bCPU\b",
        "Processor time, user and system, for each delivery of an event to a client. A share is that of one core, in "
        "the trial where it is largest.",
    ),
    _term(
        "Interval",
        r"\bknown to\b|\basked\b|\bagainst\b",
        "In brackets or after ±: 95 of 100 such intervals contain the true value. It comes from the spread between "
        "the trials of this run. A machine whose speed differs in another run can move CPU times by more; differences "
        "within a run are free of that. If the interval of a difference contains 0, no difference is shown.",
    ),
    _term(
        "Ledger",
        r"\blost\b|\bexpected\b|\bdelivered\b|\bduplicate\b|\breordered\b|\blate$|\bcorrupt\b",
        "The account of every event at every client: expected is clients times events, lost never came, late came more "
        "than a second after the latest time that the model allows.",
    ),
    _term(
        "Model",
        r"\bmodel|\bnetwork\b|\bqueueing\b|\bunexplained\b|\bclosed form\b",
        "What theory predicts for the same trials: their own due times, phases and holds over the network alone; with "
        "queues, server and load also do one thing at a time. Nothing in it is fitted to latencies.",
    ),
    _term(
        "Noise floor",
        r"largest in a block",
        "The difference between two identical points of one transport. A smaller difference between transports shows "
        "nothing.",
    ),
    _term(
        "Request",
        r"\brequests?\b|\bpolls?\b|\bposts\b|\bempty\b|\bskipped\b|\bhandshakes\b|\b(re)?connects\b|\berrors\b",
        "A poll, or a message sent by POST, per event and client. An empty poll is one that was answered without an "
        "event; a skipped one was due while the client's last was unanswered.",
    ),
    _term(
        "Quantile",
        r"\bp\d\d\b",
        "p95 is the latency that 95 % of all deliveries do not exceed, p50 the median. One is given where "
        f"{EVENTS_BEYOND} events or more lie beyond it: a p95 from 200 events, a p99 from 1,000, a p99.9 from 10,000.",
    ),
    _term(
        "Latency",
        r"\bmean\b|\bmax\b|\blag\b|\bdelivery\b|\bdelay\b|\bms$",
        "How old an event is when a client receives it: the time of its arrival less the time at which it was due. A "
        "round trip: from when a message was due until its echo arrived.",
    ),
)
"""The order matters: the first match of a column's head explains it."""


def term_of(column: str) -> Term | None:
    """Return the term that explains a column, by its head."""
    return next((term for term in GLOSSARY if term.columns.search(column)), None)
