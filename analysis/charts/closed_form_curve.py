"""The closed form as a curve over a parameter, to be drawn beside measured points."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from analysis.models.model import Conditions, Expectation
from analysis.models.registry import MODELS
from analysis.summary.results import Series

_STEPS = 160


def closed_form_curve(series: Series, read: Callable[[Expectation], float]) -> list[tuple[float, float]]:
    """Return (parameter, read(expectation)) from the first to the last point of a series; empty without a closed form.

    Steps are geometric if the parameter is positive, because curves bend most at its small values.
    """
    values = [point.parameters[series.parameter] for point in series.points]
    low, high = min(values), max(values)
    grid = np.geomspace(low, high, _STEPS) if low > 0 else np.linspace(low, high, _STEPS)
    closed_form, curve = MODELS[series.transport.model].closed_form, []
    for value in grid.tolist():
        parameters = series.points[0].parameters.replace(**{series.parameter: value})
        expectation = closed_form(Conditions.of_point(parameters, series.transport))
        if expectation is not None:
            curve.append((value, read(expectation)))
    return curve
