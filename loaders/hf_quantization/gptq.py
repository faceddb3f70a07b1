"""Weights of GPTQ: codes packed along the input features."""

from __future__ import annotations

from tensorpeek.loaders.hf_quantization.grouped import Grouped, grouped
from tensorpeek.loaders.hf_quantization.hints import Hints
from tensorpeek.loaders.hf_quantization.matrix import Matrix, Packing
from tensorpeek.loaders.hf_quantization.parts import (
    Layer,
    MisfitError,
    StoredAs,
    Weight,
    matrix_of,
    need_float,
    need_type,
    reshaped,
)
from tensorpeek.loaders.hf_quantization.scales import StoredScales
from tensorpeek.loaders.hf_quantization.spacing import Spacing
from tensorpeek.loaders.tensor import Tensor

_WORD = 32


def gptq(layer: Layer, hints: Hints) -> Weight:
    """Put together qweight, qzeros, scales and, where there is one, g_idx.

    qweight is int32 (in * bits / 32, out), the codes of an output feature packed down a column,
    also over the ends of words (3 bits); qzeros is int32 (groups, out * bits / 32), packed along
    a row; scales is (groups, out). value = scale * (code - zero point), in the scale's type, as
    in AutoGPTQ's ``qlinear_cuda_old``: the difference is exact, the product rounded once. Zero
    points are stored less 1 unless the checkpoint format is ``gptq_v2``; 1 is added to them as
    GPTQModel's ``convert_gptq_v1_to_v2_format_module`` does. g_idx is the group of each input
    feature. Raises MisfitError.
    """
    qweight, qzeros, scales = word_parts(layer)
    (words, out), groups = qweight.shape, scales.shape[0]
    bits = _bits(qzeros.shape[1], words, out, hints)
    features = words * _WORD // bits
    codes = matrix_of(qweight, out, features, StoredAs(packing=Packing(bits, along=0), turned=True))
    stored = matrix_of(scales, out, groups, StoredAs(turned=True))
    less_one = hints.form != "gptq_v2"
    points = matrix_of(
        qzeros, out, groups, StoredAs(packing=Packing(bits, less_one=less_one), turned=True)
    )
    index = layer.find("g_idx")
    spacing = _spacing(index, features, groups, hints)
    made = Grouped(
        source="GPTQ",
        bits=bits,
        shape=(out, features),
        codes=codes,
        raw=codes.values,
        scale=scales,
        scales=StoredScales(stored),
        spacing=spacing,
        zero_point=qzeros,
        zero_points=points,
    )
    return grouped(layer, made)


def word_parts(layer: Layer) -> tuple[Tensor, Tensor, Tensor]:
    """Return qweight, qzeros and scales, all of them matrices. Raises MisfitError."""
    qweight, qzeros, scales = (layer.need(label) for label in ("qweight", "qzeros", "scales"))
    need_type(qweight, "int32")
    need_type(qzeros, "int32")
    need_float(scales)
    if len(qweight.shape) != 2 or len(scales.shape) != 2 or len(qzeros.shape) != 2:
        raise MisfitError("its parts are no matrices")
    return qweight, qzeros, scales


def group_size(features: int, groups: int, hints: Hints) -> int | None:
    """Return how many features share a scale, None if that cannot be told."""
    said = features if hints.group == -1 else hints.group
    if said and said > 0 and -(-features // said) == groups:
        return said
    return features // groups if groups and features % groups == 0 else None


def _bits(zero_words: int, words: int, out: int, hints: Hints) -> int:
    """Return the width of a code: that of the zero points, one for each output feature."""
    fitting = [
        bits
        for bits in (4, 8, 3, 2)
        if -(-out * bits // _WORD) == zero_words and words * _WORD % bits == 0
    ]
    if not fitting:
        raise MisfitError(f"qzeros has {zero_words:,} words for {out:,} output features")
    return hints.bits if hints.bits in fitting else fitting[0]


def _spacing(index: Tensor | None, features: int, groups: int, hints: Hints) -> Spacing:
    size = group_size(features, groups, hints)
    if index is None:
        if size is None:
            raise MisfitError(f"{features:,} input features do not make {groups:,} groups")
        return Spacing(1, size)
    return Spacing(
        1, size or -(-features // max(groups, 1)), index_of(index, features), index.source
    )


def index_of(index: Tensor, features: int) -> Matrix:
    """Return the groups of the input features as a matrix of one row. Raises MisfitError."""
    need_type(index, "int32", "int64")
    return reshaped(index, 1, features)
