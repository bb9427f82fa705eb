"""Stock Locust users of the event channel, over websocket-client: one greenlet reads, each message is fired.

    locust -f benchmarks/peers/locust_users/websocket_client.py --host http://127.0.0.1:8000 WebSocketClientUser

They are written as Locust's documentation shows for other systems ("Testing other systems using custom clients"):
nothing of this project is in them. Their latency is the time since the event was due, read where the user's code gets
the message.
"""

from __future__ import annotations

import json
import time
from typing import Any, ClassVar

import gevent
from locust import User, task
from websocket import WebSocketException, create_connection


class WebSocketClientUser(User):
    """Opens the channel once and then only listens, with all defaults of websocket-client."""

    options: ClassVar[dict[str, Any]] = {}

    def on_start(self) -> None:
        """Connect, and start to read."""
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
        """Send nothing over the channel."""
        gevent.sleep(3600)

    def on_stop(self) -> None:
        """Close the channel."""
        self._reader.kill()
        self._channel.close()


class UncheckedWebSocketClientUser(WebSocketClientUser):
    """The same without websocket-client's check of UTF-8, which is written in Python and half of the cost."""

    options: ClassVar[dict[str, Any]] = {"skip_utf8_validation": True}
