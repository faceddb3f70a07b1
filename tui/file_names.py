"""File names as they are shown: a file may be named to steer a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def shown_name(path: Path) -> str:
    """Return a file's name, safe to show."""
    return shown_text(path.name)


def shown_text(text: str) -> str:
    """Return a text with everything that could steer a terminal written as an escape."""
    from tensorpeek.loaders.clean import clean  # late: the loaders import NumPy

    return clean(text)


def path_labels(paths: Sequence[Path]) -> dict[str, str]:
    """Return a short label for each path: its name, with its folder where names repeat."""
    names = [path.name for path in paths]
    return {
        str(path): shown_text(
            path.name if names.count(path.name) == 1 else f"{path.parent.name}/{path.name}"
        )
        for path in paths
    }
