"""Who quantizes which constant: read off the operators of the graph, not off names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from tensorpeek.loaders.clean import clean
from tensorpeek.loaders.codec import Codec
from tensorpeek.loaders.dtypes import DTYPES
from tensorpeek.loaders.onnx_format.affine import Grid, affine, part, scale_behind
from tensorpeek.loaders.onnx_format.graph import NodeRecord, TensorRecord
from tensorpeek.loaders.onnx_format.nbits import Coded, matmul_nbits
from tensorpeek.loaders.onnx_format.packed import PACKED, Inputs, packed_weight
from tensorpeek.loaders.onnx_format.scope import SAME_WEIGHT, Scope, Value
from tensorpeek.loaders.onnx_format.values import DATA_TYPES, Places, Stored
from tensorpeek.loaders.quantization import Quantization
from tensorpeek.loaders.storage import Read
from tensorpeek.loaders.tensor import Tensor


class Site(NamedTuple):
    """Inputs of an operator that make up one quantized constant, and its default axis."""

    weight: int
    scale: int
    zero_point: int
    axis: int


SITES = {
    "DequantizeLinear": (Site(0, 1, 2, 1),),
    "DynamicQuantizeLSTM": (Site(1, 8, 9, -1), Site(2, 10, 11, -1)),
    "DynamicQuantizeMatMul": (Site(1, 2, 3, -1),),
    "MatMulIntegerToFloat": (Site(0, 2, 4, -2), Site(1, 3, 5, -1)),
    "QAttention": (Site(1, 4, 7, -1),),
    "QEmbedLayerNormalization": tuple(Site(i, i + 6 + (i > 1), i + 11, 0) for i in range(2, 7)),
    "QGemm": (Site(0, 1, 2, 0), Site(3, 4, 5, 1)),
    "QLinearAdd": (Site(0, 1, 2, -1), Site(3, 4, 5, -1)),
    "QLinearConv": (Site(3, 4, 5, 0),),
    "QLinearMatMul": (Site(0, 1, 2, -2), Site(3, 4, 5, -1)),
    "QLinearMul": (Site(0, 1, 2, -1), Site(3, 4, 5, -1)),
}
"""Operators that dequantize a constant with a scale among their inputs (ONNX and onnxruntime)."""
BIASES = {"QLinearConv": (8, 1, 4), "QGemm": (6, 1, 4)}
"""Inputs bias, input scale, weight scale: such an int32 bias has the product as its scale."""
INTEGER = {"ConvInteger": (Site(1, -1, 3, 0),), "MatMulInteger": (Site(1, -1, 3, -1),)}
"""Operators that give integers, so that the weight's scale stands further on in the graph."""

KNOWN = frozenset({*SITES, *INTEGER, *PACKED, "MatMulNBits"})
"""Operators whose quantized constants are read, or told of one by one."""


@dataclass(frozen=True, slots=True, eq=False)
class ScaleProduct:
    """The float32 products of two scales and a number, taken when it is opened."""

    first: Tensor
    second: Tensor
    factor: float

    @property
    def nbytes(self) -> int:
        """See :attr:`tensorpeek.loaders.storage.Storage.nbytes`."""
        return 4 * self.second.params

    @contextmanager
    def open(self) -> Iterator[Read]:
        """See :meth:`tensorpeek.loaders.storage.Storage.open`."""
        with np.errstate(over="ignore", invalid="ignore"):
            product = self.first.read().astype(np.float32).reshape(-1)[:1]
            product = product * self.second.read().astype(np.float32).reshape(-1)
            content = (product * np.float32(self.factor)).astype("<f4").tobytes()
        yield lambda start, stop: content[start:stop]


class Coding(NamedTuple):
    """How a quantized constant is to be shown: its codes and what they stand for.

    With a ``codec`` that reads the values.
    """

    stored: Stored
    quantization: Quantization
    codec: Codec | None = None


