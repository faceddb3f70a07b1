"""Turn the arrays of a Flax checkpoint into tensors."""

from __future__ import annotations

import math
from collections.abc import Iterable

from tensorpeek.loaders.clean import clean
from tensorpeek.loaders.dtypes import DTYPES
from tensorpeek.loaders.flax_format.chunked_arrays import Joined, Pieces
from tensorpeek.loaders.flax_format.walk import Path
from tensorpeek.loaders.layout import Layout
from tensorpeek.loaders.naming import role_of, unique_names
from tensorpeek.loaders.storage import FileSpan, Storage
from tensorpeek.loaders.tensor import Tensor

_COLLECTIONS = ("params", "batch_stats")
_OPTIMIZER = ("opt_state", "optimizer_state", "param_states")
_WRAPPERS = ("value", "raw_value")
_STATISTICS = {"mean": "running mean", "var": "running variance"}


def list_tensors(arrays: Iterable[Joined], whole: FileSpan) -> tuple[Tensor, ...]:
    """Make tensors of the arrays in the file ``whole``, in the same order; values are read later.

    A name is the path in the tree; the layer leaves out the collection (params, batch_stats), so
    that a normalization's scale and its running mean stand together.
    """
    listed = list(arrays)
    names = unique_names("/".join(one.path) for one in listed)
    return tuple(_tensor(one, name, whole) for one, name in zip(listed, names, strict=True))


def _tensor(one: Joined, name: str, whole: FileSpan) -> Tensor:
    layout = Layout.contiguous(one.shape)
    error, storage = one.error, _storage(one, whole)
    known = DTYPES.get(one.dtype)
    if error is None and (known is None or known.bits < 8):  # NumPy writes int4 in half a byte each
        error = f"element type {clean(one.dtype, 60)} is not supported"
    elif error is None and known is not None:
        need = known.nbytes(math.prod(one.shape))
        if need != storage.nbytes:
            error = f"its shape needs {need:,} bytes, it has {storage.nbytes:,}"
    layer, label, role = _place(one, name)
    return Tensor(
        name=name,
        layer=layer,
        label=label,
        role=role,
        shape=one.shape,
        dtype=one.dtype if known is not None else "uint8",
        storage=storage if error is None else None,
        layout=layout if error is None else None,
        stored_nbytes=storage.nbytes,
        error=error,
        source=whole.path,
    )


def _storage(one: Joined, whole: FileSpan) -> Storage:
    if len(one.places) != 1:
        return Pieces(whole, one.places)
    offset, nbytes = one.places[0]
    return FileSpan(whole.path, offset, nbytes, whole.identity)


def _place(one: Joined, name: str) -> tuple[str, str, str]:
    """Return layer, label and role."""
    path = one.path[:-1] if len(one.path) > 1 and one.path[-1] in _WRAPPERS else one.path
    parts = path
    while len(parts) > 1 and parts[0] in _COLLECTIONS:
        parts = parts[1:]
    last = parts[-1] if parts else name
    label = clean(last) or name
    layer = clean("/".join(parts[:-1])) or label
    return layer, label, _role(path, last, scalar=one.scalar)


def _role(path: Path, label: str, *, scalar: bool) -> str:
    if any(part in _OPTIMIZER for part in path):
        return "optimizer state"
    if scalar:
        return "constant"
    if "batch_stats" in path:
        return _STATISTICS.get(label, "buffer")
    return "weight" if label == "scale" else role_of(label)
