"""The only module with sockets of clients: readiness, timers, arrival stamps, socket counters, connect and close.

Every transport's client is driven by the same few functions, called by libev (gevent's loop) when a socket is ready or
a deadline has come; clients have no greenlet and no buffer of their own. The arrival is stamped before any byte is
parsed, by the kernel if it can (SO_TIMESTAMPNS) and always by this process.
"""

from __future__ import annotations

import errno
import socket
import time

import gevent
from gevent.hub import get_hub
from gevent.monkey import get_original

from contract.records import SocketStage
from loadtests.clients.base import Client
from loadtests.clients.recorder import Recorder
from loadtests.load.connection import Connection
from loadtests.load.deadlines import Deadlines
from loadtests.load.gathered_reads import GatheredReads
from system.addresses import bind_source
from system.kernel_stamps import enable_stamps, read_stamped
from system.tcp_info import kernel_counts_sockets

_READ, _WRITE = 1, 2
_READ_BYTES = 65536
_CLOCKS_PERIOD_NS = 1_000_000_000
_COUNTERS_AT_ONCE = 64
_PlainSocket: type[socket.socket] = get_original("socket", "socket")
"""Under Locust `socket.socket` is gevent's, which has two watchers of its own and wraps every call; here the driver
itself waits, and a client should cost as little as possible."""


