"""The style of all charts: colours in light and dark, fonts, sizes of text, and settings for deterministic output.

Charts are drawn once, in the light colours. The dark file and the report's own version, which follows the reader's
preference, are the same drawing with its colours replaced, so that they can never show different things. Colours,
markers and dashes of transports come from the run (TransportStyle); no transport is named here.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from analysis.colours import DARK_BACKGROUND, LIGHT_BACKGROUND, dark_colour, readable
from contract.transports import TransportStyle


@dataclass(frozen=True)
class Palette:
    """Neutral colours of one theme, `#rrggbb` in lower case; all differ, so that one theme maps onto the other."""

    background: str
    ink: str
    """Text, and data that belongs to no transport."""
    muted: str
    """Secondary text, axis ticks."""
    rule: str
    """Axis lines, guides."""
    grid: str
    faint: str
    """Data of other transports, behind the one shown."""
    band: str
    """Shaded areas."""
    shade_1: str
    """Four shades for the parts of a stacked bar, from darkest to lightest, distinguishable in black and white."""
    shade_2: str
    shade_3: str
    shade_4: str

    def colours(self) -> tuple[str, ...]:
        """Every colour, in the same order for every palette."""
        return tuple(vars(self).values())


LIGHT = Palette(
    background=LIGHT_BACKGROUND,
    ink="#1c2024",
    muted="#5b636b",
    rule="#9aa1a8",
    grid="#e6e8ea",
    faint="#c9cdd1",
    band="#eef0f2",
    shade_1="#2b3a4a",
    shade_2="#6d7f92",
    shade_3="#aab7c4",
    shade_4="#dde3e9",
)
DARK = Palette(
    background=DARK_BACKGROUND,
    ink="#e8eaec",
    muted="#a3abb3",
    rule="#666e76",
    grid="#2a2f34",
    faint="#474d54",
    band="#20252a",
    shade_1="#dfe7ef",
    shade_2="#9fb0c2",
    shade_3="#62748a",
    shade_4="#37424f",
)

FONT_STACK = "Charter, 'Bitstream Charter', 'Sitka Text', Cambria, Georgia, serif"
FIGURE_FONT_STACK = "ui-sans-serif, system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
"""Fonts of the report: those that the reader's machine has; none is downloaded."""

POINTS_PER_IN = 72
PRINT_DPI = 200
WIDTH_IN = 7.2
"""Width of every chart: the text width of a two-column paper."""

NIELSEN_LIMITS_MS = (100.0, 1000.0, 10000.0)
"""Response-time limits of Nielsen (Usability Engineering, 1993): instantaneous, flow of thought, attention."""

FONT_FAMILY = "DejaVu Sans"
"""The font that comes with Matplotlib, so that drawings are the same on every machine."""

MATPLOTLIB_SETTINGS: dict[Any, Any] = {
    "svg.hashsalt": "push-vs-poll",
    "svg.fonttype": "path",
    "font.family": FONT_FAMILY,
    "font.size": 8.5,
    "text.parse_math": False,  # a dollar sign in a name does not start a formula
    "text.color": LIGHT.ink,
    "figure.facecolor": LIGHT.background,
    "figure.dpi": 100,
    "axes.facecolor": LIGHT.background,
    "axes.edgecolor": LIGHT.rule,
    "axes.labelcolor": LIGHT.muted,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "grid.color": LIGHT.grid,
    "grid.linewidth": 0.6,
    "xtick.color": LIGHT.rule,
    "ytick.color": LIGHT.rule,
    "xtick.labelcolor": LIGHT.muted,
    "ytick.labelcolor": LIGHT.muted,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "xtick.minor.width": 0.5,
    "ytick.minor.width": 0.5,
    "hatch.linewidth": 0.5,
    "legend.frameon": False,
    "path.simplify": True,
}

_HEX_COLOUR = re.compile(r"#[0-9a-fA-F]{6}\b")


def text_colour(colour: str) -> str:
    """Return the transport's colour, darkened until text in it is readable on a light background."""
    return readable(colour, LIGHT_BACKGROUND, towards="#000000")


def dark_counterparts(transports: Iterable[TransportStyle]) -> dict[str, str]:
    """Return the dark colour of every light colour that may occur in a chart of these transports."""
    counterparts = dict(zip(LIGHT.colours(), DARK.colours(), strict=True))
    for transport in transports:
        colour = transport.colour.lower()
        counterparts[text_colour(colour)] = counterparts[colour] = dark_colour(colour)
    return counterparts


def recolour(text: str, replacements: dict[str, str]) -> str:
    """Return `text` with each `#rrggbb` replaced that has a replacement."""
    return _HEX_COLOUR.sub(lambda match: replacements.get(match[0].lower(), match[0]), text)


def variable_name(light_colour: str) -> str:
    """Return the CSS variable of a light colour in the report."""
    return f"--c{light_colour.lstrip('#').lower()}"


def as_variables(svg: str, counterparts: dict[str, str]) -> str:
    """Return the drawing with CSS variables for colours, so that the page around it chooses light or dark."""
    return recolour(svg, {light: f"var({variable_name(light)})" for light in counterparts})


LINE_SPACING = 1.25
_HINTING = 1.05
"""Glyphs fitted to pixels may be this much wider than the outlines that are measured."""


@functools.cache
def text_size(text: str, size: float, *, bold: bool = False) -> tuple[float, float]:
    """Return width and height of a line of text in points."""
    font = FontProperties(family=FONT_FAMILY, size=size, weight="bold" if bold else "normal")
    width, _, _ = text_to_path.get_text_width_height_descent(text, font, ismath=False)
    return _HINTING * float(width) + 2, size * LINE_SPACING
