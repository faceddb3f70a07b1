"""The ``config`` command: where the settings are, what they are, and whether they are right."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tensorpeek.tui.command.console import answer_console, complain
from tensorpeek.tui.command.document import print_lists
from tensorpeek.tui.command.exit_codes import ExitCode
from tensorpeek.tui.settings.key_names import check_keys, keys_by_screen, own_keys
from tensorpeek.tui.settings.settings import Settings
from tensorpeek.tui.settings.settings_file import SettingsError, read_settings, settings_path


def print_settings(path: Path | None, *, as_json: bool) -> ExitCode:
    """Print the settings of the user's file, or of the file at ``path``, and check all of them."""
    place = path or settings_path()
    if path is not None and not path.exists():
        complain("config", f"{path}: no such file")
        return ExitCode.USAGE
    try:
        settings = read_settings(place)
        _check(settings)
    except SettingsError as error:
        complain("config", str(error))
        return ExitCode.USAGE
    except ValueError as error:
        complain("config", f"{place}: {error}")
        return ExitCode.USAGE
    if as_json:
        print_lists("config", {"path": str(place), "exists": place.exists(), **_tables(settings)})
    else:
        _print_document(place, settings)
    return ExitCode.OK


def _check(settings: Settings) -> None:
    """Look up what the file names. Raises ValueError."""
    from tensorpeek.analysis.diagnosis.thresholds import check_thresholds
    from tensorpeek.tui.themes import theme_names

    if settings.theme is not None and settings.theme not in theme_names():
        raise ValueError(f"no theme '{settings.theme}'; there are: {', '.join(theme_names())}")
    check_keys(settings.keys)
    check_thresholds(settings.thresholds)


def _tables(settings: Settings) -> dict[str, Any]:
    from dataclasses import asdict

    from tensorpeek.analysis.diagnosis.thresholds import check_thresholds
    from tensorpeek.tui.themes import theme_names

    return {
        "theme": settings.theme or theme_names()[0],
        "view": settings.view,
        "bins": settings.bins,
        "models": settings.models,
        "thresholds": asdict(check_thresholds(settings.thresholds)),
        "keys": _keys(settings.keys),
    }


def _keys(keys: Mapping[str, str]) -> dict[str, str]:
    named = (each for found in keys_by_screen().values() for each in own_keys(found, keys))
    return {binding.id: binding.key for binding in named if binding.id}


def _print_document(place: Path, settings: Settings) -> None:
    """Print the settings as the file that would bring them about."""
    from rich.text import Text

    from tensorpeek.loaders.clean import clean

    console = answer_console()
    state = "" if place.exists() else " (not there: these are the defaults)"
    console.print(Text(f"# {clean(str(place))}{state}"), soft_wrap=True)
    tables = _tables(settings)
    thresholds, keys = tables.pop("thresholds"), tables.pop("keys")
    lines = [f"{name} = {_value(value)}" for name, value in tables.items()]
    for title, table in (("thresholds", thresholds), ("keys", keys)):
        lines += ["", f"[{title}]"]
        lines += [f"{_name(name)} = {_value(value)}" for name, value in table.items()]
    for line in lines:
        console.print(Text(clean(line)), soft_wrap=True)


def _name(name: str) -> str:
    return name if name.replace("_", "").isalnum() else f'"{name}"'


def _value(value: Any) -> str:  # noqa: ANN401 (a text, a number or a list of numbers)
    import json

    return json.dumps(list(value) if isinstance(value, tuple) else value)
