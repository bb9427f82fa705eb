"""Every load generator that the harness is compared with; adding one takes a module beside this one and an entry."""

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
