from __future__ import annotations

import pytest

from classroom.lanes.definitions import TRANSPORTS
from servers.hosting.http_protocol import MAX_HEAD_BYTES

from .conftest import RunningClassroom
from .scripted import CountingSocket

PAGE = -1


def port_of(classroom: RunningClassroom, lane: int) -> int:
    return classroom.page_port if lane == PAGE else classroom.lane_ports[lane]


@pytest.mark.parametrize("lane", [PAGE, *range(len(TRANSPORTS))])
def test_a_head_without_an_end_ends_the_connection(classroom: RunningClassroom, lane: int) -> None:
    endless = CountingSocket(port_of(classroom, lane))
    with pytest.raises(ConnectionError):
        endless.send(b"GET / HTTP/1.1\r\n")
        for _ in range(100 * MAX_HEAD_BYTES // 1000):
            endless.send(b"x" * 997 + b": y\r\n"[:3])
        endless.read(1 << 20)  # its refusal, and the end
    endless.close()


def test_many_requests_on_one_connection_are_no_long_head(classroom: RunningClassroom) -> None:
    connection = CountingSocket(classroom.page_port)
    request = f"GET /api/model HTTP/1.1\r\nHost: 127.0.0.1:{classroom.page_port}\r\nX: {'x' * 2000}\r\n\r\n".encode()
    for _ in range(2 * MAX_HEAD_BYTES // len(request)):
        connection.send(request)
        assert connection.read_reply().status == 200
    connection.close()
