"""comparison.json: every figure of a comparison, for programs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from analysis.compare.comparison import Comparison, Row
from contract.records import JsonObject

COMPARISON_FORMAT = "push-vs-poll/comparison"
_SIGNIFICANT_DIGITS = 6


def comparison_document(comparisons: Sequence[Comparison]) -> JsonObject:
    """Return the fields of comparison.json (docs/using/formats.md)."""
    return {
        "baseline": comparisons[0].baseline.name,
        "runs": [
            {
                "run": comparison.other.name,
                "unlike": list(comparison.unlike),
                "notes": list(comparison.notes),
                "figures": [
                    {
                        "figure": each.figure.name,
                        "unit": each.figure.unit,
                        "rows": [_row(row) for row in each.rows if row.contrast is not None],
                    }
                    for each in comparison.figures
                ],
            }
            for comparison in comparisons
        ],
    }


def _row(row: Row) -> JsonObject:
    found = row.contrast
    assert found is not None
    return {
        "point": row.label,
        "transport": row.transport,
        "geometric_mean": row.geometric_mean,
        "baseline": _rounded(found.baseline),
        "value": _rounded(found.value),
        "ratio": _rounded(found.ratio),
        "ratio_ci95": _rounded(found.ratio_ci95),
        "difference": _rounded(found.difference.value),
        "difference_ci95": _rounded(found.difference.ci95),
        "p_value": _rounded(found.p_value),
        "adjusted_p_value": _rounded(found.adjusted_p_value),
        "margin_ratio": _rounded(found.margin_ratio),
        "paired": found.paired,
        "outcome": found.outcome.value,
        "trials_needed": found.trials_needed,
    }


def _rounded(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_rounded(each) for each in value]
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.{_SIGNIFICANT_DIGITS}g}")
