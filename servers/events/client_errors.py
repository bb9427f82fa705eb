"""Protocol errors of clients: counted for /stats, and logged in at most one line a second.

Requests that a route answers with 4xx are not counted here: that answer says what is wrong.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from typing import Literal, get_args

ClientError = Literal["malformed_requests", "malformed_frames", "abandoned_requests"]

LOG_PREFIX = "client errors in the last second:"

_log = logging.getLogger("servers")


class ClientErrors:
    """The number of errors of each kind since the stream was posted."""

    def __init__(self) -> None:
        self._counts: Counter[ClientError] = Counter()
        self._to_log: Counter[ClientError] = Counter()

    def add(self, kind: ClientError) -> None:
        """Count one error."""
        self._counts[kind] += 1
        # A client may leave at any time, which is not worth a line in the log.
        if kind != "abandoned_requests":
            self._to_log[kind] += 1

    def clear(self) -> None:
        """Reset all counts; errors that are not logged yet still will be."""
        self._counts.clear()

    def counts(self) -> Mapping[ClientError, int]:
        """Return the count of every kind."""
        return {kind: self._counts[kind] for kind in get_args(ClientError)}

    def log(self) -> None:
        """Log the errors since the last call in one line, if there were any; to be called once a second."""
        if self._to_log:
            kinds = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in sorted(self._to_log.items()))
            self._to_log.clear()
            _log.warning("%s %s (GET /stats has all counts)", LOG_PREFIX, kinds)
