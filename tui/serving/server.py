"""Serve the app through textual-serve, with a page that loads nothing from elsewhere."""

from __future__ import annotations

import shlex
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiohttp_jinja2
from aiohttp import web
from textual_serve.server import Server

from tensorpeek.tui.serving.guard import guard

TEMPLATES = Path(__file__).parent / "templates"
MOST_SESSIONS = 16
"""Pages open at a time: each is a process."""


class AppServer(Server):
    """Runs the app on ``paths`` for each page that is opened at ``host``."""

    def __init__(self, paths: Sequence[str], host: str) -> None:
        words = [sys.executable, "-m", "tensorpeek.tui.serving.served_app", *paths]
        super().__init__(shlex.join(words), host, title="tensorpeek", templates_path=TEMPLATES)
        self._sessions = 0

    async def _make_app(self) -> web.Application:
        app = await super()._make_app()
        app.middlewares.append(guard(self.host))
        return app

    async def on_startup(self, app: web.Application) -> None:
        """Say nothing: the command has said where the page is."""

    @aiohttp_jinja2.template("app_index.html")
    async def handle_index(self, request: web.Request) -> dict[str, Any]:
        """Fill in the page; its addresses are those under which it was asked for."""
        return {"websocket": f"ws://{request.host}/ws", "title": self.title}

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        """Run the app for one page, unless too many are open."""
        if self._sessions >= MOST_SESSIONS:
            raise web.HTTPServiceUnavailable(text="too many pages are open")
        self._sessions += 1
        try:
            return await super().handle_websocket(request)
        finally:
            self._sessions -= 1

    def run(self, listener: socket.socket) -> None:
        """Serve on a socket until Ctrl+C or SIGTERM."""
        web.run_app(self._make_app(), sock=listener, print=None, handle_signals=True)
