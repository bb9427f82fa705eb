"""JSON documents with one value changed into something else, markup and nonsense included."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

HOSTILE = (
    "</script><img src=x onerror=alert(1)> [a](http://evil/) ![i](x) `c` | **b** $x^2$ &lt; \x1b[31m \u202e \x00\n# h"
)
ABSENT = object()
FOREIGN = st.one_of(
    st.sampled_from([ABSENT, None, True, "", "x", "0", [], {}, [[]], {"a": 1}, 10**400, math.nan, math.inf, 1e308]),
    st.sampled_from([HOSTILE, [HOSTILE], {HOSTILE: HOSTILE}, "x" * 10_000]),
    st.integers(-(2**63), 2**63),
    st.integers(-2, 9),
    st.floats(),
)
"""A value in place of another; ABSENT takes out what is there."""


def change_field(path: Path, place: Sequence[str | int], value: Any) -> None:
    """Put a value into a document; ABSENT takes out what is there."""
    document = json.loads(path.read_text())
    holder = document
    for key in place[:-1]:
        holder = holder[key]
    if value is ABSENT:
        del holder[place[-1]]
    else:
        holder[place[-1]] = value
    path.write_text(json.dumps(document))


def places(value: Any, where: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where in a document there is something."""
    held = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in held:
        yield (*where, key)
        yield from places(item, (*where, key))


def changed_field(data: st.DataObject, path: Path) -> None:
    """Put something else in one place of a document."""
    change_field(path, data.draw(st.sampled_from(list(places(json.loads(path.read_text()))))), data.draw(FOREIGN))
