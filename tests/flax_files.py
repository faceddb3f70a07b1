"""Write checkpoints as flax.serialization does, restated with msgpack alone.

``msgpack_serialize`` packs an array as extension 1 with the packed triple (shape, name of the type,
bytes), a complex number as extension 2, a NumPy scalar as extension 3; an array of more than
``MAX_CHUNK_SIZE`` bytes becomes a dict of its shape and of flat chunks, each keyed 0, 1, ...
"""

from __future__ import annotations

from typing import Any

import msgpack
import numpy as np
from numpy.typing import NDArray


def serialize(tree: dict[str, Any]) -> bytes:
    """The bytes of a checkpoint."""
    return msgpack.packb(tree, default=_extension, strict_types=True)


def triple(values: NDArray[Any]) -> bytes:
    """An array as the content of an extension."""
    content = (values.shape, values.dtype.name, values.tobytes("C"))
    return msgpack.packb(content, use_bin_type=True)


def split(values: NDArray[Any], size: int) -> dict[str, Any]:
    """An array as Flax splits it, in chunks of ``size`` elements."""
    flat = values.reshape(-1)
    chunks = [flat[start : start + size] for start in range(0, flat.size, size)]
    return {
        "__msgpack_chunked_array__": True,
        "shape": {str(index): length for index, length in enumerate(values.shape)},
        "chunks": {str(index): chunk for index, chunk in enumerate(chunks)},
    }


def _extension(value: object) -> object:
    if isinstance(value, np.ndarray):
        return msgpack.ExtType(1, triple(value))
    if isinstance(value, np.generic):
        return msgpack.ExtType(3, triple(np.asarray(value)))
    if isinstance(value, complex):
        return msgpack.ExtType(2, msgpack.packb((value.real, value.imag)))
    return value
