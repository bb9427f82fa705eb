"""Servers allow themselves as many open files as the system lets them have."""

from __future__ import annotations

import pytest

from servers.listening import raise_descriptor_limit

resource = pytest.importorskip("resource", reason="Windows has no such limit")


@pytest.mark.parametrize(
    ("limits", "system_allows", "expected"),
    [
        ((1024, 20_000), 20_000, 20_000),
        ((20_000, 20_000), 20_000, None),
        ((256, -1), 10**9, 1_048_576),
        ((256, -1), 100_000, 65_536),
        ((256, -1), 10_240, 10_240),
        ((256, -1), 256, None),
        ((80_000, -1), 100_000, None),
        ((-1, -1), 100_000, None),
    ],
)
def test_the_most_that_the_system_grants_is_taken(
    monkeypatch: pytest.MonkeyPatch, limits: tuple[int, int], system_allows: int, expected: int | None
) -> None:
    """As on macOS: the hard limit is infinite, and whoever asks for infinity, or for too many, is refused."""
    granted: list[int] = []

    def set_limit(_: int, wanted: tuple[int, int]) -> None:
        assert wanted[1] == limits[1]
        if wanted[0] == resource.RLIM_INFINITY or wanted[0] > system_allows:
            raise ValueError("Invalid argument")
        granted.append(wanted[0])

    infinity = resource.RLIM_INFINITY
    monkeypatch.setattr(resource, "getrlimit", lambda _: tuple(infinity if n == -1 else n for n in limits))
    monkeypatch.setattr(resource, "setrlimit", set_limit)
    raise_descriptor_limit()
    assert granted == ([] if expected is None else [expected])
