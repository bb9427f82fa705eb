from __future__ import annotations

import pytest

from system.descriptor_limits import Refusal, raise_limit_to, raise_limit_to_most

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
    raise_limit_to_most()
    assert granted == ([] if expected is None else [expected])


@pytest.mark.parametrize(
    ("limits", "files", "expected", "granted"),
    [
        ((256, 4096), 200, None, []),
        ((256, 4096), 4096, None, [(4096, 4096)]),
        ((256, 4096), 4097, Refusal(4096, "the hard limit of open files is 4096"), []),
        ((-1, -1), 10**9, None, []),
        ((256, -1), 10**6, Refusal(256, "this system lets no process have more than 256"), []),
    ],
)
def test_the_limit_is_raised_as_far_as_is_asked_and_no_farther(
    monkeypatch: pytest.MonkeyPatch,
    limits: tuple[int, int],
    files: int,
    expected: Refusal | None,
    granted: list[tuple[int, int]],
) -> None:
    found: list[tuple[int, int]] = []

    def set_limit(_: int, wanted: tuple[int, int]) -> None:
        if wanted[0] > 100_000:
            raise ValueError("Invalid argument")
        found.append(wanted)

    infinity = resource.RLIM_INFINITY
    monkeypatch.setattr(resource, "getrlimit", lambda _: tuple(infinity if n == -1 else n for n in limits))
    monkeypatch.setattr(resource, "setrlimit", set_limit)
    assert raise_limit_to(files) == expected
    assert found == granted
