"""Serves one adapter with the harness's control routes and pinned uvicorn, as a server that a scenario can start."""

from __future__ import annotations

from contract import wire
from contract.parameters import DEFAULTS, SERVER_OPTIONS
from servers.api.app import Adapter, assemble
from servers.hosting.building import make_hub
from servers.hosting.listening import listen
from servers.hosting.options import ServerOptions
from servers.hosting.uvicorn_server import serve
from system.garbage_collection import pause_for_start


def serve_adapter(adapter: Adapter, host: str, port: int) -> None:
    """Serve an adapter over an event log of its own until a signal ends it."""
    chosen = {name: DEFAULTS[name] for name in SERVER_OPTIONS}
    options = ServerOptions(adapters=(), history=wire.DEFAULT_HISTORY_EVENTS, faults=(), trace=False, **chosen)
    pause_for_start()
    with listen(host, port) as listener:
        hub = make_hub(options)
        serve(assemble((adapter,), hub), hub, options, listener, lambda _: None)
