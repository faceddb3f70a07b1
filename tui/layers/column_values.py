"""What a column holds for every tensor, to sort and to compare by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from tensorpeek.tui.layers.columns import Column
from tensorpeek.tui.layers.inventory import Inventory
from tensorpeek.tui.layers.ledger import Ledger

if TYPE_CHECKING:
    from tensorpeek.analysis import Summary

Values = Sequence[Any]
"""One value for each tensor in file order, None where there is none (yet); they compare."""


def column_values(column: Column, inventory: Inventory, ledger: Ledger) -> Values:
    """Return the values of a column; names and types as keys that compare as a person does."""
    fact = _FACTS.get(column.name)
    if fact is not None:
        return fact(inventory)
    if column.kind == "figures":
        return _figures(column.name, ledger)
    measures = ledger.sqnr if column.kind == "sqnr" else ledger.condition
    return [None if measure is None else measure.value for measure in measures]


def nonfinite(summary: Summary) -> int:
    """Return how many elements are NaN or infinite."""
    return summary.count - summary.finite


def _figures(name: str, ledger: Ledger) -> Values:
    if name == "zeros":
        return [None if figures is None else figures.zeros_percent for figures in ledger.figures]
    summaries = [None if figures is None else figures.summary for figures in ledger.figures]
    if name == "nan":
        return [None if summary is None else nonfinite(summary) for summary in summaries]
    attribute = _ATTRIBUTES[name]
    return [None if summary is None else getattr(summary, attribute) for summary in summaries]


def _bits(inventory: Inventory) -> Values:
    pairs = zip(inventory.stored_bits, inventory.params, strict=True)
    return [bits / params if params else None for bits, params in pairs]


_FACTS: dict[str, Callable[[Inventory], Values]] = {
    "number": lambda inventory: range(len(inventory)),
    "name": lambda inventory: inventory.natural_keys,
    "dtype": lambda inventory: [tensor.dtype for tensor in inventory.tensors],
    "shape": lambda inventory: [tensor.shape for tensor in inventory.tensors],
    "params": lambda inventory: inventory.params,
    "size": lambda inventory: inventory.nbytes,
    "bits": _bits,
}

_ATTRIBUTES = {"min": "minimum", "max": "maximum", "mean": "mean", "std": "std"}
