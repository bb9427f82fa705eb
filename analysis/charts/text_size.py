"""The size of text, computed without drawing it."""

from __future__ import annotations

import functools

from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from analysis.charts.style import FONT_FAMILY

LINE_SPACING = 1.25
_HINTING = 1.05
"""Glyphs fitted to pixels may be this much wider than the outlines that are measured."""


@functools.cache
def text_size(text: str, size: float, *, bold: bool = False) -> tuple[float, float]:
    """Return width and height of a line of text in points."""
    font = FontProperties(family=FONT_FAMILY, size=size, weight="bold" if bold else "normal")
    width, _, _ = text_to_path.get_text_width_height_descent(text, font, ismath=False)
    return _HINTING * float(width) + 2, size * LINE_SPACING
