"""The load generators with which the harness is compared; each has its own module and an entry here."""

from __future__ import annotations

from benchmarks.peers.artillery import Artillery
from benchmarks.peers.locust import (
    LocustFastHttpUser,
    LocustHttpUser,
    LocustUncheckedWebSocketClient,
    LocustWebSocketClient,
)
from benchmarks.peers.tool import Tool
from benchmarks.peers.tsung import Tsung
from benchmarks.peers.wrk import Wrk

TOOLS: dict[str, Tool] = {
    tool.name: tool
    for tool in (
        LocustWebSocketClient(),
        LocustUncheckedWebSocketClient(),
        LocustFastHttpUser(),
        LocustHttpUser(),
        Artillery(),
        Tsung(),
        Wrk(),
    )
}
