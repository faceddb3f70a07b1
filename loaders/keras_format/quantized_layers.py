"""Show the variables of a quantized layer of Keras 3 as the one weight that they make."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from tensorpeek.loaders.errors import LoadError
from tensorpeek.loaders.hf_quantization.grouped import Grouped, grouped
from tensorpeek.loaders.hf_quantization.matrix import Matrix, Packing
from tensorpeek.loaders.hf_quantization.misfits import Misfit, misfit_warnings
from tensorpeek.loaders.hf_quantization.parts import (
    Layer,
    MisfitError,
    StoredAs,
    UnknownSchemeError,
    Weight,
    matrix_of,
    need_float,
    need_type,
    reshaped,
    small_content,
)
from tensorpeek.loaders.hf_quantization.scales import StoredScales
from tensorpeek.loaders.hf_quantization.spacing import Spacing
from tensorpeek.loaders.keras_format.chunked_block import as_block
from tensorpeek.loaders.keras_format.einsum_kernel import kernel_shape, reduced_axes
from tensorpeek.loaders.keras_format.model_config import LayerConfig, ModelConfig
from tensorpeek.loaders.keras_format.names import Named
from tensorpeek.loaders.tensor import Tensor

_MAINS = ("kernel", "embeddings")
_PACKING = Packing(4, signed=True, complement=True)


@dataclass(frozen=True, eq=False, slots=True)
class _Variables:
    """The variables of one layer, by their labels."""

    layer: Layer
    main: str
    config: LayerConfig | None

    @property
    def codes(self) -> Tensor:
        return self.layer.need(self.main)

    @property
    def scale(self) -> Tensor:
        return self.layer.need(f"{self.main}_scale")


class _Form(NamedTuple):
    """How a weight of ``shape`` lies in its variables, taken as matrices."""

    shape: tuple[int, ...]
    codes: Matrix
    scales: Matrix
    spacing: Spacing


def join_layers(
    named: Sequence[Named], tensors: Sequence[Tensor], config: ModelConfig
) -> tuple[tuple[Tensor, ...], tuple[str, ...]]:
    """Return the tensors, those of a quantized weight as one, and what is to be said.

    ``tensors`` are those of ``named``, one each. Variables that do not fit together, or whose
    scheme is not known, stay as they are.
    """
    layers: dict[str, dict[str, Tensor]] = defaultdict(dict)
    for one, tensor in zip(named, tensors, strict=True):
        if one.group is not None:
            layers[one.group][one.label] = as_block(tensor)
    weights: list[Tensor] = []
    misfits: list[Misfit] = []
    for group, variables in layers.items():
        main = next((main for main in _MAINS if _is_quantized(main, variables)), None)
        if main is None:
            continue
        try:
            of = _Variables(Layer("", variables), main, config.groups.get(group))
            weights.append(_tensor(_join(of), variables[main]))
        except (MisfitError, LoadError) as error:
            misfits.append((variables[main].name, error))
    return tuple(_listed(tensors, weights)), tuple(misfit_warnings(misfits))


def _is_quantized(main: str, variables: Mapping[str, Tensor]) -> bool:
    return f"{main}_scale" in variables and variables[main].dtype in {"int8", "uint8"}


def _listed(tensors: Sequence[Tensor], weights: Sequence[Tensor]) -> Iterator[Tensor]:
    by_part = {part.name: weight for weight in weights for part in weight.parts}
    for tensor in tensors:
        weight = by_part.get(tensor.name)
        if weight is None:
            yield tensor
        elif weight.name == tensor.name:
            yield weight


def _tensor(weight: Weight, main: Tensor) -> Tensor:
    return replace(
        main,
        shape=weight.shape,
        dtype=weight.dtype,
        storage=None,
        layout=None,
        codec=weight.codec,
        stored_nbytes=sum(part.nbytes for part in weight.parts),
        quantization=weight.quantization,
        parts=weight.parts,
    )


def _join(of: _Variables) -> Weight:
    """Put together the variables of a Dense, an EinsumDense or an Embedding. Raises MisfitError.

    Keras multiplies by the scale of a channel to quantize (``abs_max_quantize``): value = code /
    scale. Where groups of inputs have scales and zero points, value = (code - zero point) * scale
    (``dequantize_with_sz_map``). Codes of 4 bits lie two in a byte, the first in the lower bits,
    along the last axis (``pack_int4``). The axis of a kernel's scales is its last one or, by the
    equation of an EinsumDense, the one that is not summed over; rows of an embedding have a scale
    each.
    """
    if of.codes.dtype == "uint8":
        name = "AWQ" if of.layer.find("awq_scales") is not None else "GPTQ"
        raise UnknownSchemeError(f"Keras {name}")
    need_float(of.scale)
    if of.layer.find(f"{of.main}_zero") is not None:
        return _of_groups(of)
    if of.main == "embeddings":
        return _embeddings(of)
    if _is_packed(of):
        return _packed_kernel(of)
    return _kernel(of)


def _is_packed(of: _Variables) -> bool:
    """Whether a kernel has 4 bits, by the configuration or by its shape. Raises MisfitError."""
    if of.config is not None and of.config.mode is not None:
        return of.config.mode.startswith("int4")
    wide, count = of.codes.shape[-1] if of.codes.shape else 0, of.scale.shape[-1:]
    if len(of.codes.shape) != 2 or len(of.scale.shape) != 1 or count == (wide,) != (1,):
        return False
    if count == (2 * wide - 1,) != (1,) or count == (2 * wide,):
        return True
    raise MisfitError("nothing tells whether its codes have 8 or 4 bits")


def _kernel(of: _Variables) -> Weight:
    """Put together a kernel of 8 bits: channels are the last axes, or the first ones."""
    shape = of.codes.shape
    reduced = reduced_axes(of.config) or _guessed_axes(shape, of.scale.shape)
    if len(reduced) != len(shape):
        raise MisfitError(f"its equation has {len(reduced)} axes for {list(shape)}")
    channels = math.prod(
        size for size, is_summed in zip(shape, reduced, strict=True) if not is_summed
    )
    inputs = math.prod(shape) // max(channels, 1)
    if list(reduced) == sorted(reduced, reverse=True):
        codes, spacing = reshaped(of.codes, inputs, channels), Spacing(max(inputs, 1), 1)
        scales = reshaped(of.scale, 1, channels)
    elif list(reduced) == sorted(reduced):
        codes, spacing = reshaped(of.codes, channels, inputs), Spacing(1, max(inputs, 1))
        scales = reshaped(of.scale, channels, 1)
    else:
        raise MisfitError("its channels are neither its first nor its last axes")
    return _divided(of, 8, _Form(shape, codes, scales, spacing))


def _guessed_axes(shape: tuple[int, ...], scale: tuple[int, ...]) -> tuple[bool, ...]:
    """Return which axes are summed over where only the shape of the scales tells it."""
    sizes = tuple(size for size in scale if size > 1)
    count, rank = len(sizes), len(shape)
    if not count or count >= rank:
        count = 1
    last, first = shape[rank - count :], shape[:count]
    if math.prod(last) == math.prod(scale) and (count == 1 or last == sizes):
        return (True,) * (rank - count) + (False,) * count
    if math.prod(first) == math.prod(scale) and (count == 1 or first == sizes):
        return (False,) * count + (True,) * (rank - count)
    raise MisfitError(f"scales of shape {list(scale)} do not fit a weight of {list(shape)}")


def _packed_kernel(of: _Variables) -> Weight:
    """Put together a kernel of 4 bits: (inputs, channels), packed along its channels."""
    codes, channels = of.codes, of.scale.params
    if len(codes.shape) != 2:
        raise MisfitError("its packed codes are no matrix")
    if codes.shape[1] == channels > 1:
        raise UnknownSchemeError("Keras int4, packed along the inputs")
    rows = codes.shape[0]
    matrix = matrix_of(codes, rows, channels, StoredAs(packing=_PACKING))
    shape = kernel_shape(of.config, rows, channels)
    scales = reshaped(of.scale, 1, channels)
    return _divided(of, 4, _Form(shape, matrix, scales, Spacing(max(rows, 1), 1)))


def _embeddings(of: _Variables) -> Weight:
    """Put together embeddings, with a scale for each row."""
    if len(of.codes.shape) != 2:
        raise MisfitError("it is no matrix")
    rows, stored = of.codes.shape
    mode = of.config.mode if of.config is not None else None
    if mode is None:
        raise MisfitError("nothing tells whether its codes have 8 or 4 bits")
    scales = reshaped(of.scale, rows, 1)
    if not mode.startswith("int4"):
        matrix = matrix_of(of.codes, rows, stored)
        return _divided(of, 8, _Form((rows, stored), matrix, scales, Spacing(1, max(stored, 1))))
    wide = _output_size(of, 2 * stored)
    matrix = matrix_of(of.codes, rows, wide, StoredAs(packing=_PACKING))
    return _divided(of, 4, _Form((rows, wide), matrix, scales, Spacing(1, max(wide, 1))))


def _output_size(of: _Variables, otherwise: int) -> int:
    told = of.config.settings.get("output_dim") if of.config is not None else None
    return told if type(told) is int and 0 < told < 1 << 40 else otherwise


def _divided(of: _Variables, bits: int, form: _Form) -> Weight:
    """Put together codes that are divided by scales; of several axes of channels, as blocks."""
    shape, inputs = form.shape, form.codes.rows
    across = form.scales.rows == 1
    made = Grouped(
        source=f"Keras int{bits}",
        bits=bits,
        shape=shape,
        codes=form.codes,
        raw=f"int{bits}",
        scale=of.scale,
        scales=StoredScales(form.scales),
        spacing=form.spacing,
        arithmetic="quotient",
        channels=len(shape) - 1 if across else 0,
        blocks=(0, inputs) if across and shape[0] == inputs else None,
    )
    return grouped(of.layer, made, label=of.main)


def _of_groups(of: _Variables) -> Weight:
    """Put together codes of 4 bits with scales and zero points for groups of one axis."""
    codes, scale, point = of.codes, of.scale, of.layer.need(f"{of.main}_zero")
    need_type(point, "int8")
    if len(codes.shape) != 2 or len(scale.shape) != 2 or point.shape != scale.shape:
        raise MisfitError("its codes, scales and zero points do not fit together")
    index = of.layer.need("g_idx")
    block = _block(index)
    if of.main == "embeddings":
        shape, groups = (codes.shape[0], index.params), scale.shape[1]
        grid, spacing, axis = (codes.shape[0], groups), Spacing(1, block), 1
    else:
        rows, channels, groups = codes.shape[0], scale.shape[1], scale.shape[0]
        shape, grid = (rows, channels), (groups, channels)
        spacing, axis = Spacing(block, 1), 0
    if -(-index.params // block) != groups or index.params != shape[axis]:
        raise MisfitError(f"groups of {block:,} do not fit scales of shape {list(scale.shape)}")
    matrix = matrix_of(codes, *shape, StoredAs(packing=_PACKING))
    full = kernel_shape(of.config, *shape) if axis == 0 else shape
    full = full if full[0] == shape[0] else shape
    made = Grouped(
        source="Keras int4",
        bits=4,
        shape=full,
        codes=matrix,
        raw="int4",
        scale=scale,
        scales=StoredScales(matrix_of(scale, *grid)),
        spacing=spacing,
        zero_point=point,
        zero_points=matrix_of(point, *grid),
        blocks=(axis, block),
    )
    return grouped(of.layer, made, label=of.main)


def _block(index: Tensor) -> int:
    """Return the size of a group: ``g_idx`` has the group of each index, in runs of one size."""
    need_type(index, "float32")
    groups = np.frombuffer(small_content(index), "<f4")
    block = int(np.count_nonzero(groups == 0))
    if not block or not np.array_equal(groups, np.arange(groups.size) // block):
        raise MisfitError("its groups are no runs of one size")
    return block
