"""The common part of all written pages: one file, offline, complete without scripts, for light, dark and print.

Its one script sorts and copies tables; its policy lets a browser run no other script and fetch nothing.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Container, Iterable
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from analysis.charts.style import (
    FIGURE_FONT_STACK,
    FONT_STACK,
    LIGHT,
    dark_counterparts,
    variable_name,
)
from analysis.report.addresses import PageIds, slug
from analysis.report.glossary import Term, term_of
from analysis.report.markdown_escaping import finalize
from contract.records import JsonObject
from contract.transports import TransportStyle

TEMPLATES = Path(__file__).parent / "templates"
"""The folder of page.html.j2, which a page extends, and of parts.html.j2, which prints its tables and charts."""
_SCRIPT = (TEMPLATES / "tables.js").read_text(encoding="utf-8")


def render_html(folder: Path, template: str, content: JsonObject, transports: Iterable[TransportStyle]) -> str:
    """Return a filled template of the folder that extends page.html.j2; texts are escaped."""
    loader = FileSystemLoader([folder, TEMPLATES])
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True)
    explained: Container[Term | None] = content.get("glossary", ())

    def explained_term(column: str) -> Term | None:
        return term if (term := term_of(column)) in explained else None

    environment.globals |= {"ids": PageIds(), "slug": slug, "term_of": explained_term}
    return environment.get_template(template).render(content | _style(transports) | _script())


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


def _script() -> JsonObject:
    """Return the script, and the hash by which the page's policy knows it."""
    digest = base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode("ascii")
    return {"script": Markup(_SCRIPT), "script_hash": f"sha256-{digest}"}
