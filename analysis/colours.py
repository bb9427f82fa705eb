"""Readable colours on light and dark backgrounds, for charts, reports and the classroom's page.

They are not in `analysis.charts`, which imports Matplotlib, so that the classroom can use them and still start fast.
"""

from __future__ import annotations

LIGHT_BACKGROUND = "#ffffff"
DARK_BACKGROUND = "#14171a"
_READABLE_CONTRAST = 4.5
"""The least contrast of text in WCAG 2.2 (criterion 1.4.3); here also of lines and marks on a dark background."""


def dark_colour(colour: str) -> str:
    """Return the colour, lightened until marks and text in it are readable on a dark background."""
    return readable(colour, DARK_BACKGROUND, towards="#ffffff")


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two `#rrggbb` colours, 1 to 21 (WCAG 2.2)."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def readable(colour: str, background: str, towards: str) -> str:
    """Return the colour, mixed with the least amount of `towards` that makes it readable on the background."""
    start, end = _channels(colour), _channels(towards)
    for step in range(101):
        mixed = [round(255 * (a + (b - a) * step / 100)) for a, b in zip(start, end, strict=True)]
        candidate = "#{:02x}{:02x}{:02x}".format(*mixed)
        if contrast(candidate, background) >= _READABLE_CONTRAST:
            return candidate
    return towards


def _channels(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue


def _luminance(colour: str) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in _channels(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
