"""Makes the event hub and the app of a server from its recipe, each process for itself."""

from __future__ import annotations

import importlib

from fastapi import FastAPI
from starlette.types import ASGIApp

from contract.faults import parse_fault
from servers.api.app import Adapter, assemble
from servers.events.hub import EventHub
from servers.events.trace import Trace
from servers.faults.faulty_log import FaultyLog
from servers.hosting.options import Recipe
from servers.hosting.uvicorn_server import Factors
from servers.transports.plain_asgi import AsgiStack


def factors_of(recipe: Recipe) -> Factors:
    """What a scenario chose of this server."""
    return Factors(recipe.stack, recipe.compression, recipe.headers)


def make_hub(recipe: Recipe) -> EventHub:
    """The event hub of this server."""
    options = factors_of(recipe).options() | {"workers": recipe.workers}
    if not recipe.faults:
        return EventHub(recipe.history, options, trace=Trace() if recipe.trace else None)
    log = FaultyLog([parse_fault(fault) for fault in recipe.faults], recipe.history)
    options |= {"faults": list(recipe.faults)}
    return EventHub(recipe.history, options, log, Trace() if recipe.trace else None)


def make_app(recipe: Recipe, hub: EventHub) -> ASGIApp:
    """The app over that hub."""
    adapters = load_adapters(recipe.adapters)
    app = make_fastapi_app(adapters, hub)
    return AsgiStack(app, adapters, hub) if recipe.stack == "asgi" else app


def load_adapters(names: tuple[str, ...]) -> list[Adapter]:
    """The adapters of these modules."""
    return [importlib.import_module(f"servers.transports.{name}").ADAPTER for name in names]


def make_fastapi_app(adapters: list[Adapter], hub: EventHub) -> FastAPI:
    """The FastAPI app of these adapters."""
    return assemble(adapters, hub, title="push-vs-poll" if len(adapters) > 1 else None)
