"""Compare two tensors: find out how they are aligned, then measure how far they are apart."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tensorpeek.analysis.comparison.accumulate import Accumulator
from tensorpeek.analysis.comparison.difference import Difference
from tensorpeek.analysis.comparison.layouts import SAME, Alignment, alignments
from tensorpeek.analysis.comparison.pairing import Pair
from tensorpeek.analysis.comparison.rotary import possible_head_rows
from tensorpeek.analysis.comparison.streams import side_by_side
from tensorpeek.analysis.integrity.channels import channel_axis
from tensorpeek.analysis.reading import Progress, idle
from tensorpeek.analysis.stopping import Stop, never
from tensorpeek.loaders import LoadError, Tensor

SURE = 0.9
"""Cosine from which on no other alignment is tried: that of 4-bit weights is above 0.99."""

ALIKE = 0.5
"""Cosine below which two tensors are hardly the same weight: unrelated ones have about 0."""

CLEARLY = 0.1
"""By how much another alignment's cosine must be larger to speak against the likeliest one."""

ROTARY = "rotary rows as GGUF orders them"


@dataclass(frozen=True, eq=False, slots=True)
class Comparison:
    """A pair and its difference, after ``alignment``; ``error`` says why there is none, if so.

    ``note`` is what a careful reader should know about the pair. ``unreadable`` tells errors in
    reading from shapes that do not fit.
    """

    pair: Pair
    alignment: Alignment = SAME
    difference: Difference | None = None
    error: str | None = None
    unreadable: bool = False
    note: str | None = None

    def differs(self, tolerance: float) -> bool:
        """Return whether the tensors are apart by more than ``tolerance``, or not comparable."""
        return self.difference is None or self.difference.exceeds(tolerance)


def compare(pair: Pair, *, stop: Stop = never, progress: Progress = idle) -> Comparison:
    """Compare the dequantized values of a pair of tensors.

    Where shapes allow several known alignments, or heads may be in GGUF's order, the others are
    tried unless the cosine under the likeliest one is :data:`SURE`. Memory stays within a few
    chunks and two numbers a channel, or takes the first tensor if it must be permuted. Raises
    CancelledError.
    """
    first, second = pair.first, pair.second
    for tensor in (first, second):
        if tensor.error is not None:
            return Comparison(pair, error=f"{tensor.name}: {tensor.error}", unreadable=True)
    candidates = list(alignments(first.shape, second.shape))
    if not candidates:
        return Comparison(pair, error=f"shapes differ: {first.shape} and {second.shape}")
    try:
        candidates.sort(key=lambda one: _is_square_kernel(pair) and one is SAME)
        alignment, difference = _closest(pair, iter(candidates), stop, progress)
    except LoadError as error:
        return Comparison(pair, error=error.reason, unreadable=True)
    return Comparison(pair, alignment, difference, note=_note(pair, difference))


def _closest(
    pair: Pair, candidates: Iterator[Alignment], stop: Stop, progress: Progress
) -> tuple[Alignment, Difference]:
    """Return the first alignment that is surely right, else the clearly best, else the first."""
    measure = _measured(pair, stop, progress)
    tried = []
    for alignment in (*candidates, *_rotary(pair)):
        tried.append(measure(alignment))
        if _cosine(tried[-1][1]) >= SURE:
            return tried[-1]
    best = max(tried, key=lambda one: _cosine(one[1]))
    clear = _cosine(best[1]) >= max(ALIKE, _cosine(tried[0][1]) + CLEARLY)
    return best if clear else tried[0]


def _cosine(difference: Difference) -> float:
    """Return the cosine; 1 where there is none: a tensor of zeros speaks for no alignment."""
    return 1.0 if difference.cosine is None else difference.cosine


def _measured(
    pair: Pair, stop: Stop, progress: Progress
) -> Callable[[Alignment], tuple[Alignment, Difference]]:
    def measure(alignment: Alignment) -> tuple[Alignment, Difference]:
        second = pair.second
        sums = Accumulator(second.shape, channel_axis(second))
        for block in side_by_side(pair.first, second, alignment, stop, progress):
            sums.add(*block)
        if sums.sums.count != second.params:
            reason = f"gives {sums.sums.count:,} values where its shape needs {second.params:,}"
            raise LoadError(second.source, f"{second.name}: {reason}")
        return alignment, sums.difference()

    return measure


def _rotary(pair: Pair) -> Iterator[Alignment]:
    """Yield the orders of rows that GGUF may have given a query or key projection."""
    first, second = pair.first, pair.second
    if first.shape != second.shape or not first.shape or _is_rotary(first) == _is_rotary(second):
        return
    for rows in possible_head_rows(first.shape[0]):
        name = f"{ROTARY} ({rows} a head)"
        yield Alignment(name, None, -rows if _is_rotary(first) else rows)


def _is_rotary(tensor: Tensor) -> bool:
    return tensor.layer.endswith((".attn_q", ".attn_k"))


def _is_square_kernel(pair: Pair) -> bool:
    """Return whether one of two is a Keras kernel: then equal lengths hide another order."""
    return ("kernel" in pair.first.label) != ("kernel" in pair.second.label)


def _note(pair: Pair, difference: Difference) -> str | None:
    if pair.alone and _cosine(difference) < ALIKE:
        return "paired by order alone, and unlike: perhaps not the same tensor"
    return None
