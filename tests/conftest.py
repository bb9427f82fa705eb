"""What holds for all tests: which signals their processes hear, and how long properties are tried."""

from __future__ import annotations

import os
import signal

from hypothesis import HealthCheck, settings

# A shell that starts the tests in the background has them ignore Ctrl-C, and all that they start; some tests send it.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A slow machine must not fail a test; hypothesis' deadline and its check for slow data would.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("patient"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "patient")
