"""Write a figure to a file: as a whole, and the same bytes for the same picture."""

from __future__ import annotations

import io
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from tensorpeek.analysis.stopping import Stop, check, never
from tensorpeek.tui.command.atomic_write import atomic_write_bytes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from tensorpeek.tui.figures.theme import FigureTheme

ENDINGS = (".png", ".svg", ".pdf", ".html")

METADATA: dict[str, dict[str, Any]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
"""What would tell one time of drawing from another is left out."""

PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" \
content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ margin: 0; background: {ground}; }}
svg {{ display: block; margin: 0 auto; max-width: 100%; height: auto; }}
</style></head><body>
{picture}</body></html>
"""


def path_problem(path: Path, *, force: bool) -> str | None:
    """Return in one clause why no figure can be written to ``path``, None if one can."""
    if path.suffix.lower() not in ENDINGS:
        return f"the name must end in one of {', '.join(ENDINGS)}"
    if path.is_dir():
        return "is a folder"
    if path.exists() and not force:
        return "exists already; --force replaces it"
    if not path.parent.is_dir():
        return "is in a folder that does not exist"
    return None


def write_figure(
    figure: Figure, path: Path, theme: FigureTheme, title: str, *, stop: Stop = never
) -> None:
    """Write a figure; the ending of ``path`` says how. Raises OSError and CancelledError.

    To be called while the settings of the figure are held.
    """
    kind = path.suffix.lower().removeprefix(".")
    with atomic_write_bytes(path) as stream:
        if kind == "html":
            stream.write(_html(figure, theme, title).encode("utf-8", "backslashreplace"))
        else:
            _save(figure, stream, kind)
        check(stop)


def _save(figure: Figure, stream: BinaryIO, kind: str) -> None:
    figure.savefig(stream, format=kind, dpi=figure.dpi, metadata=METADATA[kind])


def _html(figure: Figure, theme: FigureTheme, title: str) -> str:
    """Return a page that needs nothing else: no script, no network."""
    drawn = io.BytesIO()
    _save(figure, drawn, "svg")
    picture = drawn.getvalue().decode("utf-8")
    picture = picture[picture.index("<svg") :]
    return PAGE.format(title=escape(title), ground=theme.ground, picture=picture)
