"""What a user has set up for other work does not reach the processes of a trial."""

from __future__ import annotations

import pytest

from system.process_environment import without_settings


@pytest.mark.parametrize(
    "name",
    [
        "LOCUST_RUN_TIME", "LOCUST_HEADLESS", "GEVENT_LOOP", "GEVENTARES_FLAGS", "GREENLET_USE_GC",
        "PYTHONPATH", "PYTHONSTARTUP", "PYTHONWARNINGS", "PYTHONOPTIMIZE", "PYTHONHASHSEED", "PYTHONDONTWRITEBYTECODE",
        "PYTHONSAFEPATH", "PYTHONDEVMODE", "PYTHONASYNCIODEBUG", "PYTHONMALLOC", "PYDANTIC_DISABLE_PLUGINS",
        "UVICORN_WORKERS", "WEB_CONCURRENCY", "FORWARDED_ALLOW_IPS", "WEBSOCKETS_SERVER",
        "HTTP_PROXY", "https_proxy", "ALL_PROXY", "no_proxy",
    ],
)  # fmt: skip
def test_settings_of_the_programs_within_are_left_out(name: str) -> None:
    assert without_settings({name: "1", "PATH": "/bin"}) == {"PATH": "/bin"}


def test_everything_else_stays() -> None:
    kept = dict.fromkeys(("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "PUSH_VS_POLL_TRIAL"), "x")
    assert without_settings(kept) == kept
