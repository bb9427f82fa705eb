"""What holds for all tests: the order of their files, which signals their processes hear, how properties are tried."""

from __future__ import annotations

import os
import signal

import pytest
from hypothesis import HealthCheck, settings

# A shell that starts the tests in the background has them ignore Ctrl-C, and all that they start; some tests send it.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A slow machine must not fail a test; hypothesis' deadline and its check for slow data would.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("patient"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "patient")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest, so that none of them is begun when all others are done."""
    items.sort(key=_about_s, reverse=True)


def _about_s(item: pytest.Item) -> float:
    marker = item.get_closest_marker("takes_s")
    return float(marker.args[0]) if marker else 0.0
