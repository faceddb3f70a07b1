"""Where the settings file is, and reading it."""

from __future__ import annotations

import os
from pathlib import Path

from tensorpeek.tui.settings.settings import Settings, parse_settings

PLACE_VARIABLE = "TENSORPEEK_CONFIG"
LARGEST = 1 << 20
"""Bytes above which a file is no settings file."""


class SettingsError(Exception):
    """The settings file cannot be used; the message is one line with its path."""


def settings_path() -> Path:
    """Return where the settings file is or would be: $TENSORPEEK_CONFIG, else the platform's."""
    named = os.environ.get(PLACE_VARIABLE)
    if named:
        return Path(named)
    import platformdirs

    return platformdirs.user_config_path("tensorpeek", appauthor=False) / "config.toml"


def read_settings(path: Path | None = None) -> Settings:
    """Read the settings file; without one there are the defaults. Raises SettingsError."""
    path = path or settings_path()
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except FileNotFoundError:
        return Settings()
    except OSError as error:
        raise SettingsError(f"{path}: {(error.strerror or str(error)).lower()}") from error
    if len(content) > LARGEST:
        raise SettingsError(f"{path}: too large for a settings file")
    try:
        return parse_settings(content.decode())
    except ValueError as error:  # UnicodeDecodeError is one
        raise SettingsError(f"{path}: {error}") from error
