"""How properties are tried: as long as it takes, and in CI the same examples every time."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# A slow machine must not fail a test; hypothesis' deadline and its check for slow data would.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("patient"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "patient")
