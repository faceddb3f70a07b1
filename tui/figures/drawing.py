"""Import matplotlib when a figure is asked for, and draw by settings that nothing else changes."""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tensorpeek.tui.figures.errors import FigureError
from tensorpeek.tui.figures.theme import FigureTheme

NEEDED = "figures need matplotlib: pip install 'tensorpeek[plot]'"

SALT = "tensorpeek"
"""What the names inside an SVG are made from: the same picture has the same names."""

_ONE_AT_A_TIME = threading.RLock()


def require_matplotlib() -> None:
    """Import matplotlib without a word on stderr. Raises FigureError when it is not there."""
    logging.getLogger("matplotlib").setLevel(logging.CRITICAL)
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError as error:
        raise FigureError(NEEDED) from error


@contextmanager
def drawing(theme: FigureTheme) -> Iterator[FigureTheme]:
    """Hold matplotlib's settings: our own, whatever the user's matplotlibrc says.

    No text is taken for mathematics or LaTeX. The settings are those of the whole process, so one
    figure is drawn at a time. Raises FigureError without matplotlib.
    """
    require_matplotlib()
    import matplotlib as mpl

    from tensorpeek.tui.figures.lettering import families

    with _ONE_AT_A_TIME, mpl.rc_context(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mpl.rcdefaults()
        settings: Any = theme.settings()
        mpl.rcParams.update(settings)
        mpl.rcParams.update(
            {
                "font.family": list(families()),
                "text.parse_math": False,
                "text.usetex": False,
                "axes.formatter.use_mathtext": False,
                "svg.hashsalt": SALT,
                "svg.fonttype": "path",
                "pdf.fonttype": 3,
            }
        )
        yield theme
