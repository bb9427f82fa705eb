"""What holds for all tests: the order of their files, which signals their processes hear, how properties are tried."""

from __future__ import annotations

import gc
import os
import signal
import tempfile
from collections.abc import Generator, Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.file_order import MarkedFile, in_order_of_beginning

# A shell that starts the tests in the background has them ignore Ctrl-C, and all that they start; some tests send it.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A slow machine must not fail a test; hypothesis' deadline and its check for slow data would.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("patient"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "patient")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Keep the garbage collector from going through all modules and tests again and again: they stay to the end."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files in the order of `file_order`; the tests of each keep their own."""
    tests: dict[str, list[pytest.Item]] = {}
    for item in items:
        tests.setdefault(item.nodeid.partition("::")[0], []).append(item)
    files = [_as_marked(path, own[0].get_closest_marker("takes_s")) for path, own in tests.items()]
    items[:] = [item for file in in_order_of_beginning(files) for item in tests[file.path]]


def _as_marked(path: str, marker: pytest.Mark | None) -> MarkedFile:
    return MarkedFile(path) if marker is None else MarkedFile(path, *marker.args, **marker.kwargs)


@pytest.fixture(autouse=True, scope="session")
def _temporary_files_of_their_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Runs in tests go on beside others: the lock by which a machine has one at a time is among the temporary files."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(tmp_path_factory.mktemp("tmp")))
        patch.setattr(tempfile, "tempdir", None)  # which Python has read already, of runs in this very process
        yield


@pytest.fixture
def collector_as_it_was() -> Iterator[None]:
    """Give this process back its garbage collector as the test found it."""
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.enable()
    gc.unfreeze()
