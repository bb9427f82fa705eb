"""A trend as a small picture: inline SVG that needs no script, in the page's colours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from markupsafe import Markup

from analysis.history.trends import Step

_WIDTH, _HEIGHT, _EDGE = 140.0, 36.0, 4.0
MOST_RUNS = 40
"""The number of newest runs that a picture of this size can show."""


def sparkline(steps: Sequence[Step], label: str) -> Markup:
    """Return the picture of at least one step: band, values with their intervals, and a ring around each change."""
    shown = steps[-MOST_RUNS:]
    reach = [
        height
        for step in shown
        for height in (step.measured.value, *(step.measured.interval or ()), *(step.band or ()))
    ]
    low, high = min(reach), max(reach)
    middle, half = (low + high) / 2, max((high - low) / 2, 1e-3 * abs(high), 1e-9)

    def x(number: int) -> str:
        return _number(_EDGE + (_WIDTH - 2 * _EDGE) * (number + 0.5) / len(shown))

    def y(value: float) -> str:
        return _number(_HEIGHT / 2 - (_HEIGHT / 2 - _EDGE) * (value - middle) / half)

    def parts() -> Iterator[str]:
        banded = [(x(i), step.band) for i, step in enumerate(shown) if step.band]
        upper = [f"{at},{y(band[1])}" for at, band in banded]
        lower = [f"{at},{y(band[0])}" for at, band in reversed(banded)]
        if len(banded) > 1:
            yield f'<polygon class="band" points="{" ".join(upper + lower)}"/>'
        intervals = [(x(i), step.measured.interval) for i, step in enumerate(shown) if step.measured.interval]
        whiskers = "".join(f"M{at} {y(bounds[0])}V{y(bounds[1])}" for at, bounds in intervals)
        yield f'<path class="interval" d="{whiskers}"/>'
        values = [f"{x(i)},{y(step.measured.value)}" for i, step in enumerate(shown)]
        yield f'<polyline class="values" points="{" ".join(values)}"/>'
        for i, step in enumerate(shown):
            at = f'cx="{x(i)}" cy="{y(step.measured.value)}"'
            if step.changed:
                name = Markup.escape(step.measured.run.name)
                yield f'<circle class="change" {at} r="3.5"><title>{name}</title></circle>'
            elif i == len(shown) - 1:
                yield f'<circle class="newest" {at} r="2.2"/>'

    box = f'viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}" width="{_WIDTH:g}" height="{_HEIGHT:g}"'
    return Markup(
        f'<svg class="sparkline" role="img" aria-label="{Markup.escape(label)}" {box}>{"".join(parts())}</svg>'
    )


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
