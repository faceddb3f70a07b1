"""Save what is on the screen."""

from __future__ import annotations

import re
from itertools import count
from pathlib import Path

from textual.app import App


def save_picture(app: App[object], folder: Path) -> Path:
    """Write the screen as ``tensorpeek-N.svg`` into ``folder``; nothing is overwritten.

    Raises OSError when the folder cannot be written.
    """
    picture = without_remote_fonts(app.export_screenshot())
    for number in count(1):
        path = folder / f"tensorpeek-{number}.svg"
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(picture)
        except FileExistsError:
            continue
        return path
    raise AssertionError  # count() never ends


def without_remote_fonts(picture: str) -> str:
    """Drop the web fonts of an SVG: whoever opens it fetches nothing from elsewhere."""
    return re.sub(r"@font-face \{[^}]*\}\s*", "", picture)
