"""The stored parts of one weight, by their names, and the weight that they make."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from tensorpeek.loaders.codec import Codec
from tensorpeek.loaders.dtypes import DTYPES
from tensorpeek.loaders.hf_quantization.matrix import PERIOD, Matrix, Packing
from tensorpeek.loaders.hf_quantization.weight_codec import TURNED_BAND
from tensorpeek.loaders.quantization import Quantization
from tensorpeek.loaders.storage import Storage
from tensorpeek.loaders.tensor import Tensor

MAX_TURNED = TURNED_BAND // PERIOD
"""Columns beyond which a turned matrix could only be read a word at a time."""

MAX_SMALL = 1 << 16
"""Bytes of a part that may be read while a file is listed: a shape, a little JSON."""


class MisfitError(Exception):
    """Why parts do not make a weight, as one clause."""


class UnknownSchemeError(MisfitError):
    """The name of a scheme that is not known: its parts may be sound."""


@dataclass(frozen=True, eq=False, slots=True)
class Weight:
    """A weight put together. Without a ``codec`` the part ``plain`` holds its codes."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    parts: tuple[Tensor, ...]
    quantization: Quantization
    codec: Codec | None = None
    plain: Tensor | None = None


@dataclass(eq=False, slots=True)
class Layer:
    """The tensors whose names begin with ``base``, which ends in a dot or is empty."""

    base: str
    by_name: Mapping[str, Tensor]
    used: list[Tensor] = field(default_factory=list)

    def find(self, label: str) -> Tensor | None:
        """Return the part ``label`` and count it as used, None if there is none.

        Raises MisfitError when it has no values.
        """
        found = self.by_name.get(self.base + label)
        if found is not None and found.error is not None:
            raise MisfitError(f"{label} cannot be read")
        if found is not None and found not in self.used:
            self.used.append(found)
        return found

    def need(self, label: str) -> Tensor:
        """Return the part ``label``. Raises MisfitError when there is none or it has no values."""
        found = self.find(label)
        if found is None:
            raise MisfitError(f"there is no {label}")
        return found


def flat_shape(part: Tensor) -> tuple[int, int]:
    """Return the shape of a part as a matrix: all axes but the last are its rows."""
    if len(part.shape) < 2:
        return 1, part.params
    return math.prod(part.shape[:-1]), part.shape[-1]


def place_of(part: Tensor, *, two_per_byte: bool = False) -> tuple[Storage, int]:
    """Return where the bytes of a part lie: a storage, and the first byte in it.

    Elements take whole bytes, or half ones if ``two_per_byte``. Raises MisfitError when it has no
    values, or not in the order and the size of its shape.
    """
    layout, bits = part.layout, part.element.bits
    if part.error is not None or part.storage is None or layout is None:
        raise MisfitError(f"{part.label} cannot be read")
    is_whole = not bits % 8 if not two_per_byte else bits == 4 and not layout.offset % 2
    if not layout.is_contiguous or layout.byteorder == "big" or not is_whole:
        raise MisfitError(f"{part.label} is not stored row by row")
    offset = layout.offset * bits // 8
    if offset + part.element.nbytes(part.params) > part.storage.nbytes:
        raise MisfitError(f"{part.label} reaches past its storage")
    return part.storage, offset


@dataclass(frozen=True, slots=True)
class StoredAs:
    """How a part holds a matrix: its own ``shape`` as one, packing, and the order of the axes.

    Only if ``padded`` may it hold more along its last axis.
    """

    shape: tuple[int, int] | None = None
    packing: Packing | None = None
    turned: bool = False
    padded: bool = False


PLAIN = StoredAs()
"""Row by row, without packing or padding."""


def matrix_of(part: Tensor, rows: int, columns: int, form: StoredAs = PLAIN) -> Matrix:
    """Return the ``rows`` by ``columns`` values that a part holds. Raises MisfitError."""
    storage, offset = place_of(part)
    stored, packing = form.shape or flat_shape(part), form.packing
    need = [columns, rows] if form.turned else [rows, columns]
    if packing is not None:
        need[packing.along] = -(-need[packing.along] * packing.bits // part.element.bits)
    fits = stored[1] >= need[1] if form.padded else stored[1] == need[1]
    if stored[0] != need[0] or not fits or math.prod(stored) != part.params:
        raise MisfitError(f"{part.label} has the shape {list(part.shape)}, not {need}")
    if form.turned and columns > MAX_TURNED:
        raise MisfitError(f"it has {columns:,} input features")
    return Matrix(storage, offset, stored, part.dtype, rows, columns, packing, form.turned)


def reshaped(part: Tensor, rows: int, columns: int) -> Matrix:
    """Return all values of a part, row by row, as a matrix. Raises MisfitError."""
    return matrix_of(part, rows, columns, StoredAs((rows, columns)))


def bytes_matrix(part: Tensor, columns: int, packing: Packing) -> Matrix:
    """Return one row of packed codes that fill the bytes of a part, of whatever type it is.

    Raises MisfitError.
    """
    storage, offset = place_of(part)
    nbytes = part.params * part.element.bits // 8
    if nbytes != -(-columns * packing.bits // 8):
        raise MisfitError(f"{part.label} has {nbytes:,} bytes for {columns:,} codes")
    return Matrix(storage, offset, (1, nbytes), "uint8", 1, columns, packing)


def small_content(part: Tensor) -> bytes:
    """Read a part of at most 64 KiB. Raises MisfitError and LoadError."""
    storage, offset = place_of(part)
    nbytes = part.element.nbytes(part.params)
    if nbytes > MAX_SMALL:
        raise MisfitError(f"{part.label} has {nbytes:,} bytes")
    with storage.open() as read:
        return bytes(read(offset, offset + nbytes))


def need_type(part: Tensor, *types: str) -> None:
    """Raise MisfitError unless a part has one of ``types``."""
    if part.dtype not in types:
        raise MisfitError(f"{part.label} has the type {part.dtype}")


def result_type(scale: str) -> str:
    """Return the type of values that have scales of type ``scale``: that, or float32."""
    return scale if scale in {"float16", "bfloat16"} else "float32"


def need_float(part: Tensor) -> None:
    """Raise MisfitError unless a part holds floats of 16 or 32 bits."""
    need_type(part, "float16", "bfloat16", "float32")


def derived(part: Tensor, shape: tuple[int, ...], dtype: str, codec: Codec) -> Tensor:
    """Return a part as its values are meant: its scales in the weight's units, its zero points."""
    return Tensor(
        name=part.name,
        layer=part.layer,
        label=part.label,
        role=part.role,
        shape=shape,
        dtype=dtype if dtype in DTYPES else "float32",
        codec=codec,
        stored_nbytes=part.nbytes,
        source=part.source,
    )
