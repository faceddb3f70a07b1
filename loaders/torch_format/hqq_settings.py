"""The settings that HQQ keeps beside the codes of a layer in ``qmodel.pt``, as small tensors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tensorpeek.loaders.layout import Layout
from tensorpeek.loaders.storage import Inline
from tensorpeek.loaders.torch_format.facts import Facts, is_whole, whole_numbers

_PACKING, _GROUP = "packing", "group_size"
_SIGNS = frozenset({"W_q", "unpack_view_dtype", "quant_scale"})
"""Keys without one of which a dictionary with a packing and a shape is something else."""

_NUMBERS = ("axis", _GROUP, "nbits")
_FLAGS = ("quant_scale", "quant_zero", "view_as_float")
_MAX_ITEMS = 64
_MAX_TEXT = 64


@dataclass(frozen=True, slots=True)
class Setting:
    """What HQQ's ``encode_safetensor_type`` makes of a number, a shape, a flag or a text."""

    values: tuple[int, ...]
    dtype: str = "int64"

    def facts(self) -> Facts:
        """Return the tensor, whose values lie in memory."""
        content = np.array(self.values, f"<{np.dtype(self.dtype).str[1:]}").tobytes()
        shape = (len(self.values),)
        return Facts(self.dtype, shape, Inline(content), Layout.contiguous(shape))


def hqq_settings(pairs: Sequence[tuple[object, object]]) -> Iterator[tuple[str, Setting]]:
    """Yield the settings in the state of an ``HQQLinear``, or in the ``meta`` of an older one.

    Other dictionaries give nothing. A layer without groups has one in each line along its axis.
    """
    if len(pairs) > _MAX_ITEMS:
        return
    held = {key: value for key, value in pairs if isinstance(key, str)}
    packing, shape = held.get(_PACKING), whole_numbers(held.get("shape"))
    if _SIGNS.isdisjoint(held) or not isinstance(packing, str) or not shape:
        return
    yield "shape", Setting(shape)
    yield _PACKING, Setting(tuple(packing[:_MAX_TEXT].encode("latin-1", "replace")), "uint8")
    for key in _NUMBERS:
        value, axis = held.get(key), held.get("axis")
        if key == _GROUP and value is None and is_whole(axis) and 0 <= axis < len(shape) == 2:
            value = shape[axis]
        if is_whole(value):
            yield key, Setting((value,))
    for key in _FLAGS:
        value = held.get(key)
        if isinstance(value, bool):
            yield key, Setting((int(value),), "uint8")
