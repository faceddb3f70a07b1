"""The bottom line: the most used keys, which can be clicked too."""

from __future__ import annotations

from itertools import groupby

from rich.style import Style
from rich.text import Text
from textual.app import RenderResult
from textual.binding import Binding
from textual.widget import Widget
from textual.widgets import Input

from tensorpeek.tui.key_help import key_text

PALETTE = ("^p", "palette", "app.command_palette")
FIELD_KEYS = (("Enter", "apply"), ("Tab", "next field"), ("Esc", "back to the plot"))
"""Shown instead while a field is being typed in."""

DISPENSABLE = (
    "scales",
    "copy",
    "log",
    "tensor.next",
    "range",
    "bins.more",
    "bins.fewer",
    "fold.all",
    "sort.reverse",
    "open",
    *("kernels.larger", "kernels.smaller", "kernels.scale", "kernels.order"),
    *("compare.bins.more", "compare.bins.fewer", "compare.mark", "compare.exchange"),
    *("compare.order", "kernels.mode", "kernels.input.previous", "kernels.input.next"),
    *("spectrum.log", "mark", "risk.scale"),
)
"""Keys left out, in this order, where the line is too short for all."""


class KeyBar(Widget):
    """Shows the bindings of the screen that are to be shown and have a use now."""

    def on_mount(self) -> None:
        """Follow the bindings: a key may have no use for some tensors."""
        self.screen.bindings_updated_signal.subscribe(self, self._follow)
        self.watch(self.screen, "focused", self._follow, init=False)

    def _follow(self, _: object) -> None:
        self.refresh()

    def render(self) -> RenderResult:
        """Return the keys and what they do, as many as fit, and the palette's key at the right."""
        palette = self._key(PALETTE[0], PALETTE[2]) + Text(PALETTE[1])
        left_out: list[str] = []
        line = self._line(left_out)
        for name in DISPENSABLE:
            if line.cell_len + palette.cell_len > self.size.width:
                left_out.append(name)
                line = self._line(left_out)
        line.pad_right(max(self.size.width - line.cell_len - palette.cell_len, 0))
        return line.append_text(palette)

    def _line(self, left_out: list[str]) -> Text:
        line = Text(no_wrap=True, overflow="crop")
        if isinstance(self.screen.focused, Input):
            for keys, label in FIELD_KEYS:
                line.append_text(self._key(keys, "")).append(f"{label}  ")
            return line
        shown = [binding for binding in self._shown() if binding.id not in left_out]
        for _, group in groupby(shown, key=lambda binding: binding.group or binding.id):
            bindings = list(group)
            label = bindings[0].description
            if bindings[0].group is not None:
                label = bindings[0].group.description
            for binding in bindings:
                line.append_text(
                    self._key(binding.key_display or key_text(binding), f"screen.{binding.action}")
                )
            line.append(f"{label}  ")
        return line

    def _shown(self) -> list[Binding]:
        """Return the bindings that are to be shown, each once, in the screen's order."""
        shown: dict[str | None, Binding] = {}
        for active in self.screen.active_bindings.values():
            binding = active.binding
            if active.enabled and binding.show and active.node is self.screen:
                shown.setdefault(binding.id, binding)
        order = [key.id for key in self.screen.BINDINGS if isinstance(key, Binding)]
        return sorted(shown.values(), key=lambda binding: order.index(binding.id))

    def _key(self, keys: str, action: str) -> Text:
        meta = {"@click": action.replace("screen.app.", "app.")} if action else None
        color = self.app.theme_variables["primary"]
        return Text.assemble((keys, Style(color=color, bold=True, meta=meta)), " ")
