"""Stock Locust users over websocket-client: one greenlet reads, and fires each message as a request.

    locust -f benchmarks/peers/locust_users/websocket_client.py --host http://127.0.0.1:8000 WebSocketClientUser

They are written as Locust's documentation shows ("Testing other systems using custom clients"), without any code of
this project. Their latency is the time from when the event was due to when the user's code has the message.
"""

from __future__ import annotations

import json
import time
from typing import Any, ClassVar

import gevent
from locust import User, task
from websocket import WebSocketException, create_connection


class WebSocketClientUser(User):
    """Connects once and then only reads, with all defaults of websocket-client."""

    options: ClassVar[dict[str, Any]] = {}

    def on_start(self) -> None:
        """Connect, and start reading."""
        self._channel = create_connection(str(self.host).replace("http", "ws", 1) + "/ws", **self.options)
        self._reader = gevent.spawn(self._read)

    def _read(self) -> None:
        while True:
            try:
                message = self._channel.recv()
            except (WebSocketException, OSError):
                return
            if not message:
                return
            event = json.loads(message)
            self.environment.events.request.fire(
                request_type="WS",
                name="event",
                response_time=(time.monotonic_ns() - event["due_ns"]) / 1e6,
                response_length=len(message),
                context={},
                exception=None,
            )

    @task
    def stay(self) -> None:
        """Send nothing."""
        gevent.sleep(3600)

    def on_stop(self) -> None:
        """Close the connection."""
        self._reader.kill()
        self._channel.close()


class UncheckedWebSocketClientUser(WebSocketClientUser):
    """Skips websocket-client's check of UTF-8, which is written in Python and causes half of the cost."""

    options: ClassVar[dict[str, Any]] = {"skip_utf8_validation": True}
