"""What stands in the cells of the table, as text."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tensorpeek.tui.layers.column_values import nonfinite
from tensorpeek.tui.layers.columns import Column
from tensorpeek.tui.layers.inventory import is_easy
from tensorpeek.tui.layers.ledger import Ledger
from tensorpeek.tui.layers.module_tree import Totals
from tensorpeek.tui.layers.sparkline import sparkline
from tensorpeek.tui.number_text import number, size

if TYPE_CHECKING:
    from tensorpeek.analysis import Summary
    from tensorpeek.analysis.overview import Figures, Weighed
    from tensorpeek.loaders import Tensor

UNMEASURED, ABSENT, ON_DEMAND = "·", "–", "press c"
"""Not measured yet; no such measure; measured when asked for."""


@dataclass(frozen=True)
class Cells:
    """Writes the cells of the tensors of one model.

    ``exact`` writes numbers so that they are read back as they are.
    """

    ledger: Ledger
    ascii_only: bool = False
    exact: bool = False

    def text(self, column: Column, place: int, tensor: Tensor) -> str:
        """Return what stands in a column for the tensor at a place."""
        if column.kind == "figures":
            return self._figure(column.name, self.ledger.figures[place])
        if column.name == "sqnr":
            return self._weighed(self.ledger.sqnr[place], ".1f")
        if column.name == "condition":
            if self.ledger.condition[place] is None and not is_easy(tensor):
                return ON_DEMAND
            return self._weighed(self.ledger.condition[place], ".3g")
        return self._fact(column.name, tensor)

    def _fact(self, name: str, tensor: Tensor) -> str:
        from tensorpeek.analysis.overview import stored_bits

        if name == "dtype":
            return tensor.dtype
        if name == "shape":
            return shape_text(tensor.shape)
        if name == "params":
            return str(tensor.params) if self.exact else f"{tensor.params:,}"
        if name == "size":
            return str(tensor.nbytes) if self.exact else size(tensor.nbytes)
        return f"{stored_bits(tensor) / tensor.params:.2f}" if tensor.params else ABSENT

    def _figure(self, name: str, figures: Figures | None) -> str:
        if figures is None:
            return UNMEASURED
        summary = figures.summary
        if summary is None:
            return ABSENT
        if name == "distribution":
            return sparkline(figures.bins, ascii_only=self.ascii_only)
        if name == "zeros":
            share = figures.zeros_percent
            return ABSENT if share is None else _share(share, exact=self.exact)
        if name == "nan":
            return nonfinite_text(summary)
        values = {
            "min": summary.minimum,
            "max": summary.maximum,
            "mean": summary.mean,
            "std": summary.std,
        }
        return self._number(values[name])

    def _number(self, value: float | None) -> str:
        if value is None:
            return ABSENT
        if self.exact:
            return repr(value)
        text = number(value, 4)
        return number(float(value), 3) if len(text) > 9 else text

    def _weighed(self, measure: Weighed | None, style: str) -> str:
        if measure is None:
            return UNMEASURED
        if measure.value is None:
            return ABSENT
        if math.isinf(measure.value):
            return "inf"
        return repr(measure.value) if self.exact else format(measure.value, style)


def total_text(column: Column, totals: Totals) -> str:
    """Return what stands in a column for a whole module."""
    if column.name == "params":
        return f"{totals.params:,}"
    if column.name == "size":
        return size(totals.nbytes)
    if column.name == "bits":
        bits = totals.bits_per_weight
        return ABSENT if bits is None else f"{bits:.2f}"
    if column.name == "dtype":
        return f"{totals.tensors:,} tensor{'' if totals.tensors == 1 else 's'}"
    return ""


def shape_text(shape: tuple[int, ...]) -> str:
    """Return ``64×3×7×7``, or ``scalar``."""
    return "×".join(map(str, shape)) or "scalar"


def nonfinite_text(summary: Summary) -> str:
    """Return the number of NaN, and that of infinities if there are any: ``0``, ``3, 1 inf``."""
    infinite = nonfinite(summary) - summary.nan
    return f"{summary.nan:,}, {infinite:,} inf" if infinite else f"{summary.nan:,}"


def _share(percent: float, *, exact: bool) -> str:
    if exact:
        return repr(percent)
    if percent == 0 or percent >= 0.01:
        return f"{percent:.2f}"
    return f"{percent:.0e}"
