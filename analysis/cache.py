"""Keep measured distributions, so that coming back to a tensor costs nothing."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable

from tensorpeek.analysis.distribution import Distribution
from tensorpeek.loaders import Tensor, View

LIMIT = 256 << 20
"""Bytes of tables that a cache keeps unless told otherwise."""


class DistributionCache:
    """The distributions that were used last, up to a number of bytes. Any thread may use it.

    A distribution is found again for the same bytes only: the key holds the tensor's place, with
    the identity of its file, and those of its scales, so a file that was replaced is measured
    anew.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self.limit = limit
        self._entries: OrderedDict[Hashable, Distribution] = OrderedDict()
        self._nbytes = 0
        self._lock = threading.Lock()

    @property
    def nbytes(self) -> int:
        """Bytes that the kept distributions take."""
        return self._nbytes

    def find(self, tensor: Tensor, view: View) -> Distribution | None:
        """Return the distribution of a tensor in a view, None when it is not kept."""
        key = _key(tensor, view)
        with self._lock:
            found = self._entries.get(key)
            if found is not None:
                self._entries.move_to_end(key)
            return found

    def keep(self, tensor: Tensor, view: View, distribution: Distribution) -> None:
        """Keep a distribution and forget those unused for longest while there are too many.

        One that is larger than the limit alone is not kept.
        """
        key = _key(tensor, view)
        with self._lock:
            self._drop(key)
            if distribution.nbytes > self.limit:
                return
            self._entries[key] = distribution
            self._nbytes += distribution.nbytes
            while self._nbytes > self.limit:
                self._drop(next(iter(self._entries)))

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._entries.clear()
            self._nbytes = 0

    def _drop(self, key: Hashable) -> None:
        dropped = self._entries.pop(key, None)
        if dropped is not None:
            self._nbytes -= dropped.nbytes


def _key(tensor: Tensor, view: View) -> Hashable:
    place: list[object] = [view, tensor.name, tensor.dtype]
    place += [tensor.layout, tensor.storage, tensor.codec]
    quantization = tensor.quantization
    if quantization is not None and view == "dequantized":
        for part in (quantization.scale, quantization.zero_point):
            place += [part.layout, part.storage] if part is not None else [None]
    return tuple(place)
