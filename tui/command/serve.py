"""The ``serve`` command: the app in a browser."""

from __future__ import annotations

import socket
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from tensorpeek.tui.command.console import complain
from tensorpeek.tui.command.exit_codes import ExitCode
from tensorpeek.tui.command.start_app import checked_settings


def serve_app(paths: Sequence[str], host: str, port: int) -> ExitCode:
    """Serve the app on ``paths`` until it is told to end. Raises UsageError."""
    if find_spec("textual_serve") is None:
        complain("serve", "needs textual-serve: pip install 'tensorpeek[web]'")
        return ExitCode.USAGE
    checked_settings()  # or each page would end before it is drawn
    chosen = [str(Path(path).resolve()) for path in paths]
    missing = [path for path in chosen if not Path(path).exists()]
    for path in missing:
        complain(path, "no such file")
    if missing:
        return ExitCode.UNREADABLE
    try:
        listener = socket.create_server((host, port))
    except (OSError, OverflowError) as error:
        complain(f"{host}:{port}", str(getattr(error, "strerror", None) or error).lower())
        return ExitCode.USAGE
    from tensorpeek.tui.serving.guard import is_loopback
    from tensorpeek.tui.serving.server import AppServer

    if not is_loopback(host):
        complain("serve", "whoever reaches this address can read these models")
    place = f"http://{host}:{listener.getsockname()[1]}"
    print(f"tensorpeek: {place} (Ctrl+C ends it)", file=sys.stderr, flush=True)  # noqa: T201
    AppServer(chosen, host).run(listener)
    return ExitCode.OK
