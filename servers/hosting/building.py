"""Builds the hub and the app of a server from its options, in each of its processes."""

from __future__ import annotations

import importlib

from fastapi import FastAPI
from starlette.types import ASGIApp

from contract.faults import parse_fault
from servers.api.app import Adapter, assemble
from servers.events.hub import EventHub
from servers.events.trace import Trace
from servers.faults.faulty_log import FaultyLog
from servers.hosting.options import ServerOptions
from servers.hosting.uvicorn_server import describe_settings
from servers.transports.plain_asgi import AsgiStack


def make_hub(options: ServerOptions) -> EventHub:
    """Build the event hub of a server with these options."""
    faults = [parse_fault(fault) for fault in options.faults]
    log = FaultyLog(faults, options.history) if faults else None
    return EventHub(options.history, describe_settings(options), log, Trace() if options.trace else None)


def make_app(options: ServerOptions, hub: EventHub) -> ASGIApp:
    """Build the app over that hub."""
    adapters = load_adapters(options.adapters)
    app = make_fastapi_app(adapters, hub)
    return AsgiStack(app, adapters, hub) if options.stack == "asgi" else app


def load_adapters(names: tuple[str, ...]) -> list[Adapter]:
    """Import the adapters of these modules."""
    return [importlib.import_module(f"servers.transports.{name}").ADAPTER for name in names]


def make_fastapi_app(adapters: list[Adapter], hub: EventHub) -> FastAPI:
    """Build the FastAPI app of these adapters."""
    return assemble(adapters, hub, title="push-vs-poll" if len(adapters) > 1 else None)
