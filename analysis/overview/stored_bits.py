"""How many bits of a file a tensor takes, the scales that its codes need included."""

from __future__ import annotations

from tensorpeek.loaders import Tensor


def stored_bits(tensor: Tensor) -> int:
    """Return the bits of a tensor's codes, with those of its scales and zero points.

    Codes of less than a byte count as they are packed, up to a whole byte in all. A tensor that was
    put together from stored parts, and one with scales among its codes, takes what its parts take.
    Divided by the number of elements this is what quantization costs: 4.5 for Q4_0.
    """
    bits = 8 * tensor.nbytes
    quantization = tensor.quantization
    if quantization is None or tensor.parts:
        return bits
    for part in (quantization.scale, quantization.zero_point):
        if part is not None and part.error is None:
            bits += 8 * part.nbytes
    return bits
