"""The numbers of one pair under its pictures."""

from __future__ import annotations

from rich.text import Text

from tensorpeek.tui.compare.messages import PairView
from tensorpeek.tui.widgets.lines import Lines


class PairNumbers(Lines):
    """Blocks of rows, as many side by side as fit; as high as they are."""

    def __init__(self, *, plain: bool, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._plain = plain
        self._view: PairView | None = None

    def show_view(self, view: PairView | None) -> None:
        """Show the numbers of a pair, or nothing."""
        self._view = view
        self.border_title = "" if view is None else "numbers"
        self.draw_again()

    def drawn(self, width: int) -> Text:
        """Return the blocks."""
        from tensorpeek.tui.compare.pair_words import blocks_text, pair_blocks

        if self._view is None:
            return Text()
        quiet = "" if self._plain else self.app.theme_variables["plot-axis"]
        return blocks_text(pair_blocks(self._view), width, quiet)
