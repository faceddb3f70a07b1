"""How well the codes of a quantized tensor use the grid they have."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tensorpeek.analysis.diagnosis.unmeasurable import UnmeasurableError
from tensorpeek.analysis.distribution import Distribution
from tensorpeek.analysis.quantized import code_limits
from tensorpeek.analysis.table import CountTable
from tensorpeek.loaders import Tensor


@dataclass(frozen=True)
class GridUse:
    """Use of ``levels`` levels of ``bits`` bits.

    ``used_levels`` occur at least once. ``low_percent`` and ``high_percent`` of the codes stand
    at the smallest and the largest code. ``unused_bits`` could be dropped without moving any
    code: bits less those that count from the smallest to the largest code in use.
    ``entropy_bits`` is Shannon's -sum p log2 p, in bits for a weight (doi:10.1002/
    j.1538-7305.1948.tb01338.x), ``stored_bits`` what a weight takes in the file, scales that
    have tensors of their own left out.
    """

    bits: int
    levels: int
    used_levels: int
    low_percent: float
    high_percent: float
    unused_bits: int
    entropy_bits: float
    stored_bits: float


def grid_use(tensor: Tensor, raw: Distribution) -> GridUse:
    """Return how a quantized tensor, whose raw view has the distribution ``raw``, uses its grid.

    Raises UnmeasurableError for a tensor that is not quantized, is empty, or has codes of more
    than 16 bits.
    """
    quantization = tensor.quantization
    if quantization is None:
        raise UnmeasurableError("is not quantized")
    if not isinstance(raw, CountTable):
        raise UnmeasurableError("has codes of more than 16 bits")
    if not raw.counts.size:
        raise UnmeasurableError("is empty")
    low, high = code_limits(tensor, quantization)
    shares = raw.counts / raw.counts.sum()
    is_whole = tensor.element.kind == "int" and quantization.scheme != "codebook"
    span = round(raw.values[-1] - raw.values[0]) if is_whole else (1 << quantization.bits) - 1
    return GridUse(
        bits=quantization.bits,
        levels=1 << quantization.bits,
        used_levels=raw.counts.size,
        low_percent=raw.count_range(low, low).percent,
        high_percent=raw.count_range(high, high).percent,
        unused_bits=max(0, quantization.bits - span.bit_length()),
        entropy_bits=max(0.0, -float((shares * np.log2(shares)).sum())),
        stored_bits=8 * tensor.nbytes / tensor.params,
    )
