"""`python -m tests.servers.leaking_server BYTES …`: `python -m servers …` that keeps BYTES of every connection."""

from __future__ import annotations

import sys
from unittest import mock

from servers.command_line import main
from servers.hosting import uvicorn_server
from servers.hosting.http_protocol import HttpProtocol

kept: list[str] = []
kept_bytes = int(sys.argv[1])


class LeakingProtocol(HttpProtocol):
    """Of WebSockets nothing is kept: they end by another protocol."""

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        kept.append("x" * kept_bytes)


with mock.patch.object(uvicorn_server, "HttpProtocol", LeakingProtocol):
    sys.exit(main(sys.argv[2:]))
