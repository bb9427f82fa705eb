"""Limits on what one page may request, so that a faulty or hostile device harms only itself."""

from __future__ import annotations

MAX_CLIENTS = 100
TEACHER_PAGES = 20
"""Additional clients, so that the teacher can enter a full class."""
REPORTS_PER_S = 3.0
"""Limit of one device; its page sends one."""
VOTES_PER_S = 2.0
"""Limit of one device in the long run."""
MAX_CLOCK_SOCKETS = 2 * MAX_CLIENTS
MAX_CONNECTIONS_PER_LANE = 12
"""Limit of one client; a browser opens six to one address, and may still be closing those of the last run."""
MAX_CONNECTIONS = 1000
"""Limit of all connections to one lane, those without a client included."""
REQUESTS_PER_S = 150.0
"""Limit of one client on one lane in the long run: a long poll asks once per event, of which there may be 100 a second.
"""
MAX_BODY_BYTES = 16 * 1024
MAX_MESSAGE_BYTES = 64 * 1024
"""Limit of a WebSocket message to the page's port."""
MESSAGES_PER_S = 50.0
GRACE_S = 60.0
"""A client whose page is gone is deleted after this time."""

_BURST_S = 2.0


class RateLimit:
    """A token bucket that allows `per_s` actions per second in the long run, and twice as many at once.

    It is pure: times are arguments.
    """

    __slots__ = ("_at_ns", "_per_s", "_tokens")

    def __init__(self, per_s: float, now_ns: int) -> None:
        self._per_s = per_s
        self._tokens = per_s * _BURST_S
        self._at_ns = now_ns

    def allows(self, now_ns: int) -> bool:
        """Return whether one more action is within the limit, and count it if so."""
        earned = (now_ns - self._at_ns) / 1e9 * self._per_s
        self._tokens = min(self._tokens + earned, self._per_s * _BURST_S)
        self._at_ns = now_ns
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
