"""Where the values of a TFLite tensor lie: in the flatbuffer, behind it, or in another file."""

from __future__ import annotations

import math
import stat
from pathlib import Path
from typing import NamedTuple

from tensorpeek.loaders.clean import clean
from tensorpeek.loaders.dtypes import DTYPES, DType
from tensorpeek.loaders.errors import LoadError
from tensorpeek.loaders.inside_folder import path_inside
from tensorpeek.loaders.layout import Layout
from tensorpeek.loaders.storage import FileIdentity, FileSpan, describe
from tensorpeek.loaders.tflite_format.flatbuffer import Table, Vector
from tensorpeek.loaders.tflite_format.graph import TensorRecord
from tensorpeek.loaders.tflite_format.schema import (
    TENSOR_TYPES,
    WITHOUT_VALUES,
    BufferField,
    ExternalField,
    ModelField,
)

LEAVES = "external buffer leaves the model's folder"


class Stored(NamedTuple):
    """The type of a tensor and the bytes of its values, or why they cannot be read."""

    dtype: str
    shape: tuple[int, ...]
    span: FileSpan | None = None
    error: str | None = None

    @property
    def element(self) -> DType:
        """The type of an element."""
        return DTYPES[self.dtype]

    @property
    def layout(self) -> Layout:
        """Row-major, as all of TFLite's tensors are."""
        return Layout.contiguous(self.shape)


class Buffers:
    """The buffers of one model, each looked at once."""

    def __init__(self, model: Table) -> None:
        self._model = model
        self._file = model.file
        self._vector: Vector | None = model.vector(ModelField.BUFFERS, 4)
        self._spans: dict[int, FileSpan | str | None] = {}
        self._files: dict[str, tuple[Path, FileIdentity] | str] = {}
        self._external: dict[int, Table] = {}
        self._groups = model.vector(ModelField.EXTERNAL_GROUPS, 4)
        for table in model.tables(ModelField.EXTERNAL_BUFFERS):
            self._external.setdefault(table.integer(ExternalField.ID, "I"), table)

    def find(self, record: TensorRecord) -> FileSpan | str | None:
        """Return the bytes of a tensor, why they cannot be had, or None if it has none."""
        return self.numbered(-record.external if record.external else record.buffer)

    def numbered(self, key: int) -> FileSpan | str | None:
        """Return a buffer by its number, an external one by the negative of its number."""
        if key == 0 and (self._vector is None or self._vector.count == 0):
            return None
        if key not in self._spans:
            try:
                self._spans[key] = self._beside(-key) if key < 0 else self._inside(key)
            except LoadError as error:
                self._spans[key] = error.reason
        return self._spans[key]

    def stored(self, record: TensorRecord) -> Stored | None:
        """Return where the values of a constant lie; None for a tensor that is computed."""
        found = self.find(record)
        if found is None:
            return None
        dtype = TENSOR_TYPES.get(record.type)
        problem = record.problem or WITHOUT_VALUES.get(record.type)
        if problem is None and dtype is None:
            problem = f"tensor type {record.type} is unknown"
        if isinstance(found, str):
            problem = problem or found
        if problem is not None or isinstance(found, str):
            return Stored(dtype or "uint8", record.shape, error=problem)
        return Stored(dtype or "uint8", record.shape, found)

    def dense(self, record: TensorRecord) -> Stored | None:
        """Return :meth:`stored`, with an error unless there is one element for each place."""
        stored = self.stored(record)
        if stored is None or stored.span is None:
            return stored
        need, have = stored.element.nbytes(math.prod(stored.shape)), stored.span.nbytes
        if have == need or (record.external and have > need):
            return stored._replace(span=FileSpan(stored.span.path, stored.span.offset, need,
                                                 stored.span.identity))  # fmt: skip
        reason = f"has {have:,} bytes of values, its shape needs {need:,}"
        return stored._replace(span=None, error=reason)

    def inside(self, vector: Vector) -> FileSpan:
        """Return the bytes of a vector of this file."""
        return FileSpan(self._file.path, vector.start, vector.nbytes, self._file.identity)

    def _inside(self, index: int) -> FileSpan | str | None:
        table = self._model.element(self._vector, index)
        data = table.vector(BufferField.DATA, 1)
        if data is not None and data.count:
            return self.inside(data)
        offset, size = table.integer(BufferField.OFFSET, "Q"), table.integer(BufferField.SIZE, "Q")
        if offset <= 1 or size == 0:  # the schema: "only valid if > 1"
            return None
        if offset + size > self._file.size:
            return f"its buffer ends at byte {offset + size:,}, past the end of the file"
        return FileSpan(self._file.path, offset, size, self._file.identity)

    def _beside(self, number: int) -> FileSpan | str:
        table = self._external.get(number)
        if table is None:
            return f"external buffer {number:,} is not declared"
        packing = table.text(ExternalField.PACKING)
        if packing not in ("", "unpacked"):
            return f"external buffer is packed as {packing}"
        group = self._model.element(self._groups, table.integer(ExternalField.GROUP, "I"))
        location = group.text(0)
        if location not in self._files:
            self._files[location] = self._look_at(location)
        found = self._files[location]
        if isinstance(found, str):
            return found
        path, identity = found
        offset = table.integer(ExternalField.OFFSET, "Q")
        length = table.integer(ExternalField.LENGTH, "Q")
        if offset + length > identity.size:
            return f"external buffer too short: {location} ends at byte {identity.size:,}"
        return FileSpan(str(path), offset, length, identity)

    def _look_at(self, location: str) -> tuple[Path, FileIdentity] | str:
        path = path_inside(Path(self._file.path).parent, location)
        if path is None:
            return LEAVES
        try:
            status = path.stat()
        except FileNotFoundError:
            return f"external buffer missing: {clean(location)}"
        except OSError as error:
            return f"external buffer cannot be read: {describe(error)}"
        if not stat.S_ISREG(status.st_mode):
            return "external buffer is not a regular file"
        return path, FileIdentity.of(status)
