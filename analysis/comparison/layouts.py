"""The orders in which frameworks store the axes of the same weight."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Alignment:
    """How the first of two tensors becomes comparable with the second.

    ``permutation`` is what NumPy's ``transpose`` takes, None for the same order of elements;
    ``name`` says in words what it does, None where nothing is to be said. With ``head_rows`` the
    rows of rotary heads of that many rows are put in the order in which GGUF stores them, with a
    negative one in the order of Hugging Face.
    """

    name: str | None = None
    permutation: tuple[int, ...] | None = None
    head_rows: int | None = None


SAME = Alignment()

_KNOWN = (
    Alignment("(in, out) and (out, in)", (1, 0)),
    Alignment("HWIO to OIHW", (3, 2, 0, 1)),
    Alignment("OIHW to HWIO", (2, 3, 1, 0)),
    Alignment("OHWI to OIHW", (0, 3, 1, 2)),
    Alignment("OIHW to OHWI", (0, 2, 3, 1)),
    Alignment("HWIO to OHWI", (3, 0, 1, 2)),
    Alignment("OHWI to HWIO", (1, 2, 3, 0)),
    Alignment("HWIM to IMHW (depthwise)", (2, 3, 0, 1)),
    Alignment("1HWC to HWC1 (depthwise)", (1, 2, 3, 0)),
    Alignment("OIHW and IOHW", (1, 0, 2, 3)),
    Alignment("WIO and OIW", (2, 1, 0)),
    Alignment("OWI and OIW", (0, 2, 1)),
    Alignment("DHWIO to OIDHW", (4, 3, 0, 1, 2)),
    Alignment("OIDHW to DHWIO", (2, 3, 4, 1, 0)),
    Alignment("ODHWI to OIDHW", (0, 4, 1, 2, 3)),
    Alignment("OIDHW to ODHWI", (0, 2, 3, 4, 1)),
)
"""Documented orders: PyTorch and ONNX OIHW, Keras HWIO, TFLite OHWI; I input, O output."""


def alignments(first: tuple[int, ...], second: tuple[int, ...]) -> Iterator[Alignment]:
    """Yield the ways in which a tensor of one shape may be one of the other, the likeliest first.

    Besides known permutations, axes of length 1 may be added or dropped. Nothing for shapes that
    hold different tensors.
    """
    if first == second:
        yield SAME
    for known in _KNOWN:
        permutation = known.permutation or ()
        if len(permutation) == len(first) == len(second) and (
            tuple(first[axis] for axis in permutation) == second
        ):
            yield known
    if first != second and _without_ones(first) == _without_ones(second):
        yield Alignment("axes of length 1 added or dropped")


def can_align(first: tuple[int, ...], second: tuple[int, ...]) -> bool:
    """Return whether there is any alignment of two shapes."""
    return next(alignments(first, second), None) is not None


def _without_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(length for length in shape if length != 1)
