"""Sparse tensors: their stored parts are listed as tensors of their own."""

from __future__ import annotations

from collections.abc import Iterable

from tensorpeek.loaders.inert_pickle.values import Global, Pickle, Record
from tensorpeek.loaders.torch_format.facts import whole_numbers

MAX_TOLD = 8
"""Sparse tensors of which the shape is told."""

SPARSE = frozenset(
    {
        Global("torch._utils", "_rebuild_sparse_tensor"),
        Global("torch._utils", "_rebuild_sparse_csr_tensor"),
    }
)
_ROWS, _COLUMNS = (
    ("crow_indices", "col_indices", "values"),
    ("ccol_indices", "row_indices", "values"),
)
_PARTS = {
    "sparse_coo": ("indices", "values"),
    "sparse_csr": _ROWS,
    "sparse_bsr": _ROWS,
    "sparse_csc": _COLUMNS,
    "sparse_bsc": _COLUMNS,
}


def sparse_parts(record: Record) -> list[tuple[str, object]] | None:
    """Return the names and records of what a sparse tensor stores; None for anything else.

    Its arguments are (layout, (indices, ..., values, size, ...)), as torch.Tensor's
    ``_reduce_ex_internal`` writes them.
    """
    layout = _layout(record)
    if layout is None or not isinstance(record.arguments, tuple):
        return None
    stored = record.arguments[1]
    names = _PARTS.get(layout, ())
    if not names or not isinstance(stored, tuple) or len(stored) <= len(names):
        return None
    return list(zip(names, stored, strict=False))


def sparse_tensors(pickles: Iterable[Pickle]) -> str:
    """Return layout and shape of the sparse tensors, a few of them; empty if there are none."""
    told = []
    for pickle in pickles:
        for record in pickle.records:
            parts = sparse_parts(record) if record.calls(SPARSE) else None
            if parts is not None and isinstance(record.arguments, tuple):
                shape = whole_numbers(record.arguments[1][len(parts)])
                told.append(f"{_layout(record)} {shape}")
    more = f" and {len(told) - MAX_TOLD:,} more" if len(told) > MAX_TOLD else ""
    return ", ".join(told[:MAX_TOLD]) + more


def _layout(record: Record) -> str | None:
    """Return the name of a sparse tensor's layout, such as ``sparse_coo``."""
    arguments = record.arguments
    if not record.calls(SPARSE) or not isinstance(arguments, tuple) or len(arguments) < 2:
        return None
    layout = arguments[0]
    if isinstance(layout, Record) and isinstance(layout.arguments, tuple) and layout.arguments:
        layout = layout.arguments[0]
    name = layout.name if isinstance(layout, Global) else layout
    return name.removeprefix("torch.") if isinstance(name, str) else None
