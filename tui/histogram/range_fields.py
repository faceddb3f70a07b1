"""The fields for the number of bins and for the selected range, checked as they are entered."""

from __future__ import annotations

import math
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.geometry import Size
from textual.reactive import Reactive
from textual.widget import Widget
from textual.widgets import Button, Input, Label, Static

from tensorpeek.tui.histogram.messages import BinsChosen, RangeApplied
from tensorpeek.tui.question import BINS_STEP, MAX_BINS, MIN_BINS
from tensorpeek.tui.type_ahead import caught_up


class Field(Input):
    """A short input; Escape leads back to the plot, and so does Enter if the entry is right.

    Both are priority keys, so that what is typed right after them goes to the plot.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Back to the plot", show=False, priority=True, id="field.leave"),
        Binding("enter", "enter", "Use the entry", show=False, priority=True, id="field.enter"),
    ]

    virtual_size = Reactive(Size(0, 0), layout=False)
    """The size of the entry, which scrolls in a field of the same width: it moves nothing else."""

    async def action_leave(self) -> None:
        """Give the keys back to the plot."""
        await self.run_action("screen.focus_plot")

    async def action_enter(self) -> None:
        """Use what is entered and leave, or stay where it is wrong."""
        await caught_up(self)
        fields = self.query_ancestor(RangeFields)
        if fields.use_bins() if self.id == "bins" else fields.use_range():
            await self.action_leave()


class RangeFields(Vertical):
    """Bins, Min, Max and Apply on one line; what is wrong with them below.

    It is empty until :meth:`show_fields`, as the menus are: the first frame is sooner there.
    """

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._bins = ""
        self._range = ("", "")
        self._are_shown = False

    async def show_fields(self) -> None:
        """Lay out the fields and the line for errors; until then what is to be in them waits."""
        fields = [
            (Label("Bins", classes="field-name"), Field(id="bins", compact=True, max_length=3)),
            (Label("Min", classes="field-name"), Field(id="low", compact=True, max_length=40)),
            (Label("Max", classes="field-name"), Field(id="high", compact=True, max_length=40)),
        ]
        line: list[Widget] = [widget for pair in fields for widget in pair]
        apply = Button("Apply", id="apply", compact=True)
        apply.active_effect_duration = 0  # else a second press within 0.2 seconds would be lost
        line.append(apply)
        await self.mount(Horizontal(*line, id="fields"), Static(id="field-error", markup=False))
        self._are_shown = True
        self._field("bins").value = self._bins
        self._field("low").value, self._field("high").value = self._range

    def show_bins(self, bins: int) -> None:
        """Put the number of bins into its field."""
        self._bins = str(bins)
        if self._are_shown:
            self._field("bins").value = self._bins
            self._mark("bins", None)

    def show_range(self, low: str, high: str) -> None:
        """Put a range into its fields."""
        self._range = low, high
        if self._are_shown:
            self._field("low").value, self._field("high").value = low, high
            self._mark("low", None)

    def offer_range(self, low: str, high: str) -> None:
        """Put a range into its fields, unless another one is being typed there."""
        if not self._are_shown:
            self._range = low, high
            return
        fields = self._field("low"), self._field("high")
        is_edited = (fields[0].value, fields[1].value) != self._range
        if not (is_edited and self.screen.focused in fields):
            self.show_range(low, high)

    def focus_range(self) -> None:
        """Put the cursor into the first field of the range."""
        if self._are_shown:
            self.screen.set_focus(self._field("low"))

    @on(Button.Pressed, "#apply")
    async def apply_range(self, event: Button.Pressed) -> None:
        """Use the range, or mark the field that is wrong."""
        event.stop()
        if self.use_range():
            await self.run_action("screen.focus_plot")

    def use_range(self) -> bool:
        """Check the range and tell the screen, or mark the field that is wrong."""
        low, high = self._field("low").value.strip(), self._field("high").value.strip()
        if "," in low:  # "min,max" in one field
            low, _, high = (part.strip() for part in low.partition(","))
        checked = check_range(low, high)
        if not isinstance(checked, RangeApplied):
            self._mark(*checked)
            return False
        self.show_range(low, high)
        self.post_message(checked)
        return True

    def use_bins(self) -> bool:
        """Check the number of bins and tell the screen, or mark the field."""
        entry = self._field("bins").value
        reason = bins_problem(entry)
        if reason is not None:
            self._mark("bins", reason)
            return False
        self.show_bins(int(entry))
        self.post_message(BinsChosen(int(entry)))
        return True

    @on(Input.Blurred, "#bins")
    def restore_bins(self, event: Input.Blurred) -> None:
        """Forget an entry that was not submitted."""
        event.stop()
        if self._field("bins").value != self._bins:
            self.show_bins(int(self._bins))

    def _field(self, name: str) -> Field:
        return self.query_one(f"#{name}", Field)

    def _mark(self, name: str, reason: str | None) -> None:
        for field in self.query(Field):
            field.set_class(reason is not None and field.id == name, "-wrong")
        line = self.query_one("#field-error", Static)
        line.display = reason is not None
        if reason is not None:
            field = self._field(name)
            line.update(f"{_NAMES[name]}: {reason}")
            line.styles.margin = (0, 0, 0, max(field.region.x - self.region.x, 0))
            self.screen.set_focus(field)


_NAMES = {"bins": "Bins", "low": "Min", "high": "Max"}


def bins_problem(text: str) -> str | None:
    """Return why ``text`` is no number of bins, None if it is one."""
    allowed = f"{MIN_BINS} to {MAX_BINS} in steps of {BINS_STEP}"
    if not text.strip():
        return f"empty: {allowed}"
    if not text.strip().isdecimal():
        return f"not a whole number: {allowed}"
    value = int(text)
    return None if value in range(MIN_BINS, MAX_BINS + 1, BINS_STEP) else f"only {allowed}"


def check_range(low: str, high: str) -> RangeApplied | tuple[str, str]:
    """Return the range that two texts mean, or the wrong field (``low``, ``high``) and why."""
    values = []
    for name, text in (("low", low), ("high", high)):
        if not text:
            return name, "empty: enter a number"
        try:
            value = float(text)
        except ValueError:
            return name, "not a number"
        if math.isnan(value):
            return name, "NaN is not a limit"
        values.append(value)
    if values[0] > values[1]:
        return "low", "greater than Max"
    return RangeApplied(values[0], values[1])
