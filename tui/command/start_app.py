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
from tensorpeek.tui.settings.settings import Settings
from tensorpeek.tui.settings.settings_file import SettingsError, read_settings, settings_path

COLLECT_AFTER = (100_000, 10, 10)
"""When garbage is looked for: with Python's 700 new objects, a tenth of the start goes into it."""


def start_app(  # noqa: PLR0913 (how to run, all by keyword)
    paths: Sequence[str],
    *,
    ascii_only: bool,
    theme: str | None,
    watch: bool,
    no_cache: bool = False,
    plugins: Sequence[str] = (),
) -> ExitCode:
    """Run the app on ``paths``, by default on ``./models``. Raises UsageError."""
    settings = checked_settings(theme)
    chosen = list(paths) or _default(settings.models)
    missing = [path for path in chosen if not _may_exist(path)]
    if missing:
        _complain_of(missing)
        return ExitCode.UNREADABLE
    terminal = _terminal()
    gc.set_threshold(*COLLECT_AFTER)
    with first_screen(terminal):
        from tensorpeek.tui.app import run_app

        code = run_app(
            chosen,
            ascii_only=ascii_only,
            theme=theme,
            watch=watch,
            no_cache=no_cache,
            settings=settings,
            plugins=plugins,
        )
        return ExitCode(code)


def checked_settings(theme: str | None = None) -> Settings:
    """Return the user's settings, with all that they name looked up. Raises UsageError.

    ``theme`` is one that takes the place of the settings' own.
    """
    try:
        settings = read_settings()
    except SettingsError as error:
        raise click.UsageError(str(error)) from error
    _check_theme(theme or settings.theme)
    _check_keys(settings)
    return settings


def _default(models: str) -> list[str]:
    folder = Path(models).expanduser()
    if not folder.is_dir():
        shown = f"./{folder}" if not folder.is_absolute() else str(folder)
        raise click.UsageError(f"no {shown} folder here: give a file or a folder to open")
    return [str(folder)]


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


def _check_theme(theme: str | None) -> None:
    if theme is None:
        return
    from tensorpeek.tui.themes import theme_names

    if theme not in theme_names():
        raise click.UsageError(f"no theme '{theme}'; there are: {', '.join(theme_names())}")


def _check_keys(settings: Settings) -> None:
    if not settings.keys:
        return
    from tensorpeek.tui.settings.key_names import check_keys

    try:
        check_keys(settings.keys)
    except ValueError as error:
        raise click.UsageError(f"{settings_path()}: {error}") from error


def _terminal() -> TextIO:
    """Return stderr, where Textual draws. It would hang without a terminal there and at stdin."""
    error_stream = sys.__stderr__
    if error_stream is None or not (sys.stdin.isatty() and error_stream.isatty()):
        raise click.UsageError(
            "the app needs a terminal; for scripts: tensorpeek ls, stats or hist"
        )
    return error_stream
