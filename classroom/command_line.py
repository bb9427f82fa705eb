"""`python -m classroom [--host HOST] [--port PORT]`: opens the classroom until it is stopped.

The page is on the port given, the four lanes and the lesson on the five after it. Ends at SIGTERM or Ctrl-C with status
0. If it cannot start, it prints one sentence to stderr and ends with status 2.
"""

from __future__ import annotations

import argparse
import asyncio
import ipaddress
import logging
from typing import TYPE_CHECKING

from servers.hosting.listening import StartError
from system.descriptor_limits import raise_limit_to_most
from terminal.plain import print_error

if TYPE_CHECKING:
    from classroom.state import ClassroomState

_LAST_PORT = 65_535 - 5


def main(arguments: list[str] | None = None) -> int:
    """Run the classroom until it ends, and return the exit status."""
    options = _parser().parse_args(arguments)
    raise_limit_to_most()
    try:
        import uvloop

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_run(options.host, options.port))
    except StartError as error:
        print_error(error, "classroom")
        return 2
    return 0


async def _run(host: str, port: int) -> None:
    from classroom.startup import open_classroom
    from servers.hosting.stopping import on_signals

    stop = asyncio.Event()
    with on_signals(stop.set):
        async with open_classroom(host, port) as state:
            print(welcome(state), flush=True)
            await stop.wait()
    # Requests of closed pages are cancelled from here on; uvicorn would log each as an error of the app.
    logging.getLogger("uvicorn.error").disabled = True


def welcome(state: ClassroomState) -> str:
    """Return the text that is printed when the classroom is open: its addresses, code and ports."""
    from classroom.joining.lan_address import EVERY_INTERFACE, own_hosts

    addresses = state.addresses
    lanes = ", ".join(map(str, addresses.lane_ports))
    ports = f"Ports: page {addresses.page_port}, lanes {lanes}, lesson {addresses.lesson_port}. Stop it with Ctrl-C."
    if state.mode == "solo":
        return f"The classroom is open: {addresses.origin(addresses.host)}/\n{ports}"
    # Browsers trust a loopback address more than others, and give its page a finer clock.
    teachers = addresses.origin("127.0.0.1" if addresses.host == EVERY_INTERFACE else addresses.host)
    best, *others = [addresses.origin(host) for host in own_hosts(addresses.host)]
    lines = [
        "The classroom is open.",
        f"  The teacher's page, on this machine: {teachers}/?key={state.access.teacher_key}",
        f"  The class joins at:                  {best}/join",
        f"  with the code {state.access.join_code}",
    ]
    if others:
        lines.append(f"  (if that cannot be reached, try {', '.join(f'{other}/join' for other in others)})")
    if not state.is_access_kept:
        lines.append("  A restart will have another key and another code.")
    return "\n".join([*lines, ports])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m classroom", description=__doc__)
    parser.add_argument(
        "--host",
        type=_host,
        default="127.0.0.1",
        help="address to listen on (%(default)s); 0.0.0.0 lets the whole class join",
    )
    parser.add_argument("--port", type=_port, default=8000, help="the page's port (%(default)s); 0 takes any free ones")
    return parser


def _host(text: str) -> str:
    try:
        version = ipaddress.ip_address(text.strip("[]")).version
    except ValueError:
        return text
    if version == 6:
        raise argparse.ArgumentTypeError(
            f"{text!r} is an IPv6 address, which a Content-Security-Policy cannot name: expected IPv4 or a name"
        )
    return text


def _port(text: str) -> int:
    if text.isdecimal() and text.isascii() and int(text) <= _LAST_PORT:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a port with five free ones after it: expected 0 to {_LAST_PORT}")