class Codings:
    """The quantized constants of a model, and the inputs that are their scales and zero points."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self.found: dict[Value, Coding] = {}
        self.parts: set[tuple[NodeRecord, int]] = set()
        self.warnings: dict[str, None] = {}
        self._stored: dict[Value, Stored] = {}

    def stored(self, value: Value) -> Stored:
        """Return where the values of a constant lie; looked up once."""
        if value not in self._stored:
            record = value.record
            self._stored[value] = (
                self.places.of_tensor(record)
                if isinstance(record, TensorRecord)
                else self.places.of_attribute(record)
            )
        return self._stored[value]

    def note(self, scope: Scope, node: NodeRecord) -> None:
        """Take note of the constants that ``node`` quantizes."""
        for site in SITES.get(node.op_type, ()):
            self._note_site(scope, node, site)
        for site in INTEGER.get(node.op_type, ()):
            self._note_integer(scope, node, site)
        if node.op_type in BIASES:
            self._note_bias(scope, node, *BIASES[node.op_type])
        for places in PACKED.get(node.op_type, ()):
            self._note_blocks(scope, node, places)
        if node.op_type == "MatMulNBits":
            self._note_nbits(scope, node)

    def _note_site(self, scope: Scope, node: NodeRecord, site: Site) -> None:
        weight = scope.constant(node.input(site.weight))
        if weight is None:
            self._note_rearranged(scope, node)
            return
        scale = scope.constant(node.input(site.scale))
        if scale is None:
            self._warn(weight, "its scale is not a constant")
            return
        self._code(scope, node, site, weight, scale)

    def _note_rearranged(self, scope: Scope, node: NodeRecord) -> None:
        weight = scope.constant(node.input(0), SAME_WEIGHT)
        if node.op_type != "DequantizeLinear" or weight is None:
            return
        if self.stored(weight).element.kind == "int":
            self._warn(weight, "is rearranged before it is dequantized")

    def _note_integer(self, scope: Scope, node: NodeRecord, site: Site) -> None:
        weight = scope.constant(node.input(site.weight))
        if weight is None:
            return
        found = scale_behind(scope, node)
        if found is None:
            self._warn(weight, f"no scale for it stands behind its {node.op_type}")
            return
        scale, multiplication, index = found
        if self._code(scope, node, site, weight, scale):
            self.parts.add((multiplication, index))

    def _code(
        self, scope: Scope, node: NodeRecord, site: Site, weight: Value, scale: Value
    ) -> bool:
        name = node.input(site.zero_point)
        zero_point = scope.constant(name)
        if name and zero_point is None:
            self._warn(weight, "its zero point is not a constant")
            return False
        quantization = affine(
            self.stored(weight),
            self._part(scale),
            None if zero_point is None else self._part(zero_point),
            _grid(node, site),
        )
        if isinstance(quantization, str):
            self._warn(weight, quantization)
            return False
        self._keep(weight, Coding(self.stored(weight), quantization))
        self.parts |= {(node, site.scale), (node, site.zero_point)}
        return True

    def _note_bias(
        self, scope: Scope, node: NodeRecord, bias_at: int, first_at: int, second_at: int
    ) -> None:
        bias = scope.constant(node.input(bias_at))
        first = scope.constant(node.input(first_at))
        second = scope.constant(node.input(second_at))
        if bias is None or first is None or second is None:
            return
        left, right = self._part(first), self._part(second)
        if left.error or right.error or left.params != 1:
            return
        alpha = node.attributes.get("alpha")
        product = ScaleProduct(left, right, 1.0 if alpha is None else alpha.number)
        shape = (right.params,) if right.params > 1 else ()
        name = f"{left.name} * {right.name}"
        scale = part(name, Stored("float32", shape, product), self.places.path)
        source = f"ONNX {node.op_type} bias"
        coded = affine(self.stored(bias), scale, None, Grid(-1, 0, source))
        if isinstance(coded, str):
            self._warn(bias, coded)
        else:
            self._keep(bias, Coding(self.stored(bias), coded))

    def _note_nbits(self, scope: Scope, node: NodeRecord) -> None:
        places = Inputs(1, 2, 3)

        def read(weight: Stored, scale: Tensor, others: list[Stored | None]) -> Coded | str:
            return matmul_nbits(node, weight, scale, *others)

        self._note_packed(scope, node, places, (3, 4), read)

    def _note_blocks(self, scope: Scope, node: NodeRecord, places: Inputs) -> None:
        def read(weight: Stored, scale: Tensor, others: list[Stored | None]) -> Coded | str:
            return packed_weight(node, places, weight, scale, *others)

        self._note_packed(scope, node, places, (places.zero_point,), read)

    def _note_packed(
        self,
        scope: Scope,
        node: NodeRecord,
        places: Inputs,
        optional: tuple[int, ...],
        read: Callable[[Stored, Tensor, list[Stored | None]], Coded | str],
    ) -> None:
        weight, scale = (scope.constant(node.input(at)) for at in (places.weight, places.scale))
        if weight is None:
            return
        others = [(node.input(at), scope.constant(node.input(at))) for at in optional]
        if scale is None or any(name and value is None for name, value in others):
            what = "scale, zero point or g_idx" if len(optional) > 1 else "scale or zero point"
            self._warn(weight, f"its {what} is not a constant")
            return
        stored = [None if value is None else self.stored(value) for _, value in others]
        packed = read(self.stored(weight), self._part(scale), stored)
        if isinstance(packed, str):
            self._warn(weight, packed)
            return
        self._keep(weight, Coding(*packed))
        self.parts |= {(node, at) for at in (places.scale, *optional)}

    def _keep(self, weight: Value, coding: Coding) -> None:
        known = self.found.setdefault(weight, coding)
        first, again = known.quantization.scale, coding.quantization.scale
        if first is not None and again is not None and first.name != again.name:
            self._warn(weight, "is quantized in two ways", "the first one is shown")

    def _part(self, value: Value) -> Tensor:
        return part(value.name, self.stored(value), self.places.path)

    def _warn(self, weight: Value, why: str, result: str = "shown as raw integers") -> None:
        self.warnings[f"{clean(weight.name)}: {why}: {result}"] = None


def _grid(node: NodeRecord, site: Site) -> Grid:
    """Return how scales lie; DequantizeLinear may state the type of its output (opset 23)."""
    kind = node.integer("output_dtype", 0) if node.op_type == "DequantizeLinear" else 0
    name, _ = DATA_TYPES.get(kind, ("", 0))
    result = name if name and DTYPES[name].kind == "float" else None
    source = f"ONNX {node.op_type}"
    return Grid(_axis(node, site), node.integer("block_size", 0), source, result)


def _axis(node: NodeRecord, site: Site) -> int:
    if node.op_type == "DequantizeLinear":
        return node.integer("axis", site.axis)
    if node.op_type == "QGemm":
        transposed = node.integer("transB" if site.weight == 3 else "transA", 0)
        return 1 - site.axis if transposed else site.axis
    return site.axis
