"""The environment of a trial's processes: the user's, without variables that configure the programs in them."""

from __future__ import annotations

import os
from collections.abc import Mapping

_SETTING_PREFIXES = (
    "LOCUST_",  # every option of its command line
    "GEVENT",  # another event loop or resolver, a monitoring thread
    "GREENLET_",
    "PYTHON",  # other modules, other memory allocators, debug modes, warnings as errors, bytecode that is not kept
    "PYDANTIC_",
    "UVICORN_",
    "WEBSOCKETS_",  # limits, and the names in its headers, which are bytes on the wire
)
_SETTINGS = frozenset({"WEB_CONCURRENCY", "FORWARDED_ALLOW_IPS"})
"""Settings of uvicorn without its prefix."""
_PROXY = "_PROXY"
"""HTTP_PROXY, all_proxy, …: the measured traffic uses no proxy."""


def without_settings(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment for a process of a trial, a worker or the web UI, without the user's settings for them."""
    return {name: value for name, value in environment.items() if not _is_setting(name.upper())}


def _is_setting(name: str) -> bool:
    return name.startswith(_SETTING_PREFIXES) or name in _SETTINGS or name.endswith(_PROXY)
