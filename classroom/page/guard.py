"""The guard of the page's app: who may send requests, and what a browser may do with the answers."""

from __future__ import annotations

import json

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from classroom.allowed_hosts import Addresses

_READING = frozenset({"GET", "HEAD"})


class PageGuard:
    """The ASGI app of the page's port: checks Host and Origin, and adds the security headers."""

    def __init__(self, app: ASGIApp, addresses: Addresses) -> None:
        self._app = app
        self._addresses = addresses

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check one request or WebSocket, and pass it on or refuse it."""
        host = self._addresses.host_of(scope["headers"], self._addresses.page_port)
        if host is None:
            await _refuse(scope, receive, send, "the Host header does not name this classroom")
        elif not self._is_own(scope, host):
            await _refuse(
                scope, receive, send, f"the Origin must be the classroom's own page, {self._addresses.origin(host)}"
            )
        elif scope["type"] == "websocket":
            await self._app(scope, receive, send)
        else:
            try:
                await self._app(scope, receive, self._with_headers(send, host, scope["path"]))
            except ClientDisconnect:
                return  # the page was closed while it sent its request

    def _is_own(self, scope: Scope, host: str) -> bool:
        """Return whether a request is from our own page; reads without an Origin are, since browsers then send none."""
        reads = scope["type"] == "http" and scope["method"] in _READING
        if reads and not any(name == b"origin" for name, _ in scope["headers"]):
            return True
        return self._addresses.origin_of(scope["headers"], host) is not None

    def _with_headers(self, send: Send, host: str, path: str) -> Send:
        headers = security_headers(self._addresses, host)
        caching = b"no-store" if path.startswith("/api/") else b"no-cache"

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = list(message.get("headers", ()))
                message["headers"] = [*given, *headers]
                if not any(name == b"cache-control" for name, _ in given):
                    message["headers"].append((b"cache-control", caching))
            await send(message)

        return sending


def security_headers(addresses: Addresses, host: str) -> list[tuple[bytes, bytes]]:
    """Return headers that allow no other host, no inline script and no frame around the page.

    They isolate the page, so that its clock is fine-grained.
    """
    ports = (addresses.page_port, *addresses.lane_ports, addresses.lesson_port)
    connects = " ".join(f"http://{host}:{port} ws://{host}:{port}" for port in ports)
    policy = (
        "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
        f"font-src 'self'; connect-src 'self' {connects}; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
    return [
        (b"content-security-policy", policy.encode("latin-1")),
        (b"cross-origin-opener-policy", b"same-origin"),
        (b"cross-origin-embedder-policy", b"require-corp"),
        (b"cross-origin-resource-policy", b"same-origin"),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
    ]


async def _refuse(scope: Scope, receive: Receive, send: Send, detail: str) -> None:
    body = json.dumps({"detail": detail}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    prefix = "websocket.http" if scope["type"] == "websocket" else "http"
    if scope["type"] == "websocket":
        await receive()
    await send({"type": f"{prefix}.response.start", "status": 403, "headers": headers})
    await send({"type": f"{prefix}.response.body", "body": body})
