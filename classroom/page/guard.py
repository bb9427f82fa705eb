"""The guard of the page's app: who may send requests, and what a browser may do with the answers."""

from __future__ import annotations

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from classroom.allowed_hosts import Addresses
from classroom.refusals import RefusedError

_READING = frozenset({"GET", "HEAD"})


class PageGuard:
    """The ASGI app of the page's port: checks Host and Origin, and adds the security headers."""

    def __init__(self, app: ASGIApp, addresses: Addresses) -> None:
        self._app = app
        self._addresses = addresses

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check one request or WebSocket, and pass it on or refuse it."""
        try:
            host = self._admit(scope)
        except RefusedError as refusal:
            await refusal.response()(scope, receive, send)
            return
        if scope["type"] == "websocket":
            await self._app(scope, receive, send)
        else:
            try:
                await self._app(scope, receive, self._with_headers(send, host, scope["path"]))
            except ClientDisconnect:
                return  # the page was closed while it sent its request

    def _admit(self, scope: Scope) -> str:
        """Return the host name of a request from the classroom's own page; raise RefusedError for any other.

        A page sends no Origin header when it reads from its own server, so a read without one is admitted.
        """
        headers = scope["headers"]
        host = self._addresses.host_of(headers, self._addresses.page_port)
        is_read = scope["type"] == "http" and scope["method"] in _READING
        if not is_read or any(name == b"origin" for name, _ in headers):
            self._addresses.origin_of(headers, host)
        return host

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
