"""Compare two tensors: find out how they are aligned, then measure how far they are apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from tensorpeek.analysis.comparison.accumulate import Accumulator
from tensorpeek.analysis.comparison.difference import Difference
from tensorpeek.analysis.comparison.layouts import SAME, Alignment, alignments
from tensorpeek.analysis.comparison.pairing import Pair
from tensorpeek.analysis.comparison.rotary import possible_head_rows
from tensorpeek.analysis.comparison.streams import BLOCK, side_by_side
from tensorpeek.analysis.integrity.channels import channel_axis
from tensorpeek.analysis.reading import Progress, idle
from tensorpeek.analysis.stopping import Stop, never
from tensorpeek.loaders import LoadError, Tensor

SURE = 0.9
"""Cosine from which on no other alignment is tried: that of 4-bit weights is above 0.99."""

ALIKE = 0.5
"""Cosine below which two tensors are hardly the same weight: unrelated ones have about 0."""

SAMPLE = 4
"""Blocks that tell which alignment to try first, where there are several."""

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
    chunks and two numbers a channel, or takes the first tensor if its axes must be permuted.
    Raises CancelledError.
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
        candidates += _rotary(pair)
        alignment, difference = _closest(pair, candidates, stop, progress)
    except LoadError as error:
        return Comparison(pair, error=error.reason, unreadable=True)
    return Comparison(pair, alignment, difference, note=_note(pair, difference))


def _closest(
    pair: Pair, candidates: Sequence[Alignment], stop: Stop, progress: Progress
) -> tuple[Alignment, Difference]:
    """Return the first alignment that is surely right, else the clearly best, else the first."""
    tried: dict[Alignment, Difference] = {}
    for alignment in _alike_first(pair, candidates, stop):
        tried[alignment] = _measured(pair, alignment, stop, progress)
        if _cosine(tried[alignment], float(alignment is candidates[0])) >= SURE:
            return alignment, tried[alignment]
    likeliest = candidates[0]
    best = max(candidates, key=lambda one: _cosine(tried[one], float(one is likeliest)))
    clear = _cosine(tried[best]) >= max(ALIKE, _cosine(tried[likeliest]) + CLEARLY)
    chosen = best if clear else likeliest
    return chosen, tried[chosen]


def _alike_first(pair: Pair, candidates: Sequence[Alignment], stop: Stop) -> Iterator[Alignment]:
    """Yield the candidates, those last under which the tensors do not begin alike."""
    if len(candidates) == 1 or pair.second.params <= SAMPLE * BLOCK:
        yield from candidates
        return
    later = []
    for alignment in candidates:
        without = float(alignment is candidates[0])
        if _cosine(_sampled(pair, alignment, stop), without) >= SURE:
            yield alignment
        else:
            later.append(alignment)
    yield from later


def _sampled(pair: Pair, alignment: Alignment, stop: Stop) -> Difference:
    sums = Accumulator(pair.second.shape, None)
    blocks = side_by_side(pair.first, pair.second, alignment, stop)
    for block in islice(blocks, SAMPLE):
        sums.add(*block)
    return sums.difference()


def _cosine(difference: Difference, without: float = 1.0) -> float:
    """Return the cosine, or ``without`` where there is none.

    A tensor of zeros speaks for no alignment: the likeliest one has 1 then, others have 0.
    """
    return without if difference.cosine is None else difference.cosine


def _measured(pair: Pair, alignment: Alignment, stop: Stop, progress: Progress) -> Difference:
    second = pair.second
    sums = Accumulator(second.shape, channel_axis(second))
    for block in side_by_side(pair.first, second, alignment, stop, progress):
        sums.add(*block)
    if sums.sums.count != second.params:
        reason = f"gives {sums.sums.count:,} values where its shape needs {second.params:,}"
        raise LoadError(second.source, f"{second.name}: {reason}")
    return sums.difference()


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
