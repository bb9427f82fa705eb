"""The environment of a trial's processes: the user's own, without what sets up the programs in them for other work."""

from __future__ import annotations

import os
from collections.abc import Mapping

_SETTINGS_OF = (
    "LOCUST_",  # every option of its command line
    "GEVENT",  # another event loop or resolver, a monitoring thread
    "GREENLET_",
    "PYTHON",  # other modules, other memory allocators, debug modes, warnings as errors, bytecode that is not kept
    "PYDANTIC_",
    "UVICORN_",
    "WEBSOCKETS_",  # limits, and the names in its headers, which are bytes on the wire
)
_SETTINGS = frozenset({"WEB_CONCURRENCY", "FORWARDED_ALLOW_IPS"})
"""Read by uvicorn."""
_PROXY = "_PROXY"
"""HTTP_PROXY, all_proxy, …: nothing that is measured goes through one."""


def without_settings(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment as every process of a trial, a worker or the web UI gets it, whatever else a user works on."""
    return {name: value for name, value in environment.items() if not _is_setting(name.upper())}


def _is_setting(name: str) -> bool:
    return name.startswith(_SETTINGS_OF) or name in _SETTINGS or name.endswith(_PROXY)
