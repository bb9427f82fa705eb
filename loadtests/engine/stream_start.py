"""The start of a trial's stream, by the single load process or by the master of several."""

from __future__ import annotations

import time
from pathlib import Path

from contract.records import PlannedTrial
from contract.stream import due_offsets_ns, payloads
from contract.transports import TRANSPORTS
from loadtests.control_client import ControlClient
from loadtests.load.trial_clients import window_ns
from loadtests.load.trial_spec import MeasuredWindow
from loadtests.plan.blocks import stream_spec


def start_stream(
    control: ControlClient, trial: PlannedTrial, lead_ms: int, server_offset_ns: int, folder: Path
) -> tuple[int, MeasuredWindow]:
    """Start the stream in `lead_ms`, write its measured window, and return its start t0 and the window.

    Both are on the clock of this machine, which the server's is `server_offset_ns` ahead of. Clients that send start
    their stream themselves.
    """
    if TRANSPORTS[trial.transport].kind.clients_send:
        t0_ns = time.monotonic_ns() + lead_ms * 1_000_000
    else:
        stream = stream_spec(trial)
        offsets_ns, texts = due_offsets_ns(stream).tolist(), list(payloads(stream))
        t0_ns = control.start_stream(lead_ms, offsets_ns, texts, trial.parameters.clients) - server_offset_ns
    window = MeasuredWindow(*window_ns(trial, t0_ns))
    window.write(folder)
    return t0_ns, window
