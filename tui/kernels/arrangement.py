"""How the filters of a kernel are shown: what of them, in which order, in which scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from tensorpeek.tui.question import Subject

Mode = Literal["each", "mean", "peak", "input"]
"""What a tile shows: all inputs of a 1 × 1 filter, their mean, largest magnitude, or one input."""

Order = Literal["file", "norm", "similarity"]

ORDERS: tuple[Order, ...] = ("file", "norm", "similarity")

MOST_ZOOM = 12


@dataclass(frozen=True)
class KernelSubject:
    """One tensor of one model in one view, its axes read in one order."""

    subject: Subject
    layout: str


@dataclass
class Arrangement:
    """What the keys have set; ``zoom`` None takes what fits the screen best."""

    mode: Mode = "mean"
    input: int = 0
    order: Order = "file"
    per_tile: bool = False
    depth: int = 0
    zoom: int | None = None

    def next_order(self) -> None:
        """Go to the next order."""
        self.order = ORDERS[(ORDERS.index(self.order) + 1) % len(ORDERS)]

    def mode_words(self, inputs: int) -> str:
        """Return what a tile shows."""
        if inputs == 1:
            return "its one input" if self.mode != "peak" else "magnitude of its one input"
        return {
            "each": f"all {inputs:,} inputs side by side",
            "mean": f"mean over {inputs:,} inputs",
            "peak": f"largest magnitude over {inputs:,} inputs",
            "input": f"input {self.input:,} of {inputs:,}",
        }[self.mode]


def modes(*, is_pointwise: bool) -> tuple[Mode, ...]:
    """Return the modes there are: filters of one place have their inputs as a picture."""
    return ("each", "mean", "peak", "input") if is_pointwise else ("mean", "peak", "input")
