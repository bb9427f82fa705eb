"""An ASGI extension that calls a handler back when its client's connection ends while it waits for an event.

Plain ASGI reports that only to a task that waits in `receive`: a second task for every held poll.
"""

from __future__ import annotations

from collections.abc import Callable

from starlette.types import Scope

ON_DISCONNECT_EXTENSION = "push-vs-poll.on_disconnect"
"""ASGI extension of `servers.hosting.http_protocol`, an `OnDisconnect`."""

OnDisconnect = Callable[[Callable[[], None] | None], None]
"""Sets the function that is called once when the client's connection ends, or at once if it has ended; None for none.
"""


def on_disconnect_of(scope: Scope) -> OnDisconnect | None:
    """Return the extension of this connection; None under another ASGI server, where a poll is held to its end."""
    extension: OnDisconnect | None = scope.get("extensions", {}).get(ON_DISCONNECT_EXTENSION)
    return extension
