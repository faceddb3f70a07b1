"""The view in which each model was last looked at, kept from one run to the next."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from tensorpeek.tui.command.atomic_write import atomic_write
from tensorpeek.tui.settings.settings import VIEWS

if TYPE_CHECKING:
    from tensorpeek.loaders import View

PLACE_VARIABLE = "TENSORPEEK_STATE_DIR"
MOST = 500
"""Models that are remembered; those not seen for longest leave."""

LARGEST = 1 << 20


class LastViews:
    """Remembers views by the path of the model; what cannot be read or written is forgotten."""

    def __init__(self, folder: Path | None) -> None:
        self._path = None if folder is None else folder / "views.json"
        self._views: dict[str, View] = {}
        self._is_read = False
        self._is_changed = False

    def view_of(self, path: Path) -> View | None:
        """Return the view in which a model was last looked at, None if it is not known."""
        self._read()
        return self._views.get(str(path.resolve()))

    def remember(self, path: Path, view: View) -> None:
        """Take in the view of a model that is looked at."""
        self._read()
        name = str(path.resolve())
        if self._views.get(name) != view:
            self._views.pop(name, None)
            self._views[name] = view
            self._is_changed = True

    def save(self) -> None:
        """Write what is new; without a folder to write to, nothing is kept."""
        if self._path is None or not self._is_changed:
            return
        newest = dict(list(self._views.items())[-MOST:])
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with atomic_write(self._path) as stream:
                json.dump(newest, stream, indent=1)
        except OSError:
            return

    def _read(self) -> None:
        if self._is_read:
            return
        self._is_read = True
        try:
            if self._path is None or self._path.stat().st_size > LARGEST:
                return
            document = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return
        if isinstance(document, dict):
            self._views = {name: view for name, view in document.items() if view in VIEWS}


def state_folder() -> Path | None:
    """Return where the app remembers things; None when $TENSORPEEK_STATE_DIR is empty."""
    named = os.environ.get(PLACE_VARIABLE)
    if named is not None:
        return Path(named) if named else None
    import platformdirs

    return platformdirs.user_state_path("tensorpeek", appauthor=False)
