"""Decode the header of one .npy array."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from tensorpeek.loaders.dtypes import DTYPES
from tensorpeek.loaders.layout import Layout, contiguous_strides
from tensorpeek.loaders.numpy_format.element import element_of
from tensorpeek.loaders.numpy_format.literal import LiteralProblem, parse_literal

MAGIC = b"\x93NUMPY"

MAX_HEADER = 10_000
"""Bytes of header beyond which NumPy, too, refuses an array unless told to trust it."""

USUAL_HEADER = 256
"""Bytes that the header of a plain array stays within: NumPy writes 128."""

MAX_DIMENSIONS = 64
MAX_SIZE = 1 << 63

_KEYS = {"descr", "fortran_order", "shape"}
_ENCODINGS = {(1, 0): (2, "latin-1"), (2, 0): (4, "latin-1"), (3, 0): (4, "utf-8")}


MAX_LONG = 1 << 18
"""Bytes of longer headers in one file beyond which they are not parsed: it takes time."""


class ArrayProblem(Exception):  # noqa: N818 (a clause about one array)
    """What is wrong with the header of an array, as one clause."""


@dataclass(frozen=True, slots=True)
class ArrayHeader:
    """What the header says: values begin ``start`` bytes into the array and take ``nbytes``.

    With an ``error`` there are no values that could be shown, and ``nbytes`` is 0.
    """

    start: int
    dtype: str
    layout: Layout
    nbytes: int
    error: str | None = None


@dataclass(slots=True)
class HeaderBudget:
    """The bytes of long headers that may still be parsed in one file."""

    left: int = MAX_LONG

    def spend(self, size: int) -> None:
        """Count a header of ``size`` bytes, if it is a long one. Raises ArrayProblem."""
        if size <= USUAL_HEADER:
            return
        self.left -= size
        if self.left < 0:
            raise ArrayProblem("not read: too many arrays of this file have long headers")


def decode_header(begin: Callable[[int], bytes], budget: HeaderBudget) -> ArrayHeader:
    """Decode a header of NumPy's format 1.0, 2.0 or 3.0 (numpy.lib.format).

    ``begin`` gives the first bytes of the array, at most as many as asked for. Raises ArrayProblem.
    """
    text, start = _text(begin, budget)
    try:
        fields = parse_literal(text)
    except LiteralProblem as error:
        raise ArrayProblem(f"damaged: its header {error}") from error
    if not isinstance(fields, dict) or fields.keys() != _KEYS:
        raise ArrayProblem("damaged: its header does not hold descr, fortran_order and shape")
    shape, fortran = fields["shape"], fields["fortran_order"]
    if not _are_sizes(shape) or not isinstance(fortran, bool):
        raise ArrayProblem("damaged: its header has no valid shape or order")
    if len(shape) > MAX_DIMENSIONS:
        raise ArrayProblem(f"damaged: has {len(shape):,} dimensions")
    if math.prod(length or 1 for length in shape) >= MAX_SIZE:
        raise ArrayProblem("damaged: its shape overflows")
    layout = _columns_first(shape) if fortran else Layout.contiguous(shape)
    found = element_of(fields["descr"])
    if isinstance(found, str):
        return ArrayHeader(start, "uint8", layout, 0, found)
    dtype, byteorder = found
    layout = Layout(layout.shape, layout.strides, 0, byteorder)
    return ArrayHeader(start, dtype, layout, DTYPES[dtype].nbytes(math.prod(shape)))


def _text(begin: Callable[[int], bytes], budget: HeaderBudget) -> tuple[str, int]:
    """Return the text of the header, and how many bytes lie before the values."""
    head = begin(USUAL_HEADER)
    if head[:6] != MAGIC:
        raise ArrayProblem("not an .npy array")
    if len(head) < 12:
        raise ArrayProblem("truncated within its header")
    encoding = _ENCODINGS.get((head[6], head[7]))
    if encoding is None:
        raise ArrayProblem(f"has the unknown format version {head[6]}.{head[7]}")
    width, name = encoding
    start = 8 + width + int.from_bytes(head[8 : 8 + width], "little")
    if start > MAX_HEADER:
        raise ArrayProblem(f"damaged: its header claims {start:,} bytes, more than {MAX_HEADER:,}")
    budget.spend(start)
    content = head if start <= len(head) else begin(start)
    if len(content) < start:
        raise ArrayProblem("truncated within its header")
    try:
        return content[8 + width : start].decode(name), start
    except UnicodeDecodeError as error:
        raise ArrayProblem("damaged: its header is not UTF-8") from error


def _are_sizes(shape: object) -> bool:
    return isinstance(shape, tuple) and all(
        type(length) is int and 0 <= length < MAX_SIZE for length in shape
    )


def _columns_first(shape: tuple[int, ...]) -> Layout:
    """Return the layout in which the first axis varies fastest (Fortran's order)."""
    return Layout(shape, tuple(reversed(contiguous_strides(shape[::-1]))))
