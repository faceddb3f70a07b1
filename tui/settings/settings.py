"""The settings file: one TOML document, every entry of it checked."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tensorpeek.tui.question import BINS_STEP, DEFAULT_BINS, MAX_BINS, MIN_BINS

if TYPE_CHECKING:
    from tensorpeek.loaders import View

VIEWS = ("dequantized", "raw")


@dataclass(frozen=True)
class Settings:
    """What a user prefers; each field is an entry of the file, absent ones keep these defaults.

    ``theme`` is a name (None: the app's dark one), ``view`` and ``bins`` are what the app begins
    with, ``models`` is the folder that opens when no path is given (``~`` is the home folder),
    ``keys`` maps the names of keys to the keys of the user, ``thresholds`` is what
    :func:`tensorpeek.analysis.diagnosis.check_thresholds` takes.
    """

    theme: str | None = None
    view: View = "dequantized"
    bins: int = DEFAULT_BINS
    models: str = "models"
    keys: Mapping[str, str] = field(default_factory=dict)
    thresholds: Mapping[str, Any] = field(default_factory=dict)


def parse_settings(text: str) -> Settings:
    """Read a settings document.

    The names of themes, keys and thresholds are not looked up here. Raises ValueError, with one
    clause that says what is wrong.
    """
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ValueError(f"not a TOML document ({error})") from error
    unknown = next((name for name in document if name not in _CHECKS), None)
    if unknown is not None:
        raise ValueError(f"unknown entry '{unknown}'; there are: {', '.join(_CHECKS)}")
    return Settings(**{name: _CHECKS[name](name, value) for name, value in document.items()})


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"'{name}' is not a text")
    return value


def _view(name: str, value: object) -> str:
    if value not in VIEWS:
        raise ValueError(f"'{name}' is none of {', '.join(VIEWS)}")
    return str(value)


def _bins(name: str, value: object) -> int:
    allowed = range(MIN_BINS, MAX_BINS + 1, BINS_STEP)
    if type(value) is not int or value not in allowed:
        raise ValueError(f"'{name}' is not one of {MIN_BINS}, {MIN_BINS + BINS_STEP} … {MAX_BINS}")
    return value


def _table(name: str, value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"'{name}' is not a table")  # noqa: TRY004 (a wrong document)
    return value


def _keys(name: str, value: object) -> dict[str, str]:
    return {key: _text(f"{name}.{key}", keys) for key, keys in _table(name, value).items()}


_CHECKS: dict[str, Callable[[str, object], Any]] = {
    "theme": _text,
    "view": _view,
    "bins": _bins,
    "models": _text,
    "keys": _keys,
    "thresholds": _table,
}
