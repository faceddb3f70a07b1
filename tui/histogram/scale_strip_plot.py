"""The strip under the histogram: the scale of each channel, and which one is saturated most."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text
from textual import events, on
from textual.app import RenderResult
from textual.widget import Widget

from tensorpeek.tui.bar_columns import LEFT
from tensorpeek.tui.histogram.messages import StripResized

if TYPE_CHECKING:
    from tensorpeek.analysis import ScaleStrip
    from tensorpeek.loaders import Tensor


class ScaleStripPlot(Widget):
    """Draws the scales of one tensor."""

    def __init__(self, *, ascii_only: bool, plain: bool, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._ascii_only = ascii_only
        self._plain = plain
        self._tensor: Tensor | None = None
        self._strip: ScaleStrip | None = None
        self._note = Text()

    @property
    def columns(self) -> int:
        """Columns that there are for bars, 0 while the strip is hidden."""
        return max(self.size.width - LEFT, 0) if self.display else 0

    @property
    def tensor(self) -> Tensor | None:
        """The tensor whose scales are shown."""
        return self._tensor

    def show_strip(self, tensor: Tensor, strip: ScaleStrip) -> None:
        """Show the scales of a tensor."""
        from tensorpeek.tui.histogram.scale_strip_text import bars_note, scales_title

        self._tensor, self._strip = tensor, strip
        self.border_title, self.border_subtitle = scales_title(strip), bars_note(strip)
        self.refresh()

    def show_note(self, tensor: Tensor | None, words: str, *, is_error: bool = False) -> None:
        """Show words instead of scales."""
        self._tensor, self._strip = tensor, None
        self.border_title, self.border_subtitle = "scales", ""
        self._note = Text(words, self.app.theme_variables["error"] if is_error else "")
        self.refresh()

    def render(self) -> RenderResult:
        """Return the drawing."""
        if self._strip is None:
            return self._note
        from tensorpeek.tui.histogram.scale_strip_text import draw_scales

        drawn = draw_scales(
            self._strip,
            self.size.width,
            self.app.theme_variables,
            ascii_only=self._ascii_only,
            plain=self._plain,
        )
        return drawn or Text("too small for a plot")

    @on(events.Resize)
    @on(events.Show)
    def tell_columns(self) -> None:
        """Tell the screen: the scales are gathered for a width."""
        self.post_message(StripResized())
