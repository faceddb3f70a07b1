"""Measure a tensor: one pass over its values, then a distribution that answers the rest."""

from __future__ import annotations

import math

import numpy as np

from tensorpeek.analysis.channels import can_count_channels, count_channels
from tensorpeek.analysis.distribution import Distribution
from tensorpeek.analysis.edges import Edges, integer_edges, level_edges, uniform_edges
from tensorpeek.analysis.patterns import PatternCounter, count_patterns, pattern_values
from tensorpeek.analysis.reading import Progress, idle, watched
from tensorpeek.analysis.stopping import Stop, never
from tensorpeek.analysis.table import CountTable, table_of
from tensorpeek.analysis.wide import Foreseen, measure_wide
from tensorpeek.loaders import CHUNK, Quantization, Tensor, View


def measure(  # noqa: PLR0913 (how to read, all by keyword)
    tensor: Tensor,
    view: View = "dequantized",
    *,
    stop: Stop = never,
    progress: Progress | None = None,
    quantiles: bool = True,
    count: PatternCounter = count_patterns,
    foreseen: Foreseen | None = None,
) -> Distribution:
    """Read all values of a tensor in a view and return their distribution.

    Values of at most 16 bits, and the dequantized values of such codes where one scale or one per
    channel applies, are counted in one pass into an exact :class:`CountTable`. Others give a
    :class:`tensorpeek.analysis.wide.WideDistribution`; without ``quantiles`` its summary has
    none, which saves a second pass, and with them the values of those buckets are kept that are
    ``foreseen`` to be asked about. ``count`` counts the patterns, perhaps elsewhere. ``progress``
    is told the share done, 0.0 to 1.0, and ``stop`` is polled for every chunk. Memory stays within
    a few chunks, the table and what is kept.

    NaN and infinities are counted apart from all measures; an empty tensor gives the count 0 and
    None for every measure; complex values are measured by magnitude. Raises LoadError when the
    tensor cannot be read, CancelledError when ``stop`` says so.
    """
    tell = progress or idle
    quantization = tensor.quantization if view == "dequantized" else None
    if quantization is not None and _decodes_codes(tensor, quantization):
        return _count_codes(tensor, quantization, stop, tell, count)
    if quantization is not None and can_count_channels(tensor):
        return count_channels(tensor, quantization, stop, tell)
    if tensor.value_type(view).itemsize <= 2:
        return _count_values(tensor, view, stop, tell, count)
    return measure_wide(tensor, view, stop, tell, quantiles=quantiles, foreseen=foreseen)


def default_edges(tensor: Tensor, view: View, distribution: Distribution, bins: int) -> Edges:
    """Return about ``bins`` bins over the finite values of a distribution of ``tensor``.

    Bins of integers and of the dequantized values of per-tensor codes hold whole levels; others
    are uniform. Without a finite value they go from 0 to 1. Raises LoadError when a scale cannot
    be read and ValueError for ``bins`` below 1.
    """
    low, high = distribution.summary.minimum, distribution.summary.maximum
    if low is None or high is None:
        return uniform_edges(0, 1, bins)
    if isinstance(low, int) and isinstance(high, int):
        return integer_edges(low, high, bins)
    quantization = tensor.quantization if view == "dequantized" else None
    if quantization is not None and quantization.scheme == "per-tensor" and _is_narrow(tensor):
        return _code_edges(quantization, low, high, bins)
    return uniform_edges(low, high, bins)


def _decodes_codes(tensor: Tensor, quantization: Quantization) -> bool:
    """Whether one scale turns codes into values; those of a codec may be rounded once more."""
    point = quantization.zero_point
    is_alike = tensor.codec is None or (
        tensor.value_type("dequantized") == quantization.value_type
        and (point is None or point.element.kind == "int")
    )
    return quantization.scheme == "per-tensor" and _is_narrow(tensor) and is_alike


def _is_narrow(tensor: Tensor) -> bool:
    return tensor.element.bits <= 16


def _count_values(
    tensor: Tensor, view: View, stop: Stop, progress: Progress, count: PatternCounter
) -> CountTable:
    """Count the patterns of the values themselves."""
    dtype = tensor.value_type(view)
    chunks = tensor.chunks(view, size=CHUNK * 2 // dtype.itemsize)
    counts = count(watched(chunks, tensor.params, stop, progress), dtype.itemsize)
    return table_of(pattern_values(dtype), counts, integers=dtype.kind in "iub")


def _count_codes(
    tensor: Tensor,
    quantization: Quantization,
    stop: Stop,
    progress: Progress,
    count: PatternCounter,
) -> CountTable:
    """Count the patterns of the codes, then dequantize each distinct code once."""
    dtype = tensor.value_type("raw")
    chunks = tensor.chunks("raw", size=CHUNK * 2 // dtype.itemsize)
    counts = count(watched(chunks, tensor.params, stop, progress), dtype.itemsize)
    present = np.flatnonzero(counts)
    codes = present.astype(f"u{dtype.itemsize}").view(dtype)
    with np.errstate(all="ignore"):
        values = quantization.decoder(tensor.shape)(codes, 0).astype(np.float64)
    return table_of(values, counts[present], integers=False)


def _code_edges(quantization: Quantization, low: float, high: float, bins: int) -> Edges:
    """Return bins of whole codes between two dequantized values, uniform ones if there are none."""
    scale, point = float(np.float32(quantization.scales()[0])), quantization.zero_points()[0]
    is_whole = math.isfinite(point) and point == np.rint(point)
    if not math.isfinite(scale) or scale == 0 or low == high == 0 or not is_whole:
        return uniform_edges(low, high, bins)
    zero_point = int(point)
    ends = sorted(round(bound / scale) + zero_point for bound in (low, high))
    try:
        return level_edges(ends[0], ends[1], scale, zero_point, bins)
    except ValueError:
        return uniform_edges(low, high, bins)
