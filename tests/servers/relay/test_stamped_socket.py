from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest
import uvloop

from servers.relay.stamped_socket import RelaySocket
from tests.servers.conftest import PATIENCE_S

pytestmark = pytest.mark.clocks


class Witness:
    """Notes all it is told of a socket."""

    def __init__(self) -> None:
        self.data = b""
        self.sent_bytes = 0
        self.has_ended = False
        self.closings: list[bool] = []

    def received(self, data: bytes, arrived_ns: int) -> None:
        self.data += data

    def ended(self, arrived_ns: int) -> None:
        self.has_ended = True

    def sent(self, sent_bytes: int) -> None:
        self.sent_bytes += sent_bytes

    def closed(self, broken: bool) -> None:
        self.closings.append(broken)


def connected_pair() -> tuple[socket.socket, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        near = socket.create_connection(listener.getsockname())
        far, _ = listener.accept()
    near.setblocking(False)
    far.settimeout(PATIENCE_S)
    return near, far


async def until(reached: Callable[[], bool]) -> None:
    async def poll() -> None:
        while not reached():
            await asyncio.sleep(0.001)

    await asyncio.wait_for(poll(), PATIENCE_S)


def run(scenario: Callable[[RelaySocket, Witness, socket.socket, socket.socket], Awaitable[None]]) -> None:
    async def with_sockets() -> None:
        witness = Witness()
        tested = RelaySocket(asyncio.get_running_loop(), witness)
        near, far = connected_pair()
        with near, far:
            await scenario(tested, witness, near, far)
            tested.reset()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(with_sockets())


def test_what_was_written_before_it_was_connected_goes_out_then() -> None:
    async def scenario(tested: RelaySocket, witness: Witness, near: socket.socket, far: socket.socket) -> None:
        tested.write(b"early ")
        tested.write(b"bird")
        tested.write_eof()
        assert witness.sent_bytes == 0
        tested.attach(near)
        assert (far.recv(100), far.recv(100)) == (b"early bird", b"")
        assert witness.sent_bytes == 10

    run(scenario)


def test_a_reset_before_it_was_connected_resets_then() -> None:
    async def scenario(tested: RelaySocket, witness: Witness, near: socket.socket, far: socket.socket) -> None:
        tested.write(b"never sent")
        tested.reset()
        tested.attach(near)
        with pytest.raises(ConnectionResetError):
            far.recv(100)
        assert witness.closings == [False]

    run(scenario)


def test_a_slow_reader_gets_all_in_parts_and_the_end_behind_them() -> None:
    data = bytes(range(256)) * 40_000

    async def scenario(tested: RelaySocket, witness: Witness, near: socket.socket, far: socket.socket) -> None:
        tested.attach(near)
        tested.write(data)
        tested.write(b"tail")
        tested.write_eof()
        assert witness.sent_bytes < len(data)
        read = bytearray()
        far.setblocking(False)
        while part := await asyncio.get_running_loop().sock_recv(far, 1_000_000):
            read += part
        assert read == data + b"tail"
        assert witness.sent_bytes == len(data) + 4

    run(scenario)


def test_it_closes_when_both_sides_have_ended() -> None:
    async def scenario(tested: RelaySocket, witness: Witness, near: socket.socket, far: socket.socket) -> None:
        tested.attach(near)
        far.sendall(b"bye")
        far.shutdown(socket.SHUT_WR)
        await until(lambda: witness.has_ended)
        assert (witness.data, witness.closings) == (b"bye", [])
        tested.write_eof()
        assert (far.recv(1), witness.closings) == (b"", [False])

    run(scenario)


def test_a_reset_from_the_other_side_is_told_as_broken_once() -> None:
    async def scenario(tested: RelaySocket, witness: Witness, near: socket.socket, far: socket.socket) -> None:
        tested.attach(near)
        far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        far.close()
        await until(lambda: bool(witness.closings))
        tested.write(b"into the void")
        tested.write_eof()
        tested.reset()
        assert (witness.closings, witness.sent_bytes) == ([True], 0)

    run(scenario)


def test_writing_into_a_broken_connection_tells_of_it() -> None:
    async def scenario(tested: RelaySocket, witness: Witness, near: socket.socket, far: socket.socket) -> None:
        tested.attach(near)
        tested.set_reading(False)
        far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        far.close()
        tested.write(b"into the void")
        assert (witness.closings, witness.sent_bytes) == ([True], 0)

    run(scenario)


def test_nothing_is_read_while_reading_is_stopped() -> None:
    async def scenario(tested: RelaySocket, witness: Witness, near: socket.socket, far: socket.socket) -> None:
        tested.attach(near)
        tested.set_reading(False)
        far.sendall(b"wait")
        await asyncio.sleep(0.01)
        assert witness.data == b""
        tested.set_reading(True)
        await until(lambda: witness.data == b"wait")

    run(scenario)
