"""The common parts of all HTML pages and Markdown files.

A page is one file without external resources, complete without scripts, for light, dark and print. Its only script
sorts and copies tables; its content security policy forbids other scripts and all requests. Headings, charts, points
and figures have ids for links. In Markdown (CommonMark with GitHub's tables, links
and formulas), texts are escaped.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Container, Iterable
from pathlib import Path
from types import CodeType

from jinja2 import BytecodeCache, Environment, FileSystemLoader, StrictUndefined
from jinja2.bccache import Bucket
from markupsafe import Markup

from analysis.charts.style import (
    FIGURE_FONT_STACK,
    FONT_STACK,
    LIGHT,
    dark_counterparts,
    variable_name,
)
from analysis.report.glossary import Term, term_of
from contract.records import JsonObject
from contract.transports import TransportStyle


def slug(text: str) -> str:
    """Return a text as part of an id: small letters, digits, dots, underscores and hyphens."""
    return re.sub(r"[^a-z0-9._]+", "-", text.lower().replace("µ", "u")).strip("-")


class PageIds:
    """Makes ids that are unique within one page."""

    def __init__(self) -> None:
        self._given: set[str] = set()

    def first(self, own: str) -> str:
        """Return the id `own` at the first call with it, and an empty text later, so that only one place has it."""
        if own in self._given:
            return ""
        self._given.add(own)
        return own

    def of_heading(self, title: str) -> str:
        """Return a unique id for a heading, from the part of its title that is the same for all runs."""
        stem = slug(re.split(r"[:,(]", title)[0])
        number = 1
        while not (found := self.first(stem if number == 1 else f"{stem}-{number}")):
            number += 1
        return found


_SPACE = re.compile(r"\s+")
_MARKUP = re.compile(
    r"[\\`*|$]"  # escapes, code, emphasis, cells, formulas
    r"|(?<![^\W_])_|_(?![^\W_])"  # emphasis; an underscore within a word does not mark it
    r"|~(?=~)"
    r"|<(?=[A-Za-z/!?])"  # HTML and links
    r"|&(?=#?\w+;)"
    r"|\](?=[(\[:])"
    r"|:(?=//)|(?<=www)\.|@"  # links without brackets
    r"|^(?:[#>]|[-+=](?=[\s\-+=]|$))"  # headings, quotations, lists, lines
)
_NUMBERED = re.compile(r"^(\d{1,9})(?=[.)](?:\s|$))")


def markdown_text(text: str) -> str:
    """Return Markdown that renders as `text`, on one line."""
    on_one_line = _SPACE.sub(" ", text).strip()
    return _NUMBERED.sub(r"\1\\", _MARKUP.sub(r"\\\g<0>", on_one_line))


def finalize(value: object) -> object:
    """Return the text of a value in a Markdown template: `Markup` is unchanged, everything else is escaped."""
    return value if isinstance(value, Markup) else markdown_text(str(value))


def fence_of(code: str) -> Markup:
    """Return a fence for a block of code, longer than any run of backticks in it."""
    longest = max((len(run) for run in re.findall("`+", code)), default=0)
    return Markup("`" * max(3, longest + 1))


TEMPLATES = Path(__file__).parent / "templates"
"""The folder of page.html.j2, which a page extends, and of parts.html.j2, which prints its tables and charts."""
_SCRIPT = (TEMPLATES / "tables.js").read_text(encoding="utf-8")


class _CompiledTemplates(BytecodeCache):
    """The templates that this process has compiled: compiling takes as long as all else that makes a page."""

    def __init__(self) -> None:
        self._compiled: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._compiled.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        assert bucket.code is not None
        self._compiled[bucket.key, bucket.checksum] = bucket.code


_COMPILED = _CompiledTemplates()


def render_html(folder: Path, template: str, content: JsonObject, transports: Iterable[TransportStyle]) -> str:
    """Fill a template of the folder, which extends page.html.j2; texts are escaped."""
    loader = FileSystemLoader([folder, TEMPLATES])
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True, bytecode_cache=_COMPILED
    )
    explained: Container[Term | None] = content.get("glossary", ())

    def explained_term(column: str) -> Term | None:
        return term if (term := term_of(column)) in explained else None

    environment.globals |= {"ids": PageIds(), "slug": slug, "term_of": explained_term}
    return environment.get_template(template).render(content | _style(transports) | _script())


def render_markdown(folder: Path, template: str, content: JsonObject) -> str:
    """Fill a Markdown template of the folder; texts are escaped."""
    environment = Environment(
        loader=FileSystemLoader(folder),
        finalize=finalize,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        bytecode_cache=_COMPILED,
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
    """Return the script, and its hash for the content security policy."""
    digest = base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode("ascii")
    return {"script": Markup(_SCRIPT), "script_hash": f"sha256-{digest}"}