class Driver:
    """Drives clients against one address until `finish` is called."""

    def __init__(self, address: tuple[str, int], recorder: Recorder, read_spacing_ns: int = 0) -> None:
        """Create a driver; `read_spacing_ns` is how long deliveries may stay unread (see gathered_reads.py)."""
        resolved = socket.getaddrinfo(*address, type=socket.SOCK_STREAM)[0]
        self._family = resolved[0]
        self._address = resolved[4]
        self._recorder = recorder
        self._loop = get_hub().loop
        self._deadlines = Deadlines(self._loop)
        self._gathered = (
            GatheredReads(self._loop, self._deadlines, read_spacing_ns, self._readable) if read_spacing_ns else None
        )
        self._lag_period_ns = 0
        self._clocks_due_ns: int | None = None
        self._stopped = False
        self.connections: list[Connection] = []
        self.kernel_counters = False
        self.kernel_stamps = False
        self.sources: tuple[str, ...] = ()
        """Addresses from which clients connect in turn; empty: the system chooses."""

    # Clients.

    def add(self, client: Client) -> Connection:
        """Start driving a client; it connects at once if it wants to."""
        connection = Connection(client)
        self.drive(connection)
        return connection

    def drive(self, connection: Connection) -> None:
        """Start driving a client that has a `Connection` already, as `add` does."""
        self.connections.append(connection)
        self._act(connection)

    def begin(self, connections: list[Connection], t0_ns: int) -> None:
        """Start the schedules of these clients; the stream starts at `t0_ns`."""
        # Deadlines for connecting would expire ten seconds later, each with a wake-up during the stream.
        self._deadlines.drop(set(connections))
        for connection in connections:
            connection.armed_ns = connection.armed_later_ns = None
            connection.client.begin(t0_ns, time.monotonic_ns())
            self._act(connection)

    def finish(self) -> None:
        """End all clients, read their counters for the last time, and close everything."""
        self._stopped = True
        for connection in self.connections:
            connection.client.finish(time.monotonic_ns())
            # The counters are read before the client closes its channel, which is no part of its cost while it listens.
            self._record_counters(connection, SocketStage.CLOSED)
            self._send(connection)
            self._close(connection)
            self._recorder.clients.extend(connection.row())
        self._deadlines.close()
        if self._gathered is not None:
            self._gathered.close()
        self._recorder.read_clocks()

    def drop(self, connection: Connection) -> None:
        """End one client while the others continue, when Locust stops its user."""
        connection.client.finish(time.monotonic_ns())
        self._send(connection)
        self._close(connection)
        self.connections.remove(connection)

    def read_all_counters(self, stage: SocketStage) -> None:
        """Record every client's socket counters, a few at a time so that no arrival waits long."""
        for start in range(0, len(self.connections), _COUNTERS_AT_ONCE):
            for connection in self.connections[start : start + _COUNTERS_AT_ONCE]:
                self._record_counters(connection, stage)
            gevent.sleep(0)

    # Monitoring of this process.

    def record_lag(self, lag_period_ns: int) -> None:
        """Start to record how late this process's timers are, once per period, and both clocks once a second.

        Each time wakes a process that may otherwise sleep, which on a virtual machine costs 0.2 ms of CPU time.
        """
        self._lag_period_ns = lag_period_ns
        self._tick(time.monotonic_ns())

    def _tick(self, due_ns: int) -> None:
        self._deadlines.call_at(due_ns, Driver._ticked, self)

    def _ticked(self, due_ns: int, now_ns: int) -> None:
        self._recorder.loop_lag.extend((now_ns, now_ns - due_ns))
        if self._clocks_due_ns is None or now_ns >= self._clocks_due_ns:
            self._recorder.read_clocks()
            self._clocks_due_ns = now_ns + _CLOCKS_PERIOD_NS
        self._tick(max(due_ns + self._lag_period_ns, now_ns))

    # One client.

    def _act(self, connection: Connection) -> None:
        """Send, connect, close and set timers as the client's outputs say."""
        client = connection.client
        if client.output and connection.open:
            self._send(connection)
        if client.wants_connection is (connection.sock is None):
            if client.wants_connection:
                self._connect(connection)
            else:
                self._close(connection)
        if client.ready and connection.ready_ns is None:
            connection.ready_ns = time.monotonic_ns()
            self._record_counters(connection, SocketStage.SET_UP)
        if client.only_listens and client.ready and connection.read_watcher is not None:
            self._gather(connection)
        if client.timer_ns is not None:
            self._arm(connection, client.timer_ns)

    def _arm(self, connection: Connection, due_ns: int) -> None:
        """Set a deadline no later than `due_ns`; when it comes, the client's own deadline is checked again.

        A poll's answer may take seconds and arrives in milliseconds: setting and clearing each of these deadlines, or
        setting and forgetting them, would cost more than the polls.
        """
        if connection.armed_ns is None or due_ns < connection.armed_ns:
            connection.armed_later_ns = connection.armed_ns
            connection.armed_ns = due_ns
            self._deadlines.call_at(due_ns, self._deadline, connection)

    def _deadline(self, connection: Connection, due_ns: int, now_ns: int) -> None:
        if due_ns == connection.armed_ns:
            connection.armed_ns = connection.armed_later_ns
            connection.armed_later_ns = None
        elif due_ns == connection.armed_later_ns:
            connection.armed_later_ns = None
        client = connection.client
        wanted_ns = client.timer_ns
        if wanted_ns is None:
            return
        if wanted_ns > now_ns:
            self._arm(connection, wanted_ns)
            return
        client.timer_ns = None
        client.timer(now_ns)
        self._act(connection)

    def _connect(self, connection: Connection) -> None:
        sock = _PlainSocket(self._family, socket.SOCK_STREAM)
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.kernel_stamps = enable_stamps(sock)
        if self.sources:
            bind_source(sock, self.sources[connection.client.index % len(self.sources)])
        now_ns = time.monotonic_ns()
        connection.sock = sock
        if connection.connect_start_ns is None:
            connection.connect_start_ns = now_ns
        connection.client.connecting(now_ns)
        error = sock.connect_ex(self._address)
        if error in (0, errno.EINPROGRESS):
            connection.write_watcher = self._loop.io(sock.fileno(), _WRITE)
            connection.write_watcher.start(self._connect_finished, connection)
        else:
            self._connect_failed(connection, error)

    def _connect_finished(self, connection: Connection) -> None:
        assert connection.sock is not None
        error = connection.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            self._connect_failed(connection, error)
            return
        connection.write_watcher.stop()
        connection.write_watcher.close()
        connection.write_watcher = None
        connection.open = True
        connection.read_watcher = self._loop.io(connection.sock.fileno(), _READ)
        connection.read_watcher.start(self._readable, connection)
        self.kernel_counters = self.kernel_counters or kernel_counts_sockets(connection.sock)
        connection.client.connected(time.monotonic_ns())
        self._act(connection)

    def _connect_failed(self, connection: Connection, error: int) -> None:
        self._recorder.problems.add(f"a connection could not be opened: {errno.errorcode.get(error, error)}")
        self._close(connection)
        connection.client.connection_failed(time.monotonic_ns())
        self._act(connection)

    def _readable(self, connection: Connection) -> bool:
        """Read once; return whether there may be more data."""
        assert connection.sock is not None
        try:
            data, kernel_ns = read_stamped(connection.sock, _READ_BYTES)
        except BlockingIOError:
            return False
        self._arrived(connection, data, kernel_ns, time.monotonic_ns())
        return data is not None and len(data) == _READ_BYTES

    def _arrived(self, connection: Connection, data: bytes | None, kernel_ns: int, user_ns: int) -> None:
        """Pass data to its client: empty at the end of the stream, None if the connection broke."""
        if data:
            if not self.kernel_counters:
                connection.user_down_bytes += len(data)
            if connection.client.received(data, user_ns, kernel_ns):
                self._act(connection)
        else:
            self._close(connection)
            if data is None:
                connection.client.broken(user_ns)
            else:
                connection.client.disconnected(user_ns)
            self._act(connection)

    def _send(self, connection: Connection) -> None:
        """Send the client's output; data that does not fit into the socket's buffer is kept until there is room."""
        if connection.sock is None or not connection.open:
            return
        output = connection.client.output
        try:
            sent = connection.sock.send(output) if output else 0
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError:
            # The next read will find the broken connection and notify the client.
            output.clear()
            return
        connection.user_up_bytes += sent
        del output[:sent]
        if output and connection.write_watcher is None:
            connection.write_watcher = self._loop.io(connection.sock.fileno(), _WRITE)
            connection.write_watcher.start(self._writable, connection)

    def _writable(self, connection: Connection) -> None:
        self._send(connection)
        if not connection.client.output and connection.write_watcher is not None:
            connection.write_watcher.stop()
            connection.write_watcher.close()
            connection.write_watcher = None

    def _gather(self, connection: Connection) -> None:
        """Read this client's deliveries together with others' from now on, if the kernel stamps them."""
        if self._gathered is not None and self.kernel_stamps:
            connection.read_watcher.stop()
            connection.read_watcher.close()
            connection.read_watcher = None
            self._gathered.add(connection)

    def _stop_reading(self, connection: Connection) -> None:
        if connection.read_watcher is not None:
            connection.read_watcher.stop()
        elif self._gathered is not None:
            self._gathered.discard(connection)

    def _close(self, connection: Connection) -> None:
        self._stop_reading(connection)
        for watcher in (connection.read_watcher, connection.write_watcher):
            if watcher is not None:
                watcher.stop()
                watcher.close()
        connection.read_watcher = connection.write_watcher = None
        if connection.sock is not None:
            if connection.open and not self._stopped:
                connection.closed_counters = connection.counters(self.kernel_counters)
            connection.sock.close()
        connection.sock = None
        connection.open = False
        connection.client.output.clear()

    # Counters.

    def _record_counters(self, connection: Connection, stage: SocketStage) -> None:
        counted = connection.counters(self.kernel_counters)
        self._recorder.sockets.extend((connection.client.index, stage, time.monotonic_ns(), *counted))
