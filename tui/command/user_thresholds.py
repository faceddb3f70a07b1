"""The limits by which commands judge: those of the settings file."""

from __future__ import annotations

from pathlib import Path

from tensorpeek.analysis.diagnosis import Thresholds
from tensorpeek.analysis.diagnosis.thresholds import check_thresholds
from tensorpeek.tui.settings.settings_file import SettingsError, read_settings, settings_path


def user_thresholds(path: Path | None) -> Thresholds:
    """Return the thresholds of a settings file, the user's by default. Raises SettingsError."""
    settings = read_settings(path)
    try:
        return check_thresholds(settings.thresholds)
    except ValueError as error:
        raise SettingsError(f"{path or settings_path()}: {error}") from error
