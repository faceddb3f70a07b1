"""From the record of an ONNX tensor to the place of its values, or why there is none."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from tensorpeek.loaders.dtypes import DTYPES, DType
from tensorpeek.loaders.layout import Layout
from tensorpeek.loaders.onnx_format.external import ExternalFiles
from tensorpeek.loaders.onnx_format.graph import (
    MAX_DIMENSIONS,
    AttributeRecord,
    TensorRecord,
    TypedSpan,
)
from tensorpeek.loaders.onnx_format.sparse import SparseCodec, sparse_problem
from tensorpeek.loaders.onnx_format.typed import MAX_BYTES, TypedField, count_varints
from tensorpeek.loaders.onnx_format.wire import FIXED32, FIXED64, VARINT
from tensorpeek.loaders.storage import FileIdentity, FileSpan, Storage

FLOAT_DATA, INT32_DATA, INT64_DATA, DOUBLE_DATA, UINT64_DATA = 4, 5, 7, 10, 11

DATA_TYPES = {
    1: ("float32", FLOAT_DATA),
    2: ("uint8", INT32_DATA),
    3: ("int8", INT32_DATA),
    4: ("uint16", INT32_DATA),
    5: ("int16", INT32_DATA),
    6: ("int32", INT32_DATA),
    7: ("int64", INT64_DATA),
    9: ("bool", INT32_DATA),
    10: ("float16", INT32_DATA),
    11: ("float64", DOUBLE_DATA),
    12: ("uint32", UINT64_DATA),
    13: ("uint64", UINT64_DATA),
    14: ("complex64", FLOAT_DATA),
    15: ("complex128", DOUBLE_DATA),
    16: ("bfloat16", INT32_DATA),
    17: ("float8_e4m3fn", INT32_DATA),
    18: ("float8_e4m3fnuz", INT32_DATA),
    19: ("float8_e5m2", INT32_DATA),
    20: ("float8_e5m2fnuz", INT32_DATA),
    21: ("uint4", INT32_DATA),
    22: ("int4", INT32_DATA),
    23: ("float4_e2m1fn", INT32_DATA),
    24: ("float8_e8m0fnu", INT32_DATA),
    25: ("uint2", INT32_DATA),
    26: ("int2", INT32_DATA),
}
"""Element type and typed field of each TensorProto.DataType that has numeric values here."""

WITHOUT_VALUES = {
    0: "has no data type",
    8: "string tensor: has no numeric values",
    27: "data type FLOAT6E2M3 is not supported",
    28: "data type FLOAT6E3M2 is not supported",
}

_MAX_ELEMENTS = 1 << 62
_LONGEST_VARINT = 10


@dataclass(frozen=True, slots=True)
class Stored:
    """The facts of a tensor: what and where its values are, or the ``error`` that hides them.

    Those of a sparse tensor are read by a ``codec``.
    """

    dtype: str
    shape: tuple[int, ...]
    storage: Storage | None = None
    error: str | None = None
    codec: SparseCodec | None = None

    @property
    def element(self) -> DType:
        """The type of a stored element."""
        return DTYPES[self.dtype]

    @property
    def count(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def layout(self) -> Layout | None:
        """The row-major layout; None without values."""
        return None if self.storage is None else Layout.contiguous(self.shape)


class Message(NamedTuple):
    """A typed field: the bytes of its message, its number, the wire type of one value."""

    start: int
    stop: int
    field: int
    wire: int


@dataclass(frozen=True, slots=True)
class Places:
    """What is needed to find values: the model's file and the files beside it."""

    path: str
    identity: FileIdentity
    external: ExternalFiles

    def of_tensor(self, record: TensorRecord) -> Stored:
        """Find the values of a TensorProto: external, else raw, else typed ones."""
        if record.sparse is not None:
            return self._of_sparse(record, *record.sparse)
        dtype, field = DATA_TYPES.get(record.data_type, ("uint8", 0))
        problem = _shape_problem(record.dims)
        shape = () if problem else record.dims
        problem = problem or record.problem or WITHOUT_VALUES.get(record.data_type)
        if problem is None and not field:
            problem = f"data type {record.data_type} is unknown"
        if problem is not None:
            return Stored(dtype, shape, error=problem)
        need = DTYPES[dtype].nbytes(math.prod(shape))
        found = self._find(record, DTYPES[dtype], field, need)
        if isinstance(found, str):
            return Stored(dtype, shape, error=found)
        return Stored(dtype, shape, found)

    def _of_sparse(
        self, record: TensorRecord, values: TensorRecord, indices: TensorRecord
    ) -> Stored:
        shape_problem = _shape_problem(record.dims)
        shape = () if shape_problem else record.dims
        stored, places = self.of_tensor(values), self.of_tensor(indices)
        problem = shape_problem or stored.error or places.error
        problem = problem or sparse_problem(shape, stored.shape, places.shape, places.dtype)
        if problem or stored.storage is None or places.storage is None:
            return Stored(stored.dtype, shape, error=problem or "sparse tensor: has no values")
        flat, source = len(places.shape) == 1, self.path
        codec = SparseCodec(
            stored.storage, places.storage, stored.dtype, stored.count, shape, flat, source
        )
        return Stored(stored.dtype, shape, codec=codec)

    def _find(self, record: TensorRecord, element: DType, field: int, need: int) -> Storage | str:
        if record.external is not None:
            return self.external.span(record.external, need)
        if record.raw is not None:
            start, stop = record.raw
            if stop - start != need:
                return f"has {stop - start:,} bytes of values, its shape needs {need:,}"
            return FileSpan(self.path, start, need, self.identity)
        span = record.typed.get(field)
        if span is None:
            empty = FileSpan(self.path, record.start, 0, self.identity)
            return f"has no values, its shape needs {need:,} bytes" if need else empty
        message = (record.start, record.stop)
        return self._typed(Message(*message, field, _wire(field)), span, _unit(element), need)

    def of_attribute(self, record: AttributeRecord) -> Stored:
        """Find the values of a Constant node's attribute: a tensor, a number or a list."""
        if record.tensor is not None:
            return self.of_tensor(record.tensor)
        dtype = "float32" if record.name in ("value_float", "value_floats") else "int64"
        field, wire = {
            "value_float": (2, FIXED32),
            "value_int": (3, VARINT),
            "value_floats": (7, FIXED32),
            "value_ints": (8, VARINT),
        }.get(record.name, (0, 0))
        if not field:
            return Stored("uint8", (), error=WITHOUT_VALUES[8])
        single = field in (2, 3)
        span = record.typed.get(field, TypedSpan(record.start, record.start))
        count = 1 if single else self._count(record, span, wire, field)
        shape = () if single else (count,)
        width = DTYPES[dtype].bits // 8
        message = (record.start, record.stop)
        numbers = Message(*message, field, wire)
        found = self._typed(numbers, span, f"<{dtype[0]}{width}", count * width)
        if isinstance(found, str):
            return Stored(dtype, shape, error=found)
        return Stored(dtype, shape, found)

    def _count(self, record: AttributeRecord, span: TypedSpan, wire: int, field: int) -> int:
        if wire == FIXED32:
            return span.nbytes // 4
        return count_varints(self.path, self.identity, (record.start, record.stop), field)

    def _typed(self, numbers: Message, span: TypedSpan, unit: str, need: int) -> Storage | str:
        width = int(unit[2:])
        if numbers.wire != VARINT:
            if span.nbytes != need:
                return f"has {span.nbytes:,} bytes of values, its shape needs {need:,}"
            if span.parts == 1:
                return FileSpan(self.path, span.start, need, self.identity)
        elif not need // width <= span.nbytes <= need // width * _LONGEST_VARINT:
            return (
                f"has {span.nbytes:,} bytes of numbers, its shape needs {need // width:,} numbers"
            )
        if max(span.nbytes, need) > MAX_BYTES:
            return f"has {span.nbytes:,} bytes of numbers: too many to decode"
        return TypedField(self.path, self.identity, *numbers, unit, need)


def _shape_problem(dims: tuple[int, ...]) -> str | None:
    if len(dims) > MAX_DIMENSIONS:
        return f"has more than {MAX_DIMENSIONS} dimensions"
    if min(dims, default=0) < 0:
        return f"has a negative size: {list(dims)}"
    if math.prod(dims) > _MAX_ELEMENTS:
        return f"has an impossible shape: {list(dims)}"
    return None


def _wire(field: int) -> int:
    return {FLOAT_DATA: FIXED32, DOUBLE_DATA: FIXED64}.get(field, VARINT)


def _unit(element: DType) -> str:
    """Return the type of one entry of a typed field: packed types have whole bytes in each."""
    if element.kind == "complex":
        return f"<f{element.bits // 16}"
    if element.name in ("float32", "float64"):
        return f"<f{element.bits // 8}"
    return f"<u{max(element.bits, 8) // 8}"
