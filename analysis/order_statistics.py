"""Find the values of given ranks without sorting all values.

The table of buckets tells in which few buckets the ranks lie. Their values are gathered and
sorted when they are few. When they are many, each bucket's range of order keys is divided by up
to 65,536 and counted, pass by pass, until they are few or their keys are told apart: a radix
selection from the most significant digit on (Knuth, The Art of Computer Programming 3, 5.2.5).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorpeek.analysis.buckets import Buckets
from tensorpeek.analysis.order_keys import (
    bucket_positions,
    from_order_keys,
    order_keys,
    upper_patterns,
)

GATHERED = 1 << 21
"""Values that may be gathered at once: 16 MiB of keys."""

FEW = 1 << 14
"""Values that are sorted without looking for their buckets, which takes longer."""

Again = Callable[[NDArray[np.bool_]], Iterator[NDArray[Any]]]
"""Reads the values of the wanted buckets once more."""


@dataclass(frozen=True, slots=True)
class Span:
    """Order keys from ``low`` to ``high``: ``count`` values have them, ``before`` are smaller."""

    low: int
    high: int
    count: int
    before: int

    def keys_in(self, keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Return those of ``keys`` that lie in this span."""
        return keys[(keys >= np.uint64(self.low)) & (keys <= np.uint64(self.high))]

    def ranks_in(self, ranks: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return those of ``ranks`` that lie in this span, counted from its first value."""
        return ranks[(ranks >= self.before) & (ranks < self.before + self.count)] - self.before

    @property
    def shift(self) -> int:
        """How many low bits of a key to drop so that at most 65,536 parts are left."""
        return max(0, (self.high - self.low).bit_length() - 16)


def wanted_buckets(buckets: Buckets, ranks: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which buckets hold the values of the increasing ``ranks``, counted from 0.

    All of them when there are few values.
    """
    if buckets.reached[-1] <= FEW:
        return np.ones(buckets.counts.size, np.bool_)
    wanted = np.zeros(buckets.counts.size, np.bool_)
    wanted[np.searchsorted(buckets.reached, ranks, side="right") - 1] = True
    return wanted


def order_statistics(
    again: Again,
    buckets: Buckets,
    ranks: NDArray[np.int64],
    dtype: np.dtype[Any],
    extremes: tuple[float, float],
) -> dict[int, float]:
    """Return the value, as float, of each of the increasing ``ranks``, counted from 0.

    ``again`` is given which buckets are wanted and reads their values, which are of ``dtype`` and
    lie between the ``extremes``.
    """
    lowest, highest = _extreme_keys(extremes, dtype)
    count = int(buckets.reached[-1])
    wanted = wanted_buckets(buckets, ranks)
    spans = [Span(int(lowest), int(highest), count, 0)]
    if count > FEW:
        spans = _bucket_spans(buckets, wanted, dtype, (lowest, highest))
    found: dict[int, int] = {}
    while sum(span.count for span in spans) > GATHERED:
        spans = _settle(_divided(again(wanted), spans, ranks), ranks, found)
    if spans:
        _gather(again(wanted), spans, ranks, found)
    keys = np.array([found[rank] for rank in ranks.tolist()], np.uint64)
    values = from_order_keys(keys, dtype).astype(np.float64)
    return dict(zip(ranks.tolist(), values.tolist(), strict=True))


def _extreme_keys(
    extremes: tuple[float, float], dtype: np.dtype[Any]
) -> tuple[np.uint64, np.uint64]:
    low, high = extremes
    if dtype.kind == "f":  # both zeros lie between extremes that are zero, of whatever sign
        low, high = low or -0.0, high or 0.0
    keys = order_keys(np.array([low, high], dtype))
    return keys[0], keys[1]


def _bucket_spans(
    buckets: Buckets,
    wanted: NDArray[np.bool_],
    dtype: np.dtype[Any],
    extremes: tuple[np.uint64, np.uint64],
) -> list[Span]:
    """Return the wanted buckets as spans: for most types their limits must be searched for."""
    lowest, highest = extremes
    places = np.flatnonzero(wanted)
    positions = bucket_positions()[buckets.patterns[places]]
    lows = _first_keys(positions, lowest, highest, dtype)
    after = _first_keys(positions + 1, lowest, highest, dtype)
    is_last = places == buckets.counts.size - 1
    highs = np.where(is_last, highest, after - np.uint64(1))
    return [
        Span(int(low), int(high), int(buckets.counts[place]), int(buckets.reached[place]))
        for low, high, place in zip(lows, highs, places, strict=True)
    ]


def _first_keys(
    positions: NDArray[np.intp], lowest: np.uint64, highest: np.uint64, dtype: np.dtype[Any]
) -> NDArray[np.uint64]:
    """Return the first keys, up to ``highest``, of buckets in or after these positions."""
    if dtype == np.float32:  # a bucket is the upper half of the keys of its values
        keys: NDArray[np.uint64] = positions.astype(np.uint64) << np.uint64(16)
        return np.minimum(np.maximum(keys, lowest), highest)
    ordered = bucket_positions()
    low, high = np.full(positions.shape, lowest), np.full(positions.shape, highest)
    while (low < high).any():
        middle = low + (high - low) // np.uint64(2)
        patterns = upper_patterns(from_order_keys(middle, dtype))
        reaches = (ordered[patterns] >= positions) | (low == high)
        high = np.where(reaches, middle, high)
        low = np.where(reaches, low, middle + np.uint64(1))
    return low


def _divided(
    stream: Iterable[NDArray[Any]], spans: list[Span], ranks: NDArray[np.int64]
) -> list[Span]:
    """Count the parts of each span in one pass; return those parts in which a rank lies."""
    tables = [np.zeros(((span.high - span.low) >> span.shift) + 1, np.int64) for span in spans]
    for values in stream:
        keys = order_keys(values)
        for index, span in enumerate(spans):
            offsets = (span.keys_in(keys) - np.uint64(span.low)) >> np.uint64(span.shift)
            tables[index] += np.bincount(offsets.astype(np.intp), minlength=tables[index].size)
    parts = []
    for span, table in zip(spans, tables, strict=True):
        reached = np.concatenate(([0], np.cumsum(table)))
        places = np.searchsorted(reached, span.ranks_in(ranks), side="right") - 1
        for place in np.unique(places).tolist():
            low = span.low + (place << span.shift)
            high = min(low + (1 << span.shift) - 1, span.high)
            parts.append(Span(low, high, int(table[place]), span.before + int(reached[place])))
    return parts


def _settle(spans: list[Span], ranks: NDArray[np.int64], found: dict[int, int]) -> list[Span]:
    """Note the values of spans that hold one key only, return the others."""
    for span in spans:
        if span.low == span.high:
            found |= dict.fromkeys((span.ranks_in(ranks) + span.before).tolist(), span.low)
    return [span for span in spans if span.low < span.high]


def _gather(
    stream: Iterable[NDArray[Any]],
    spans: list[Span],
    ranks: NDArray[np.int64],
    found: dict[int, int],
) -> None:
    """Sort the keys of each span and note those of the ranks in it."""
    parts: list[list[NDArray[np.uint64]]] = [[] for _ in spans]
    for values in stream:
        keys = order_keys(values)
        for span, part in zip(spans, parts, strict=True):
            part.append(span.keys_in(keys))
    for span, part in zip(spans, parts, strict=True):
        ordered = np.sort(np.concatenate(part))
        for rank in span.ranks_in(ranks).tolist():
            found[rank + span.before] = int(ordered[rank])
