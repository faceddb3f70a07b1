"""Who may talk to the server: pages that it served itself, under a name that it goes by."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


def guard(host: str) -> Middleware:
    """Return a middleware that refuses requests that other pages make in the user's browser.

    A page of another site may open a WebSocket to this machine, and a name of its own may be made
    to point here (DNS rebinding). So the origin of a request must be the host that it is sent to,
    and a server on a loopback address goes by the names of that only.
    """
    names = LOCAL_NAMES if is_loopback(host) else None

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if names is not None and urlsplit(f"//{request.host}").hostname not in names:
            raise web.HTTPForbidden(text="not a name of this server")
        origin = request.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc != request.host:
            raise web.HTTPForbidden(text="not a page of this server")
        return await handler(request)

    return check


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches a server on ``host``."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
