"""The page of a figure: a title, facts beneath it, and room for the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tensorpeek.tui.figures.errors import FigureError
from tensorpeek.tui.figures.figure_options import MOST_PIXELS
from tensorpeek.tui.figures.lettering import lettered, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text

    from tensorpeek.tui.figures.draft import Draft
    from tensorpeek.tui.figures.theme import FigureTheme

MARGIN = 0.3
"""Inches around everything."""

TITLE, FACT = 13.0, 9.0
"""Sizes of letters in points."""

LINE = 0.19
"""Inches from one line of facts to the next."""

HEAD = 0.62
"""Inches from the top to the first line of facts."""


@dataclass(frozen=True, eq=False)
class Page:
    """A figure with its header; ``top`` and ``bottom`` are the ends of its room, 0 to 1."""

    figure: Figure
    theme: FigureTheme
    top: float
    bottom: float
    notes: tuple[Text, ...] = ()

    @property
    def inches(self) -> tuple[float, float]:
        """Width and height."""
        width, height = self.figure.get_size_inches()
        return float(width), float(height)

    def tell(self, words: str) -> None:
        """Write the first of the notes, of words that were not known when the page was begun."""
        fit_text(self.notes[0], lettered(words), self.inches[0] - 2 * MARGIN)

    def arrange(self, *, padding: float = 0.12) -> None:
        """Place the axes by themselves in the room, with a margin."""
        width, _ = self.inches
        side = (MARGIN - 0.12) / width
        room = (side, self.bottom, 1 - 2 * side, self.top - self.bottom)
        self.figure.set_layout_engine(
            "constrained", rect=room, w_pad=padding, h_pad=padding / 2, wspace=0.03, hspace=0.05
        )


def begin_page(
    draft: Draft,
    title: str,
    facts: Sequence[str],
    *,
    size: tuple[float, float],
    notes: Sequence[str] = (),
) -> Page:
    """Return a new page: title, lines of facts, and notes in small letters at the bottom.

    ``size`` is in inches, for when none was asked for. Raises FigureError for too many pixels.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    options, theme = draft.options, draft.theme
    width, height = options.size or size
    if width * height * options.dpi**2 > MOST_PIXELS:
        raise FigureError(f"more than {MOST_PIXELS:,} pixels: give a smaller --size or --dpi")
    figure = Figure(figsize=(width, height), dpi=options.dpi)
    FigureCanvasAgg(figure)
    room = width - 2 * MARGIN
    left = MARGIN / width
    head = figure.text(
        left, 1 - 0.2 / height, "", fontsize=TITLE, fontweight="bold", va="top", ha="left"
    )
    fit_text(head, lettered(options.title or title), room)
    for index, fact in enumerate(facts):
        place = 1 - (HEAD - 0.13 + index * LINE) / height
        line = figure.text(left, place, "", fontsize=FACT, color=theme.muted, va="top", ha="left")
        fit_text(line, lettered(fact), room)
    written = []
    for index, note in enumerate(reversed(notes)):
        place = (0.14 + index * LINE) / height
        line = figure.text(left, place, "", fontsize=8, color=theme.muted, va="bottom", ha="left")
        fit_text(line, lettered(note), room)
        written.append(line)
    used = HEAD - 0.05 + LINE * len(facts)
    below = 0.1 + LINE * len(notes)
    return Page(
        figure,
        theme,
        max(1 - used / height, 0.2),
        min(below / height, 0.15),
        tuple(reversed(written)),
    )


def fit_text(text: Text, words: str, inches: float, *, cut_end: bool = False) -> None:
    """Write words into a text, with their middle (or end) left out beyond ``inches``."""
    figure = text.get_figure(root=True)
    dpi = 100.0 if figure is None else float(figure.dpi)
    text.set_text(words)
    length = len(words)
    for _ in range(6):
        taken = text.get_window_extent().width / dpi
        if taken <= inches or length <= 2:
            return
        length = max(min(int(length * inches / taken), length - 1), 2)
        text.set_text(words[: length - 1] + "…" if cut_end else shortened(words, length))


def note_instead(axes: Axes, words: str, theme: FigureTheme) -> None:
    """Show words in the place of a plot."""
    axes.set_axis_off()
    axes.text(
        0.5, 0.5, lettered(words), color=theme.muted, ha="center", va="center", fontsize=FACT,
        transform=axes.transAxes,
    )  # fmt: skip


def unframe(axes: Axes) -> None:
    """Leave out frame and ticks."""
    axes.grid(visible=False)
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)
