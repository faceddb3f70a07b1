"""How a tensor is quantized, in words and in JSON."""

from __future__ import annotations

from typing import Any

from tensorpeek.loaders import LoadError, Quantization, Tensor


def describe_quantization(tensor: Tensor) -> str:
    """Return for example ``torch qint8 per-channel axis 0``, or an empty text."""
    quantization = tensor.quantization
    if quantization is None:
        return ""
    words = [quantization.source, quantization.scheme]
    if quantization.axis is not None:
        words.append(f"axis {quantization.axis}")
    if quantization.block is not None:
        words.append(f"block {quantization.block}")
    return " ".join(words)


def quantization_facts_json(quantization: Quantization, *, full: bool) -> dict[str, Any]:
    """Return scheme, source, bits, axis and block; with ``full`` also the flat arrays of scales.

    Arrays that cannot be read are null, with the reason under ``error``.
    """
    facts: dict[str, Any] = {
        "scheme": quantization.scheme,
        "source": quantization.source,
        "bits": quantization.bits,
        "axis": quantization.axis,
        "block": quantization.block,
    }
    if full:
        facts |= {"scale": None, "zero_point": None, "error": None}
        try:
            facts["scale"] = quantization.scales().tolist()
            facts["zero_point"] = quantization.zero_points().tolist()
        except LoadError as error:
            facts["error"] = error.reason
    return facts
