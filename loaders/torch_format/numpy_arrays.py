"""NumPy arrays within a pickle: their values lie in the pickle itself."""

from __future__ import annotations

import math
from dataclasses import replace

from tensorpeek.loaders.dtypes import DTYPES
from tensorpeek.loaders.inert_pickle.values import Global, Record
from tensorpeek.loaders.layout import Layout
from tensorpeek.loaders.numpy_format.element import ELEMENTS
from tensorpeek.loaders.storage import Storage
from tensorpeek.loaders.storage_part import Block, Recoded
from tensorpeek.loaders.torch_format.facts import Facts, failed, whole_numbers
from tensorpeek.loaders.torch_format.held_bytes import held_bytes


def numpy_array(record: Record, pickle: Block) -> Facts:
    """Read a record of an array, in either of its two forms.

    Its state is (version, shape, dtype, Fortran order, content), or from protocol 5 on its
    arguments are (content, dtype, shape, order). ``pickle`` is the block of bytes in which the
    pickle lies, and with it long content.
    """
    state, arguments = record.state, record.arguments
    if isinstance(state, tuple) and len(state) == 5:
        return _array(pickle, state[1], state[2], state[4], columns=state[3] is True)
    if isinstance(arguments, tuple) and len(arguments) == 4:
        return _array(pickle, arguments[2], arguments[1], arguments[0], columns=arguments[3] == "F")
    return failed("is a NumPy array without its content")


def _array(pickle: Block, sizes: object, kind: object, value: object, *, columns: bool) -> Facts:
    shape, dtype = whole_numbers(sizes), _element(kind)
    if dtype is None or shape is None or min(shape, default=0) < 0:
        return failed("is a NumPy array of an unknown type")
    need = DTYPES[dtype].nbytes(math.prod(shape))
    content = _content(value, pickle, need)
    if content is None:
        return failed("is a NumPy array without its content", dtype)
    layout = Layout.contiguous(shape)
    if columns:
        layout = Layout(shape, Layout.contiguous(shape[::-1]).strides[::-1])
    if _swapped(kind):
        layout = Layout(layout.shape, layout.strides, 0, "big")
    if need != content.nbytes:
        return failed("is a NumPy array whose content has another size", dtype)
    return Facts(dtype, shape, content, layout)


def _content(value: object, pickle: Block, need: int) -> Storage | None:
    """Return where the ``need`` bytes of an array lie."""
    held = held_bytes(value, pickle)
    place = None if held is None else held.lies
    if isinstance(place, Recoded):  # a character of Latin-1 takes one byte of UTF-8 or two
        return replace(place, nbytes=need) if need <= place.nbytes <= 2 * need else None
    return place


def _element(value: object) -> str | None:
    if not isinstance(value, Record) or value.callee != Global("numpy", "dtype"):
        return None
    arguments = value.arguments
    if not isinstance(arguments, tuple) or not arguments or not isinstance(arguments[0], str):
        return None
    return ELEMENTS.get(arguments[0].lstrip("<>|="))


def _swapped(value: object) -> bool:
    """Whether the dtype's state says big-endian."""
    state = value.state if isinstance(value, Record) else None
    return isinstance(state, tuple) and len(state) > 1 and state[1] == ">"
