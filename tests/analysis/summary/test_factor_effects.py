"""What a choice does is told against the same transport's base point."""

from __future__ import annotations

import copy

import pytest

from analysis.report.tables import effect_table
from analysis.summary.factor_effects import MEASURES, effects
from tests.analysis import made_summary as made

MEDIAN, CPU, BYTES = MEASURES
BASE = made.BASE.replace(**made.CHOICES)


def test_every_point_that_differs_in_one_choice_is_an_effect() -> None:
    found = effects(made.results(made.chosen(), BASE))
    assert [(effect.choice, effect.transport.label) for effect in found] == [
        ("asgi stack", "WebSocket"),
        ("asgi stack", "Short poll"),
        ("compression deflate", "WebSocket"),
        ("compression deflate", "Short poll"),
        ("keep-alive off", "Short poll"),
    ]


def test_ratios_are_those_to_the_own_base_and_none_where_nothing_was_measured() -> None:
    summary = copy.deepcopy(made.chosen())
    websocket, short_poll, asgi_websocket, asgi_short_poll = summary["points"][:4]
    asgi_short_poll["server_cpu_us_per_event"] = short_poll["server_cpu_us_per_event"] / 4
    asgi_websocket["bytes_per_event"]["total"] = None
    websocket["server_cpu_us_per_event"] = 0.0
    first, second = effects(made.results(summary, BASE))[:2]
    assert (first.ratio(MEDIAN), first.ratio(BYTES), first.ratio(CPU)) == (1.0, None, None)
    assert second.ratio(CPU) == pytest.approx(0.25)
    table = effect_table(made.results(summary, BASE))
    assert table is not None
    assert [str(cell) for cell in table.rows[1]][:3] == ["Short poll, asgi stack", "×1.00 525 ms", "×0.250 9.50 µs"]


def test_numbers_are_no_choices() -> None:
    results = made.results(made.standard(), made.BASE)
    assert effects(results) == []
    assert effect_table(results) is None
    assert made.results(made.chosen(), BASE).varied_numbers(shared=False) == []


def test_two_things_changed_at_once_are_nobodys_effect() -> None:
    summary = copy.deepcopy(made.chosen())
    both = copy.deepcopy(summary["points"][2])
    both["parameters"]["compression"] = "deflate"
    summary["points"].append(both)
    assert len(effects(made.results(summary, BASE))) == 5
