"""Ten terms, each of which explains columns of a report."""

from __future__ import annotations

import re

import pytest

from analysis.report.certainty_tables import noise_table
from analysis.report.glossary import GLOSSARY, term_of
from analysis.report.tables import ledger_table, main_table, parts_table, request_table, split_table, sweep_tables
from tests.analysis import made_summary as made


def columns_of_a_report() -> list[str]:
    summary = made.standard()
    for point in summary["points"]:
        point["latency_split_ms"] = {"network": 25.0, "queueing": 0.1, "unexplained": 0.1}
    difference = {"value": 0.1, "half_width": 0.2, "largest": 0.3, "pairs": 5}
    summary["noise_floor"] = {"sse": dict.fromkeys(("p50_ms", "p95_ms", "mean_ms"), difference)}
    results = made.results(summary, made.BASE)
    tables = [main_table(results), *sweep_tables(results), parts_table(results), split_table(results)]
    tables += [noise_table(results), ledger_table(results), request_table(results)]
    return [column for table in tables if table is not None for column in table.columns[1:]]


def test_there_are_ten_terms_with_addresses_of_their_own() -> None:
    assert len(GLOSSARY) == len({term.anchor for term in GLOSSARY}) == 10
    assert all(re.fullmatch(r"term-[a-z-]+", term.anchor) for term in GLOSSARY)


def test_every_term_explains_a_column_of_a_report() -> None:
    explained = {term.name for column in columns_of_a_report() if (term := term_of(column)) is not None}
    assert explained == {term.name for term in GLOSSARY}


def test_every_column_of_the_first_table_is_explained() -> None:
    table = main_table(made.results(made.standard(), made.BASE))
    assert [column for column in table.columns[1:] if term_of(column) is None] == []


@pytest.mark.parametrize(
    ("column", "term"),
    [
        ("mean ms", "Latency"),
        ("p99.9 ms", "Quantile"),
        ("mean age ms", "Age of a view"),
        ("empty polls", "Request"),
        ("server CPU µs per event", "CPU per event"),
        ("set-up bytes per client", "Bytes per event"),
        ("p50 against WebSocket", "Interval"),
        ("p95: measured / with queues / network alone", "Model"),
        ("p50 ms (largest in a block)", "Noise floor"),
        ("late", "Ledger"),
        ("trials", None),
    ],
)
def test_a_column_is_explained_by_its_term(column: str, term: str | None) -> None:
    found = term_of(column)
    assert (found and found.name) == term
