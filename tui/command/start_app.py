"""Open the app, once it is sure that there is something to show and a terminal to show it on."""

from __future__ import annotations

import gc
import glob
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

import click

from tensorpeek.tui.command.exit_codes import ExitCode
from tensorpeek.tui.command.first_screen import first_screen

DEFAULT_FOLDER = "models"

COLLECT_AFTER = (100_000, 10, 10)
"""When garbage is looked for: with Python's 700 new objects, a tenth of the start goes into it."""


def start_app(paths: Sequence[str], *, ascii_only: bool, theme: str | None) -> ExitCode:
    """Run the app on ``paths``, by default on ``./models``. Raises UsageError."""
    chosen = list(paths) or _default()
    missing = [path for path in chosen if not _may_exist(path)]
    if missing:
        _complain_of(missing)
        return ExitCode.UNREADABLE
    if theme is not None:
        _check_theme(theme)
    terminal = _terminal()
    gc.set_threshold(*COLLECT_AFTER)
    with first_screen(terminal):
        from tensorpeek.tui.app import run_app

        return ExitCode(run_app(chosen, ascii_only=ascii_only, theme=theme))


def _default() -> list[str]:
    if not Path(DEFAULT_FOLDER).is_dir():
        raise click.UsageError("no ./models folder here: give a file or a folder to open")
    return [DEFAULT_FOLDER]


def _may_exist(path: str) -> bool:
    try:
        return Path(path).exists() or glob.has_magic(path)
    except (OSError, ValueError):
        return False


def _complain_of(missing: list[str]) -> None:
    from tensorpeek.tui.command.console import complain

    for path in missing:
        complain(path, "no such file" + _guess(path))


def _guess(word: str) -> str:
    import difflib

    root = click.get_current_context().find_root()
    commands = root.command.list_commands(root) if isinstance(root.command, click.Group) else []
    close = difflib.get_close_matches(word, commands, 1)
    return f" (and no such command: did you mean '{close[0]}'?)" if close else ""


def _check_theme(theme: str) -> None:
    from textual.theme import BUILTIN_THEMES

    from tensorpeek.tui.themes import THEMES

    known = [*(own.name for own in THEMES), *BUILTIN_THEMES]
    if theme not in known:
        raise click.UsageError(f"no theme '{theme}'; there are: {', '.join(known)}")


def _terminal() -> TextIO:
    """Return stderr, where Textual draws. It would hang without a terminal there and at stdin."""
    error_stream = sys.__stderr__
    if error_stream is None or not (sys.stdin.isatty() and error_stream.isatty()):
        raise click.UsageError(
            "the app needs a terminal; for scripts: tensorpeek ls, stats or hist"
        )
    return error_stream
