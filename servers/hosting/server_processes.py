"""Runs one server in several processes: starts the processes, reports when all are ready, and ends them together.

Each process is a uvicorn server of its own in a spawned process. uvicorn's supervisor would restart a process that has
died, with an empty log: that must end a measurement, not go unnoticed.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import connection
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any

from servers.hosting.listening import listen, listen_together
from servers.hosting.options import ServerOptions
from servers.hosting.stopping import end_with_parent
from system.garbage_collection import pause_for_start

_LOOPBACK = "127.0.0.1"
_GRACE_S = 2.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class ProcessLostError(Exception):
    """A process ended unexpectedly: one clear sentence."""


def serve_in_processes(
    options: ServerOptions, host: str, port: int, on_ready: Callable[[tuple[Any, ...]], None]
) -> None:
    """Serve until SIGINT or SIGTERM, and call `on_ready` with the address.

    Raise StartError if that fails, and ProcessLostError if a process ends.
    """
    spawn = multiprocessing.get_context("spawn")
    with _stop_requests() as stopping, contextlib.ExitStack() as sockets:
        number = options.server_processes
        listeners = [sockets.enter_context(listener) for listener in listen_together(host, port, number)]
        owns = [sockets.enter_context(listen(_LOOPBACK, 0)) for _ in range(number)]
        peers = tuple(f"http://{_LOOPBACK}:{own.getsockname()[1]}" for own in owns)
        address = listeners[0].getsockname()
        processes: list[SpawnProcess] = []
        starting: list[Connection] = []
        try:
            for listener, own in zip(listeners, owns, strict=True):
                ours, theirs = spawn.Pipe(duplex=False)
                processes.append(spawn.Process(target=_work, args=(options, peers, listener, own, theirs)))
                processes[-1].start()
                theirs.close()
                starting.append(ours)
            sockets.close()  # the processes hold them now: connections to a process that has ended must be refused
            for ready in starting:
                with ready:
                    if not _wait(processes, stopping, ready):
                        return
            on_ready(address)
            _wait(processes, stopping)
        finally:
            _end(processes)


def _work(
    options: ServerOptions, peers: tuple[str, ...], listener: socket.socket, own: socket.socket, ready: Connection
) -> None:
    """Run one process until it ends."""
    end_with_parent()
    parent = multiprocessing.parent_process()
    if parent is None or not parent.is_alive():
        return
    with contextlib.suppress(KeyboardInterrupt):
        _serve_part(options, peers, listener, own, lambda: ready.send(True))


def _serve_part(
    options: ServerOptions,
    peers: tuple[str, ...],
    listener: socket.socket,
    own: socket.socket,
    on_ready: Callable[[], None],
) -> None:
    pause_for_start()
    from servers.hosting.building import load_adapters, make_app, make_hub  # noqa: PLC0415 (not the parent's)
    from servers.hosting.shared_control import SharedControl, private_app  # noqa: PLC0415 (as above)
    from servers.hosting.uvicorn_server import serve, served  # noqa: PLC0415 (as above)

    for sock in (listener, own):
        sock.setblocking(False)
    hub = make_hub(options)
    app = make_app(options, hub)
    transports = [name for adapter in load_adapters(options.adapters) for name in adapter.transports]
    beside = served(private_app(hub, transports, peers), own, lifespan="off")
    shared = SharedControl(app, hub, transports, peers)
    serve(shared, hub, options, listener, lambda _address: on_ready(), beside)


def _wait(processes: Sequence[SpawnProcess], stopping: socket.socket, ready: Connection | None = None) -> bool:
    """Wait until `ready` is readable (True) or a stop is requested (False); ProcessLostError if a process ends."""
    sentinels = [process.sentinel for process in processes]
    found = connection.wait([*sentinels, stopping, *([ready] if ready else [])])
    if stopping in found:
        return False
    for number, process in enumerate(processes, start=1):
        if process.sentinel in found:
            process.join()
            raise ProcessLostError(
                f"process {number} of {len(processes)} ended with exit status {process.exitcode} "
                "(expected it to run until the server is stopped)"
            )
    return True


def _end(processes: Sequence[SpawnProcess]) -> None:
    """Terminate all processes, wait for a moment, and kill those that are left."""
    for process in processes:
        process.terminate()
    deadline = time.monotonic() + _GRACE_S
    for process in processes:
        process.join(max(0.0, deadline - time.monotonic()))
        if process.exitcode is None:
            process.kill()
            process.join()


@contextlib.contextmanager
def _stop_requests() -> Iterator[socket.socket]:
    """Yield a socket that becomes readable at SIGINT or SIGTERM."""
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    handlers = {number: signal.signal(number, lambda *_: None) for number in _SIGNALS}
    before = signal.set_wakeup_fd(writer.fileno())
    try:
        yield reader
    finally:
        signal.set_wakeup_fd(before)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        reader.close()
        writer.close()
