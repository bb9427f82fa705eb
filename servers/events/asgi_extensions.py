"""Extensions of ASGI with which an app controls a client's connection, offered by the protocols of `servers.hosting`.

Each is optional, since other ASGI servers do not offer them.
"""

from __future__ import annotations

from collections.abc import Callable

from starlette.types import Scope

CUT_OFF_EXTENSION = "push-vs-poll.cut_off"
"""A function (reason) that ends the connection even if the client reads nothing.

Plain ASGI cannot: its close waits behind the very buffer that the client does not read.
"""

WRITE_FRAMED_EXTENSION = "push-vs-poll.write_framed"
"""A function (bytes) that writes a whole frame to the connection unchanged.

It returns False and writes nothing if the client has not read enough of the data before, or has disconnected."""

ON_DISCONNECT_EXTENSION = "push-vs-poll.on_disconnect"
"""An `OnDisconnect`, called when a client's connection ends while its handler waits for an event.

Plain ASGI reports that only to a task that waits in `receive`: a second task for every held poll.
"""

OnDisconnect = Callable[[Callable[[], None] | None], None]
"""Sets the function that is called once when the client's connection ends, or at once if it has ended; None for none.
"""


def without_direct_writing(scope: Scope) -> Scope:
    """Return the scope without `WRITE_FRAMED_EXTENSION`, for an app in which a middleware changes each message."""
    extensions = {name: value for name, value in scope.get("extensions", {}).items() if name != WRITE_FRAMED_EXTENSION}
    return {**scope, "extensions": extensions}


def on_disconnect_of(scope: Scope) -> OnDisconnect | None:
    """Return the extension of this connection; None under another ASGI server, where a poll is held to its end."""
    extension: OnDisconnect | None = scope.get("extensions", {}).get(ON_DISCONNECT_EXTENSION)
    return extension
