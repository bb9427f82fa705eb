"""Charts inside a page: inline SVG in the page's own colours, and so small that a page of many charts can be sent.

Matplotlib gives coordinates to a millionth of a point, an id to every group, and to each chart the shapes of all its
letters. Inside a page coordinates have a hundredth of a point, which is finer than screens and printers are, only what
is referred to has an id, and the shape of each letter is stored once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from markupsafe import Markup

from analysis.charts.style import FONT_FAMILY, as_variables

if TYPE_CHECKING:
    from analysis.charts.canvas import Chart

_LETTER = FONT_FAMILY.replace(" ", "")
"""The beginning of the ids that Matplotlib gives to the shapes of letters: the same shape has the same id in all files.
"""
_DROPPED = frozenset({"metadata", "title", "style"})
"""Elements that only a separate file needs: the page has the title as a label, and the style in its own style sheet."""
_XLINK_HREF = "{http://www.w3.org/1999/xlink}href"
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_LONG_DECIMAL = re.compile(r"-?\d*\.\d{3,}")
_TRANSLATION = re.compile(r"translate\(([^)]*)\)")
_COORDINATES = frozenset({"d", "x", "y", "width", "height", "points", "x1", "x2", "y1", "y2"})


@dataclass(frozen=True)
class DrawnChart:
    """A chart in the form that a page contains."""

    name: str
    title: str
    caption: str
    svg: Markup
    """The chart for HTML: inline, with colours as CSS variables and ids that are unique within the page."""


class InlineCharts:
    """Turns charts into parts of one page."""

    def __init__(self, counterparts: Mapping[str, str]) -> None:
        """`counterparts` maps each light colour that the page has as a CSS variable to its dark colour."""
        self._counterparts = dict(counterparts)
        self._letters: dict[str, str] = {}
        """The ids in the page of letters that an earlier chart contains, by the ids that Matplotlib gave them."""

    def add(self, chart: Chart, svg: str) -> DrawnChart:
        """Return a chart for the page, given its SVG in light colours; it may refer to letters of charts before it."""
        root = ET.fromstring(svg)
        referred = set(_references(root))
        known = set(self._letters)
        ids = {
            own: self._letters.setdefault(own, f"l{len(self._letters)}")
            if own.startswith(_LETTER)
            else f"{chart.name}-{number}"
            for number, own in enumerate(each for each in _ids(root) if each in referred)
        }
        label = f' role="img" aria-label="{Markup.escape(chart.title)}"'
        body = _Writer(ids, dropped=known).text(root).replace("<svg", f"<svg{label}", 1)
        return DrawnChart(chart.name, chart.title, chart.caption, Markup(as_variables(body, self._counterparts)))


def _ids(root: ET.Element) -> Iterator[str]:
    return (own for element in root.iter() if (own := element.get("id")))


def _references(root: ET.Element) -> Iterator[str]:
    for element in root.iter():
        for name, value in element.items():
            if name == _XLINK_HREF:
                yield value.removeprefix("#")
            else:
                yield from _REFERENCE.findall(value)


class _Writer:
    """Writes elements as short as they can be, with other ids, and without those whose id is `dropped`."""

    def __init__(self, ids: Mapping[str, str], dropped: set[str]) -> None:
        self._ids = ids
        self._dropped = dropped

    def text(self, element: ET.Element, *, without_style: bool = False) -> str:
        """Return an element with all that it contains."""
        name = element.tag.rpartition("}")[2]
        if name in _DROPPED or element.get("id") in self._dropped:
            return ""
        attributes = dict(self._attributes(element))
        shared = _shared_style(element)
        if without_style:
            del attributes["style"]
        elif shared and "style" not in attributes:
            attributes["style"] = _short_style(shared)
        else:
            shared = None
        content = "".join(self.text(child, without_style=shared is not None) for child in element)
        if not content and name in ("g", "defs"):
            return ""
        if not attributes and name == "g":
            return content
        opening = name + "".join(f' {key}="{Markup.escape(value)}"' for key, value in attributes.items())
        return f"<{opening}>{content}</{name}>" if content else f"<{opening}/>"

    def _attributes(self, element: ET.Element) -> Iterator[tuple[str, str]]:
        for name, value in element.items():
            if name == "id":
                if value in self._ids:
                    yield "id", self._ids[value]
            elif name == _XLINK_HREF:
                yield "href", f"#{self._ids[value.removeprefix('#')]}"
            elif name == "transform":
                yield from _short_transform(element, value)
            elif name in _COORDINATES:
                yield name, _short_path(value) if name == "d" else _rounded(value)
            else:
                yield name, self._renamed(_short_style(value) if name == "style" else value)

    def _renamed(self, value: str) -> str:
        return _REFERENCE.sub(lambda found: f"url(#{self._ids[found[1]]})", value)


def _shared_style(element: ET.Element) -> str | None:
    """Return the style that all marks of a group share, if there are many of them; else None."""
    styles = {child.get("style") for child in element if child.tag.endswith("}use")}
    others = any(not child.tag.endswith("}use") for child in element)
    return styles.pop() if len(styles) == 1 and len(element) > 1 and not others else None


def _short_transform(element: ET.Element, value: str) -> Iterator[tuple[str, str]]:
    """Yield a transformation in short form; the shift of a letter becomes its x and y, which is shorter."""
    shift = _TRANSLATION.fullmatch(value)
    if shift is None or not element.tag.endswith("}use"):
        yield "transform", _TRANSLATION.sub(lambda found: f"translate({_rounded(found[1])})", value)
        return
    for name, distance in zip("xy", shift[1].split(), strict=False):
        if (short := _rounded(distance)) != "0":
            yield name, short


def _short_path(data: str) -> str:
    return re.sub(r" ?([A-Za-z]) ?", r"\1", _rounded(" ".join(data.split())))


def _short_style(style: str) -> str:
    return re.sub(r"\s*([:;])\s*", r"\1", style)


def _rounded(numbers: str) -> str:
    return _LONG_DECIMAL.sub(lambda found: f"{round(float(found[0]), 2) + 0.0:g}", numbers)
