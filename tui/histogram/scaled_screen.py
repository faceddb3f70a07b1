"""The part of a screen that shows the scales of quantized tensors."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from textual import events, on

from tensorpeek.tui.histogram import jobs
from tensorpeek.tui.histogram import messages as told
from tensorpeek.tui.histogram.scale_strip_plot import ScaleStripPlot
from tensorpeek.tui.screens.choosing_screen import PATIENCE
from tensorpeek.tui.screens.tab_screen import TabScreen
from tensorpeek.tui.session import Session

if TYPE_CHECKING:
    from tensorpeek.loaders import Tensor

ROOMY = 36
"""Lines of a terminal from which the strip is shown unless it was taken away."""

CRAMPED = 20
"""Lines below which there is no room for it."""


class ScaledScreen(TabScreen):
    """Shows or hides a :class:`ScaleStripPlot` and fills it in the background.

    Screens that derive from it call :meth:`place_strip` for each tensor and :meth:`ask_scales` once
    what matters more is on the screen.
    """

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._strip_wanted: bool | None = None
        self._scales_asked: tuple[Tensor, int] | None = None
        self._unmeasured: Tensor | None = None

    def place_strip(self) -> None:
        """Show the strip for a tensor with several scales, where it is wanted; stop old work."""
        tensor = self._choice.tensor
        if self._scales_asked is not None and self._scales_asked[0] is not tensor:
            self._background.cancel("scales")
            self._scales_asked = None
        height = self.app.size.height
        wanted = height >= ROOMY if self._strip_wanted is None else self._strip_wanted
        strip = self.query_one(ScaleStripPlot)
        has_scales = has_several_scales(tensor) and tensor is not self._unmeasured
        strip.display = has_scales and wanted and height >= CRAMPED

    def give_up_strip(self) -> None:
        """Hide the strip of a tensor that could not be read."""
        self._unmeasured = self._choice.tensor
        self.place_strip()

    def ask_scales(self) -> None:
        """Gather the scales of the current tensor for the strip, unless that was asked already."""
        tensor, columns = self._choice.tensor, self.query_one(ScaleStripPlot).columns
        if tensor is None or not columns:
            return
        asked = self._scales_asked
        if asked is not None and asked[0] is tensor and asked[1] == columns:
            return
        self._scales_asked = (tensor, columns)
        self._background.submit("scales", jobs.gather_scales(tensor, columns))
        self.set_timer(PATIENCE, partial(self.forget_strip, "gathering …"))

    def forget_strip(self, words: str = "") -> None:
        """Take the scales of another tensor off the screen."""
        strip = self.query_one(ScaleStripPlot)
        if strip.tensor is not self._choice.tensor:
            strip.show_note(None, words)

    @on(told.ScalesGathered)
    def take_scales(self, event: told.ScalesGathered) -> None:
        """Draw the scales."""
        if event.tensor is self._choice.tensor:
            self.query_one(ScaleStripPlot).show_strip(event.tensor, event.strip)

    @on(told.ScalesFailed)
    def show_scales_failure(self, event: told.ScalesFailed) -> None:
        """Say why there are no scales."""
        if event.tensor is self._choice.tensor:
            self.query_one(ScaleStripPlot).show_note(event.tensor, event.reason, is_error=True)

    @on(events.Resize)
    def place_strip_again(self) -> None:
        """Follow the height of the terminal."""
        if self.query(ScaleStripPlot):
            self.place_strip()

    def action_scales(self) -> None:
        """Show the strip or take it away, for this tensor and those to come."""
        strip = self.query_one(ScaleStripPlot)
        self._strip_wanted = not strip.display
        self.place_strip()
        if self._strip_wanted and not strip.display:
            self.notify(f"the strip of scales needs {CRAMPED} lines", severity="warning")


def has_several_scales(tensor: Tensor | None) -> bool:
    """Say whether a tensor that can be read has more than one scale; reads nothing."""
    if tensor is None or tensor.quantization is None or tensor.error is not None:
        return False
    quantization = tensor.quantization
    if quantization.scale is not None:
        return quantization.scale.params > 1
    return quantization.within is not None and quantization.groups(tensor.shape) > 1
