"""The transports as a script and a style sheet for the page, generated from the registry that all programs share."""

from __future__ import annotations

import json
from collections.abc import Callable

from fastapi import APIRouter
from starlette.responses import Response

from analysis.colours import dark_colour
from classroom.lanes.definitions import LANES, Lane

router = APIRouter(include_in_schema=False)


@router.get("/transports.js")
async def script() -> Response:
    """Return a module with the lanes in their order."""
    lanes = [
        {"transport": lane.transport, "label": lane.label, "polls": lane.polls, "marker": lane.marker} for lane in LANES
    ]
    return Response(f"export const LANES = {json.dumps(lanes)};\n", media_type="text/javascript")


@router.get("/transports.css")
async def style_sheet() -> Response:
    """Return each transport's colour as `--<transport>`, and as `--transport` in elements marked with the transport."""
    light, dark = _variables(lambda lane: lane.colour), _variables(lambda lane: dark_colour(lane.colour))
    lines = [
        f":root {{ {light} }}",
        f'@media (prefers-color-scheme: dark) {{ :root:not([data-theme="light"]) {{ {dark} }} }}',
        f':root[data-theme="dark"] {{ {dark} }}',
        *(f'[data-transport="{lane.transport}"] {{ --transport: var(--{lane.transport}); }}' for lane in LANES),
    ]
    return Response("\n".join(lines) + "\n", media_type="text/css")


def _variables(colour_of: Callable[[Lane], str]) -> str:
    return " ".join(f"--{lane.transport}: {colour_of(lane)};" for lane in LANES)
