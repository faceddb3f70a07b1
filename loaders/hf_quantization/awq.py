"""Weights of AWQ: 4-bit codes, in the order that its GEMM kernel wants or in plain rows."""

from __future__ import annotations

from dataclasses import replace

from tensorpeek.loaders.hf_quantization.gptq import group_size, word_parts
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
    place_of,
)
from tensorpeek.loaders.hf_quantization.scales import StoredScales
from tensorpeek.loaders.hf_quantization.spacing import Spacing
from tensorpeek.loaders.tensor import Tensor

_BITS = 4
_PER_WORD = 8
_PADDING = {64: 2, 32: 4}
"""Words to whose multiple a row of zero points is padded, by the size of a group."""


def awq_gemm(layer: Layer, hints: Hints) -> Weight:
    """Put together the parts of a ``WQLinear_GEMM``.

    qweight is int32 (in, out / 8), qzeros (groups, out / 8), each word holding 8 output features
    in the order 0, 2, 4, 6, 1, 3, 5, 7; scales is (groups, out). value = (code - zero point) *
    scale in the scale's type (AutoAWQ, ``dequantize_gemm``), rounded once. Raises MisfitError.
    """
    qweight, qzeros, scales = word_parts(layer)
    features, groups, out = qweight.shape[0], *scales.shape
    packing = Packing(_BITS, order="awq")
    if out % _PER_WORD:
        raise MisfitError(f"{out:,} output features do not fill words")
    size = group_size(features, groups, hints)
    if size is None:
        raise MisfitError(f"{features:,} input features do not make {groups:,} groups")
    codes = matrix_of(qweight, out, features, StoredAs(packing=packing, turned=True))
    points = matrix_of(qzeros, out, groups, StoredAs(packing=packing, turned=True))
    stored = matrix_of(scales, out, groups, StoredAs(turned=True))
    return _put(layer, codes, points, stored, size)


def awq_gemv(layer: Layer, hints: Hints) -> Weight:
    """Put together the parts of a ``WQLinear_GEMV``.

    qweight is int32 (out, in / 8), qzeros (out, words), scales (out, 8 * words), each in plain
    order; the zero points and the scales of a row are padded. Raises MisfitError.
    """
    qweight, qzeros, scales = word_parts(layer)
    out, features = qweight.shape[0], qweight.shape[1] * _PER_WORD
    said = features if hints.group == -1 else hints.group
    fitting = [size for size in (said, 128, 64, 32, features) if size and size > 0]
    words = qzeros.shape[1]
    size = next((size for size in fitting if _zero_words(features, size) == words), None)
    if size is None or features % size:
        raise MisfitError(f"{words:,} words of zero points do not fit {features:,} input features")
    groups = features // size
    codes = matrix_of(qweight, out, features, StoredAs(packing=Packing(_BITS)))
    points = matrix_of(qzeros, out, groups, StoredAs(packing=Packing(_BITS), padded=True))
    stored = matrix_of(scales, out, groups, StoredAs(padded=True))
    return _put(layer, codes, points, stored, size)


def awq_gemv_fast(layer: Layer, hints: Hints) -> Weight:
    """Put together the parts of a ``WQLinear_GEMVFast``.

    qweight is int16 (out / 4, in), four rows in one (``pack_intweight``); scales and qzeros are
    (groups, out), with rows of padding. value = code * scale + qzeros, whose product is exact in
    float32, in the type of the scale: qzeros are zero points that were multiplied by -scale.
    Raises MisfitError.
    """
    qweight, offsets, scales = (layer.need(label) for label in ("qweight", "qzeros", "scales"))
    need_type(qweight, "int16")
    need_float(scales)
    need_type(offsets, scales.dtype)
    if len(qweight.shape) != 2 or len(scales.shape) != 2 or scales.shape != offsets.shape:
        raise MisfitError("its parts are no matrices of the same groups")
    out, features = qweight.shape[0] * 4, qweight.shape[1]
    said = features if hints.group == -1 else hints.group
    fitting = [size for size in (said, 128, 64, 32, features) if size and size > 0]
    stored = scales.shape[0]
    size = next(
        (size for size in fitting if _zero_words(features, size) * _PER_WORD == stored), None
    )
    if size is None or features % size or features % 64:
        raise MisfitError(f"{stored:,} rows of scales do not fit {features:,} input features")
    storage, offset = place_of(qweight)
    packing = Packing(_BITS, order="fours")
    codes = Matrix(storage, offset, qweight.shape, "int16", out, features, packing)
    groups = features // size
    made = Grouped(
        source="AWQ",
        bits=_BITS,
        shape=(out, features),
        codes=codes,
        raw="uint4",
        scale=scales,
        scales=StoredScales(_top_rows(scales, out, groups)),
        spacing=Spacing(1, size),
        zero_point=offsets,
        zero_points=_top_rows(offsets, out, groups),
        arithmetic="sum",
    )
    return grouped(layer, made)


def _top_rows(part: Tensor, out: int, groups: int) -> Matrix:
    """Return the first rows of a part, turned; padding follows them."""
    whole = matrix_of(part, out, part.shape[0], StoredAs(turned=True))
    return replace(whole, columns=groups)


def _zero_words(features: int, size: int) -> int:
    """Return how many words a row of zero points takes (AutoAWQ, ``calculate_zeros_width``)."""
    words = -(-(features // size) // _PER_WORD)
    multiple = _PADDING.get(size, 1)
    return -(-words // multiple) * multiple


def _put(layer: Layer, codes: Matrix, points: Matrix, stored: Matrix, size: int) -> Weight:
    made = Grouped(
        source="AWQ",
        bits=_BITS,
        shape=(codes.rows, codes.columns),
        codes=codes,
        raw="uint4",
        scale=layer.need("scales"),
        scales=StoredScales(stored),
        spacing=Spacing(1, size),
        zero_point=layer.need("qzeros"),
        zero_points=points,
    )
    return grouped(layer, made)


def packed_words(layer: Layer, hints: Hints) -> str:
    """Tell GPTQ's ``gptq``, AWQ's ``gemm`` and ``gemv`` apart by shapes, then by configuration."""
    qweight, qzeros, scales = word_parts(layer)
    (high, wide), out = qweight.shape, scales.shape[1]
    fits = {
        "gptq": wide == out and scales.shape[0] == qzeros.shape[0],
        "gemm": wide * _PER_WORD == out and qzeros.shape == (scales.shape[0], wide),
        "gemv": high == scales.shape[0] == qzeros.shape[0] and out == qzeros.shape[1] * _PER_WORD,
    }
    said = "gptq" if hints.method == "gptq" else hints.form
    if fits.get(said):
        return said
    found = next((form for form, fit in fits.items() if fit), None)
    if found is None:
        raise MisfitError("the shapes of its parts are those of neither GPTQ nor AWQ")
    return found
