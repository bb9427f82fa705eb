"""`python -m servers websocket|polling|sse|all|relay|openapi`: runs each server of the harness.

Prints one JSON line when it is ready: {"ready": true, "address": A, "port": N}. Ends at SIGTERM or SIGINT with status
0. If it cannot start, it prints one sentence to stderr and ends with status 2; if one of its
processes ends unexpectedly, with status 1.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import socket
from typing import Any

from contract.faults import FAULT_KINDS, Fault, FaultSpecError, parse_fault
from contract.parameters import DEFAULTS, PARAMETERS, SERVER_OPTIONS, Choice, server_option
from contract.transports import TRANSPORTS
from contract.wire import DEFAULT_HISTORY_EVENTS
from servers.hosting.listening import StartError, listen
from servers.hosting.options import ServerOptions
from servers.hosting.server_processes import ProcessLostError, serve_in_processes
from servers.hosting.stopping import end_with_parent
from system.descriptor_limits import raise_limit_to_most
from system.garbage_collection import pause_for_start
from terminal.plain import print_error

ADAPTERS = tuple(dict.fromkeys(transport.server for transport in TRANSPORTS.values()))
"""Names of the modules in servers/transports/ with an ADAPTER. Importing one takes half a second, so only those needed
are imported."""


def main(arguments: list[str] | None = None) -> int:
    """Run one server until it ends, and return its exit status."""
    parsed = _parser().parse_args(arguments)
    if getattr(parsed, "with_parent", False):
        end_with_parent()
    try:
        if parsed.server == "openapi":
            print(json.dumps(_openapi(), indent=2))
            return 0
        raise_limit_to_most()
        if parsed.server == "relay":
            with listen(parsed.host, parsed.port) as listener:
                _relay(parsed, listener)
        else:
            _serve(parsed)
    except StartError as error:
        print_error(error, "servers")
        return 2
    except ProcessLostError as error:
        print_error(error, "servers")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m servers", description=__doc__)
    commands = parser.add_subparsers(dest="server", required=True, metavar="SERVER")
    listening = argparse.ArgumentParser(add_help=False)
    listening.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    listening.add_argument("--port", type=_port, required=True, help="port to listen on; 0 takes any free one")
    listening.add_argument("--with-parent", action="store_true", help="end when the process that started it ends")
    for name, summary in (
        *((name, f"the {name} app alone") for name in ADAPTERS),
        ("all", "every transport on one port"),
    ):
        command = commands.add_parser(name, parents=[listening], help=summary)
        command.add_argument(
            "--history", type=_positive, default=DEFAULT_HISTORY_EVENTS, help="events kept for cursors (%(default)s)"
        )
        command.add_argument(
            "--fault",
            action="append",
            default=[],
            metavar="SPEC",
            help=f"misbehave on purpose: {', '.join(FAULT_KINDS)}; for example drop:seq=5 or delay:ms=40 "
            "(repeatable; see docs/using/faults.md)",
        )
        command.add_argument(
            "--trace", action="store_true", help="record when each event was written to each client, for GET /trace"
        )
        for option in SERVER_OPTIONS:
            _add_option(command, option)
    relay = commands.add_parser("relay", parents=[listening], help="a TCP relay that delays both directions")
    relay.add_argument("--to", type=_address, required=True, metavar="HOST:PORT", help="where to relay to")
    relay.add_argument("--delay-ms", type=_delay, required=True, metavar="D", help="one-way delay in ms")
    commands.add_parser("openapi", help="print the OpenAPI document of all HTTP routes")
    return parser


def _add_option(command: argparse.ArgumentParser, name: str) -> None:
    """Add the option that sets a parameter of a trial."""
    rule, default = PARAMETERS[name].rule, DEFAULTS[name]
    meaning = f"{PARAMETERS[name].meaning} (%(default)s)"
    if isinstance(rule, Choice):
        command.add_argument(server_option(name), choices=rule.words, default=default, help=meaning)
        return

    def number(text: str) -> int:
        value = int(text) if text.isdecimal() else None
        if value is None or not rule.accepts(value):
            raise argparse.ArgumentTypeError(f"{text!r}: expected {rule.expected}")
        return value

    command.add_argument(server_option(name), type=number, default=default, help=meaning)


def _serve(parsed: argparse.Namespace) -> None:
    faults = tuple(str(fault) for fault in _faults(parsed.fault))
    if faults and parsed.server_processes > 1:
        raise StartError(
            f"--fault {faults[0]} with --server-processes {parsed.server_processes}: faults number clients in the "
            "order in which they connect, which several processes do not know (expected --server-processes 1)"
        )
    if parsed.server_processes == 1:
        with listen(parsed.host, parsed.port) as listener:
            _serve_alone(_server_options(parsed, faults), listener)
        return
    serve_in_processes(_server_options(parsed, faults), parsed.host, parsed.port, _print_ready)


def _server_options(parsed: argparse.Namespace, faults: tuple[str, ...]) -> ServerOptions:
    names = ADAPTERS if parsed.server == "all" else (parsed.server,)
    chosen = {name: getattr(parsed, name) for name in SERVER_OPTIONS}
    return ServerOptions(adapters=names, history=parsed.history, faults=faults, trace=parsed.trace, **chosen)


def _serve_alone(options: ServerOptions, listener: socket.socket) -> None:
    pause_for_start()
    from servers.hosting.building import make_app, make_hub
    from servers.hosting.uvicorn_server import serve

    hub = make_hub(options)
    serve(make_app(options, hub), hub, options, listener, _print_ready)


def _openapi() -> dict[str, Any]:
    from servers.events.hub import EventHub
    from servers.hosting.building import load_adapters, make_fastapi_app

    return make_fastapi_app(load_adapters(ADAPTERS), EventHub()).openapi()


def _faults(specs: list[str]) -> tuple[Fault, ...]:
    try:
        return tuple(parse_fault(spec) for spec in specs)
    except FaultSpecError as error:
        raise StartError(str(error)) from error


def _relay(parsed: argparse.Namespace, listener: socket.socket) -> None:
    import uvloop

    from servers.relay.delay_relay import DelayRelay, relay_until_signalled

    relay = DelayRelay(parsed.to, parsed.delay_ms)
    address = listener.getsockname()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        statistics = runner.run(relay_until_signalled(relay, listener, lambda: _print_ready(address)))
    print(json.dumps(dataclasses.asdict(statistics)), flush=True)


def _print_ready(address: tuple[Any, ...]) -> None:
    print(json.dumps({"ready": True, "address": address[0], "port": address[1]}), flush=True)


def _port(text: str) -> int:
    if text.isdecimal() and int(text) <= 65_535:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a port: expected 0 to 65535")


def _positive(text: str) -> int:
    if text.isdecimal() and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a positive whole number")


def _delay(text: str) -> float:
    try:
        delay_ms = float(text)
    except ValueError:
        delay_ms = -1.0
    if 0 <= delay_ms <= 60_000:
        return delay_ms
    raise argparse.ArgumentTypeError(f"{text!r} is not a delay: expected 0 to 60000 ms")


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host:
        raise argparse.ArgumentTypeError(f"{text!r} is not an address: expected HOST:PORT")
    return host.strip("[]"), _port(port)
