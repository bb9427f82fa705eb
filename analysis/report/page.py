"""The common part of all written pages: one file, offline, complete without scripts, for light, dark and print."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from analysis.charts.style import (
    FIGURE_FONT_STACK,
    FONT_STACK,
    LIGHT,
    as_variables,
    dark_counterparts,
    variable_name,
)
from analysis.report.markdown_escaping import finalize
from contract.records import JsonObject
from contract.transports import TransportStyle

if TYPE_CHECKING:
    from analysis.charts.canvas import Chart

TEMPLATES = Path(__file__).parent / "templates"
"""The folder of page.html.j2, which a page extends, and of parts.html.j2, which prints its tables and charts."""


@dataclass(frozen=True)
class DrawnChart:
    """A chart in the form that a page contains."""

    name: str
    title: str
    caption: str
    svg: Markup
    """The chart for HTML: inline, with colours as CSS variables and ids that are unique within the page."""


def drawn(chart: Chart, svg: str, counterparts: Mapping[str, str]) -> DrawnChart:
    """Return a chart for a page, given its SVG in light colours."""
    return DrawnChart(chart.name, chart.title, chart.caption, inline_svg(svg, chart.name, chart.title, counterparts))


def inline_svg(svg: str, name: str, title: str, counterparts: Mapping[str, str]) -> Markup:
    """Return a stand-alone SVG changed for a page: without prologue and metadata, with its own ids and CSS colours."""
    body = svg[svg.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r"<title>.*?</title>", "", body, flags=re.DOTALL)
    body = re.sub(r'\bid="', f'id="{name}-', body)
    body = re.sub(r'(xlink:href="|url\()#', rf"\g<1>#{name}-", body)
    label = Markup.escape(title)
    body = body.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)
    return Markup(as_variables(body, dict(counterparts)))


def render_html(folder: Path, template: str, content: JsonObject, transports: Iterable[TransportStyle]) -> str:
    """Return a filled template of the folder that extends page.html.j2; texts are escaped."""
    loader = FileSystemLoader([folder, TEMPLATES])
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True)
    return environment.get_template(template).render(content | _style(transports))


def render_markdown(folder: Path, template: str, content: JsonObject) -> str:
    """Return a filled Markdown template of the folder; texts are escaped."""
    environment = Environment(
        loader=FileSystemLoader(folder), finalize=finalize, undefined=StrictUndefined, keep_trailing_newline=True
    )
    return environment.get_template(template).render(content)


def _style(transports: Iterable[TransportStyle]) -> JsonObject:
    counterparts = dark_counterparts(transports)
    return {
        "colours": [(variable_name(light), light, dark) for light, dark in counterparts.items()],
        "text_font": Markup(FONT_STACK),
        "figure_font": Markup(FIGURE_FONT_STACK),
        **{name: f"var({variable_name(colour)})" for name, colour in vars(LIGHT).items()},
    }
