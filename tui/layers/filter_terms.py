"""The single conditions of a filter: each says which tensors of an inventory it is true of."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from fnmatch import translate

from tensorpeek.tui.layers.column_values import column_values
from tensorpeek.tui.layers.columns import Column
from tensorpeek.tui.layers.inventory import Inventory
from tensorpeek.tui.layers.ledger import Ledger

Flags = list[bool]
"""One truth for each tensor, in file order."""


@dataclass(frozen=True)
class Table:
    """What is filtered: the facts, what is measured, and the places of the marked tensors."""

    inventory: Inventory
    ledger: Ledger
    marked: Collection[int] = frozenset()


Term = Callable[[Table], Flags]


def everything(table: Table) -> Flags:
    """Be true of every tensor: what a condition means before it is written to its end."""
    return [True] * len(table.inventory)


def word(text: str) -> Term:
    """Look for a part of a name; if no name has it, for its letters in order. Case is ignored."""
    low = text.lower()
    letters = re.compile("".join(f"[^{re.escape(each)}]*{re.escape(each)}" for each in low))

    def term(table: Table) -> Flags:
        names = table.inventory.lowered
        flags = [low in name for name in names]
        return flags if any(flags) else [letters.match(name) is not None for name in names]

    return term


def pattern(text: str) -> Term:
    """Match whole names with ``*`` and ``?``. Case is ignored."""
    match = re.compile(translate(text.lower())).match
    return lambda table: [match(name) is not None for name in table.inventory.lowered]


def rows(ranges: Collection[tuple[int, int | None]]) -> Term:
    """Choose row numbers, from 1: closed ranges, with None up to the last row."""

    def term(table: Table) -> Flags:
        count = len(table.inventory)
        flags = [False] * count
        for first, last in ranges:
            end = count if last is None else min(last, count)
            start = min(max(first, 1), count + 1)
            flags[start - 1 : end] = [True] * max(end - start + 1, 0)
        return flags

    return term


def number(text: str) -> Term:
    """Choose the row of this number, and names that hold it as a whole number."""
    whole = re.compile(rf"(?<!\d){text}(?!\d)")
    row = int(text)

    def term(table: Table) -> Flags:
        names = enumerate(table.inventory.lowered, 1)
        return [
            place == row or (text in name and bool(whole.search(name))) for place, name in names
        ]

    return term


def dtype(text: str) -> Term:
    """Choose a type: its name or short name (bf16), a pattern, or how names begin."""
    wanted = text.lower()
    wanted = DTYPE_ALIASES.get(wanted, wanted)

    def term(table: Table) -> Flags:
        found = {tensor.dtype for tensor in table.inventory.tensors}
        match = re.compile(translate(wanted)).match
        chosen = {name for name in found if match(name.lower())}
        chosen = chosen or {name for name in found if name.lower().startswith(wanted)}
        return [tensor.dtype in chosen for tensor in table.inventory.tensors]

    return term


def role(text: str) -> Term:
    """Choose roles by how they begin; ``-`` and ``_`` stand for a space."""
    wanted = re.sub("[-_]", " ", text.lower())
    return lambda table: [each.role.startswith(wanted) for each in table.inventory.tensors]


def quantized(yes: bool) -> Term:  # noqa: FBT001 (reads as a sentence)
    """Choose tensors that are quantized, or those that are not."""
    return lambda table: [
        (each.quantization is not None) == yes for each in table.inventory.tensors
    ]


def marked(yes: bool) -> Term:  # noqa: FBT001
    """Choose tensors that are marked, or those that are not."""
    return lambda table: [(place in table.marked) == yes for place in range(len(table.inventory))]


def shape(lengths: tuple[int | None, ...]) -> Term:
    """Choose shapes by their leading axes; None stands for any length."""

    def fits(axes: tuple[int, ...]) -> bool:
        if len(axes) < len(lengths):
            return False
        return all(want in (None, have) for want, have in zip(lengths, axes, strict=False))

    return lambda table: [fits(tensor.shape) for tensor in table.inventory.tensors]


def comparison(column: Column, sign: str, limit: float) -> Term:
    """Compare a column with a number; false where nothing is measured (yet)."""
    compare = COMPARISONS[sign]

    def term(table: Table) -> Flags:
        values = column_values(column, table.inventory, table.ledger)
        return [value is not None and bool(compare(value, limit)) for value in values]

    return term


def negated(term: Term) -> Term:
    """Choose what another condition does not."""
    return lambda table: [not flag for flag in term(table)]


COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
    "=": operator.eq,
}

DTYPE_ALIASES = {
    "bf16": "bfloat16",
    "fp16": "float16",
    "f16": "float16",
    "half": "float16",
    "fp32": "float32",
    "f32": "float32",
    "fp64": "float64",
    "f64": "float64",
    "fp8": "float8*",
    "f8": "float8*",
    "e4m3": "float8_e4m3*",
    "e5m2": "float8_e5m2*",
    **{
        f"{sign}{bits}": f"{name}{bits}"
        for sign, name in (("i", "int"), ("u", "uint"))
        for bits in (2, 4, 8, 16, 32, 64)
    },
}
"""Short names of types as other tools have them."""
