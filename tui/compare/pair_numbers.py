"""The numbers of one pair under its pictures."""

from __future__ import annotations

from rich.text import Text
from textual.app import RenderResult
from textual.geometry import Size
from textual.widget import Widget

from tensorpeek.tui.compare.messages import PairView


class PairNumbers(Widget):
    """Blocks of rows, as many side by side as fit; as high as they are."""

    def __init__(self, *, plain: bool, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._plain = plain
        self._view: PairView | None = None

    def show_view(self, view: PairView | None) -> None:
        """Show the numbers of a pair, or nothing."""
        self._view = view
        self.border_title = "" if view is None else "numbers"
        self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        """Return the lines that the blocks take on ``width`` columns."""
        return 1 if self._view is None else self._drawn(width).plain.count("\n") + 1

    def render(self) -> RenderResult:
        """Return the blocks."""
        return Text() if self._view is None else self._drawn(self.size.width)

    def _drawn(self, width: int) -> Text:
        from tensorpeek.tui.compare.pair_words import blocks_text, pair_blocks

        if self._view is None:
            return Text()
        quiet = "" if self._plain else self.app.theme_variables["plot-axis"]
        return blocks_text(pair_blocks(self._view), width, quiet)
