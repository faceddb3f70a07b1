"""How the scales of a weight lie over it, told by their shapes."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tensorpeek.loaders.hf_quantization.hints import Hints
from tensorpeek.loaders.hf_quantization.parts import MisfitError
from tensorpeek.loaders.hf_quantization.spacing import Spacing

_USUAL_BLOCK = 128


@dataclass(frozen=True, slots=True)
class Grid:
    """``rows`` by ``columns`` scales, each for a block of a weight taken as a matrix."""

    rows: int
    columns: int
    spacing: Spacing


def grid_of(shape: tuple[int, ...], scale: tuple[int, ...], hints: Hints) -> Grid:
    """Return the grid of scales of shape ``scale`` over a weight of ``shape``.

    One scale serves all; or each index of the leading axes, (out,) or (out, 1); or blocks of the
    last two axes, (out / high, in / wide), rounded up. All axes but the last are rows. Where a
    ragged last block leaves a choice, the configuration's or 128 is taken. Raises MisfitError.
    """
    if len(shape) < 2 or 0 in shape or 0 in scale:
        raise MisfitError("it is no matrix, or empty")
    rows, columns, count = math.prod(shape[:-1]), shape[-1], math.prod(scale)
    if count == 1:
        return Grid(1, 1, Spacing(rows, columns))
    if _leads(shape, scale) or scale == (1, shape[0]):
        return Grid(count, 1, Spacing(rows // count, columns))
    if len(scale) != len(shape) or scale[:-2] != shape[:-2]:
        raise _misfit(shape, scale)
    high = _block(shape[-2], scale[-2], hints.block[0] if hints.block else None)
    group = hints.group if hints.group and hints.group > 0 else None
    wide = _block(columns, scale[-1], hints.block[1] if hints.block else group)
    if high is None or wide is None or (len(shape) > 2 and shape[-2] % high):
        raise _misfit(shape, scale)
    return Grid(math.prod(scale[:-1]), scale[-1], Spacing(high, wide))


def _leads(shape: tuple[int, ...], scale: tuple[int, ...]) -> bool:
    """Whether scales have the sizes of the first axes of a weight, and 1 for the others."""
    while len(scale) > 1 and scale[-1] == 1:
        scale = scale[:-1]
    return len(scale) < len(shape) and shape[: len(scale)] == scale


def _block(size: int, count: int, said: int | None) -> int | None:
    """Return the length of a block, None if ``count`` of them do not make ``size``."""
    if count == size:
        return 1
    for length in (said, _USUAL_BLOCK):
        if length and length > 0 and -(-size // length) == count:
            return length
    return size // count if size % count == 0 else None


def _misfit(shape: tuple[int, ...], scale: tuple[int, ...]) -> MisfitError:
    return MisfitError(f"scales of shape {list(scale)} do not fit a weight of {list(shape)}")
