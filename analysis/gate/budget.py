"""Budgets: upper limits for a run's figures, read from budget.toml."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from analysis.summary.point_figures import POINT_FIGURES, PointFigure
from contract.errors import UserError

_KEYS = ("figure", "transport", "server", "at", "at_most", "over_base_at_most")
_PERCENT = re.compile(r"(\d{1,6}(?:\.\d{1,6})?) ?%")
_SHOWN_CHARACTERS = 60
MAX_FILE_BYTES = 2**20


@dataclass(frozen=True)
class Budget:
    """The limit of one figure."""

    name: str
    """The place of the budget: `budget.toml, budget 2`."""
    figure: PointFigure
    transport: str | None
    """None: every transport that has the figure."""
    server: str | None = None
    """None: every server of the run, except the first if it is the base of the limit."""
    at: Mapping[str, Any] = field(default_factory=dict)
    """Parameters in which its point differs from the base point."""
    at_most: float | None = None
    over_base_at_most_ratio: float | None = None
    """The limit relative to the figure of the base run, or of the first server: 0.05 for `5 %`. Exactly one of the two
    limits is given."""

    @property
    def limit_in_words(self) -> str:
        """The limit as `at most 40 ms` or `at most 5 % over the base`."""
        if self.over_base_at_most_ratio is not None:
            return f"at most {100 * self.over_base_at_most_ratio:g} % over the base"
        return f"at most {self.at_most:g} {self.figure.unit}".rstrip()


def load_budgets(path: Path) -> list[Budget]:
    """Read a file of budgets; raise UserError for the first error in it."""
    try:
        if path.exists() and not path.is_file():
            raise UserError(f"{path}: not a regular file (expected budgets in TOML)")
        if (size_bytes := path.stat().st_size) > MAX_FILE_BYTES:
            raise UserError(f"{path}: has {size_bytes} bytes (expected budgets of at most {MAX_FILE_BYTES})")
        document = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    # Not UTF-8, not TOML, a number of thousands of digits, or lists within each other a thousand deep.
    except (OSError, ValueError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise UserError(f"{path}: cannot be read as a budget: {reason}") from error
    check_known(str(path), "key", document, ("budget",))
    entries = document.get("budget")
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
        raise UserError(f"{path}: expected at least one [[budget]]")
    return [_budget(f"{path}, budget {number}", entry) for number, entry in enumerate(entries, 1)]


def check_known(where: str, kind: str, given: Iterable[str], known: Iterable[str]) -> None:
    """Raise UserError for the first unknown name, with the one that may have been meant."""
    names = list(known)
    for name in given:
        if name not in names:
            close = get_close_matches(name, names, n=1)
            expected = f"did you mean {close[0]}?" if close else f"expected one of {', '.join(names)}"
            raise UserError(f"{where}: no {kind} {ascii(name)[:_SHOWN_CHARACTERS]} ({expected})")


def _budget(where: str, entry: Mapping[str, Any]) -> Budget:
    check_known(where, "key", entry, _KEYS)
    figure, transport, at = entry.get("figure"), entry.get("transport"), entry.get("at", {})
    if not isinstance(figure, str):
        raise UserError(f'{where}: figure: expected the path of a figure, such as "latency_ms.p95", not {figure!r}')
    check_known(where, "figure", [figure], POINT_FIGURES)
    if not (transport is None or isinstance(transport, str)):
        raise UserError(f'{where}: transport: expected a name, such as "websocket", not {transport!r}')
    server = entry.get("server")
    if not (server is None or isinstance(server, str)):
        raise UserError(f'{where}: server: expected a name, such as "after", not {server!r}')
    if not isinstance(at, dict):
        raise UserError(f"{where}: at: expected parameters, such as {{rate_per_s = 10}}, not {at!r}")
    if ("at_most" in entry) == ("over_base_at_most" in entry):
        raise UserError(f"{where}: expected either at_most or over_base_at_most")
    at_most = entry.get("at_most")
    if at_most is not None and (
        not isinstance(at_most, int | float) or isinstance(at_most, bool) or not 0 <= at_most < 1e15
    ):
        raise UserError(f"{where}: at_most: expected a number of at least 0, not {at_most!r}")
    over = entry.get("over_base_at_most")
    percent = _PERCENT.fullmatch(over) if isinstance(over, str) else None
    if over is not None and percent is None:
        raise UserError(f'{where}: over_base_at_most: expected a percentage, such as "5 %", not {over!r}')
    return Budget(
        where,
        POINT_FIGURES[figure],
        transport,
        server,
        at,
        None if at_most is None else float(at_most),
        None if percent is None else float(percent[1]) / 100,
    )
