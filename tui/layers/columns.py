"""The columns of the table of tensors: what they are called, what they mean, how wide they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["figures", "sqnr", "condition"]
"""What is measured at once: a pass over the values, a simulated rounding, a spectrum."""

KINDS: tuple[Kind, ...] = ("figures", "sqnr", "condition")
"""From cheap to costly."""


@dataclass(frozen=True)
class Column:
    """A column; ``kind`` is what must be measured for it, None for facts of the file.

    ``width`` is in cells; texts stand at the left, numbers at the right.
    """

    name: str
    title: str
    meaning: str
    width: int
    is_text: bool = False
    kind: Kind | None = None
    is_sortable: bool = True


NUMBER = Column("number", "#", "Number in file order", 2)
NAME = Column("name", "Tensor", "Name", 16, is_text=True)

SCROLLED = (
    Column("dtype", "Type", "Type of a stored element", 7, is_text=True),
    Column("shape", "Shape", "Lengths of the axes", 9, is_text=True),
    Column("params", "Params", "Number of elements", 7),
    Column(
        "distribution",
        "Distribution",
        "16 bins from minimum to maximum, the fullest as high as the line",
        16,
        is_text=True,
        kind="figures",
        is_sortable=False,
    ),
    Column("min", "Min", "Smallest finite value", 9, kind="figures"),
    Column("max", "Max", "Largest finite value", 9, kind="figures"),
    Column("mean", "Mean", "Mean of the finite values", 9, kind="figures"),
    Column("std", "Std", "Standard deviation of the finite values", 9, kind="figures"),
    Column("zeros", "Zeros %", "Zeros in percent of all elements", 8, kind="figures"),
    Column("nan", "NaN, inf", "Elements that are NaN, and infinite ones", 9, kind="figures"),
    Column("sqnr", "SQNR dB", "SQNR of int8 with a scale for each channel", 8, kind="sqnr"),
    Column(
        "condition",
        "Condition",
        "Condition number as a matrix of output channels",
        10,
        kind="condition",
    ),
    Column("size", "Size", "Bytes in the file", 9),
    Column("bits", "Bits/w", "Stored bits with scales, for each element", 7),
)
"""What is scrolled sideways, in this order."""

COLUMNS = (NUMBER, NAME, *SCROLLED)

SORTABLE = tuple(column for column in COLUMNS if column.is_sortable)


def column_named(name: str) -> Column:
    """Return the column with this name."""
    return next(column for column in COLUMNS if column.name == name)
