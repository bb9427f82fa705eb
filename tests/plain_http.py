"""Single HTTP requests to servers on loopback, each on a connection of its own.

They are httpx's own, without what it does for HTTPS and proxies: reading the system's certificates takes 40 ms of CPU
for each request, and a proxy that the environment names is not for loopback.
"""

from __future__ import annotations

import ssl
from functools import partial

import httpx

NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For httpx clients that never speak HTTPS."""

get = partial(httpx.get, verify=NO_CERTIFICATES, trust_env=False)
post = partial(httpx.post, verify=NO_CERTIFICATES, trust_env=False)
request = partial(httpx.request, verify=NO_CERTIFICATES, trust_env=False)
