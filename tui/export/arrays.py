"""Write NumPy's formats: .npy for one tensor, .npz for several."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Sequence
from typing import IO, BinaryIO

import numpy as np
from numpy.lib import format as npy_format

from tensorpeek.analysis import Stop
from tensorpeek.tui.export.item import Item, little_endian

Advance = Callable[[int], None]
"""Told after each chunk how many elements were written."""


def write_npy(items: Sequence[Item], stream: BinaryIO, advance: Advance, stop: Stop) -> None:
    """Write one tensor as NumPy's format 1.0 or 2.0, in C order."""
    (item,) = items
    _write_array(item, stream, advance, stop)


def write_npz(items: Sequence[Item], stream: BinaryIO, advance: Advance, stop: Stop) -> None:
    """Write each tensor as a member ``NAME.npy`` of a zip file that is not compressed."""
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for item in items:
            name = f"{member_name(item.tensor.name)}.npy"
            with archive.open(name, "w", force_zip64=True) as member:
                _write_array(item, member, advance, stop)


def member_name(name: str) -> str:
    """Return a name under which a member of a zip file stays inside any folder."""
    parts = name.replace("\\", "/").split("/")
    return "/".join("_" if part in {"", ".", ".."} else part for part in parts)


def _write_array(item: Item, stream: IO[bytes], advance: Advance, stop: Stop) -> None:
    kind = item.array_type.newbyteorder("<")
    header = io.BytesIO()
    facts = {
        "descr": npy_format.dtype_to_descr(kind),
        "fortran_order": False,
        "shape": item.tensor.shape,
    }
    write_header = (
        npy_format.write_array_header_1_0
        if len(str(facts)) < 60_000  # its length has 16 bits
        else npy_format.write_array_header_2_0
    )
    write_header(header, facts)
    stream.write(header.getvalue())
    for chunk in item.chunks(stop):
        stream.write(little_endian(chunk.astype(np.dtype(kind), copy=False)))
        advance(chunk.size)
