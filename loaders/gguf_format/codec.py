"""Read the values of a tensor that is stored in blocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tensorpeek.loaders.dtypes import DTYPES, DType
from tensorpeek.loaders.gguf_format.bit_fields import Bytes
from tensorpeek.loaders.gguf_format.block_types import BLOCK_TYPES, BlockType
from tensorpeek.loaders.storage import Storage

SCALE_CHUNK = 1 << 20
"""Elements whose scales are read at once."""


@dataclass(frozen=True, slots=True)
class BlockCodec:
    """The whole blocks of ggml's type number ``kind`` that lie in ``storage``, row by row."""

    storage: Storage
    kind: int
    byteorder: Literal["little", "big"] = "little"

    @property
    def type(self) -> BlockType:
        """The block type."""
        return BLOCK_TYPES[self.kind]

    def value_type(self, view: Literal["raw", "dequantized"]) -> DType:
        """See :meth:`tensorpeek.loaders.codec.Codec.value_type`: the codes' type, or float32."""
        return self.type.element if view == "raw" else DTYPES["float32"]

    def chunks(self, view: Literal["raw", "dequantized"], size: int) -> Iterator[NDArray[Any]]:
        """See :meth:`tensorpeek.loaders.codec.Codec.chunks`."""
        decode = self.type.raw if view == "raw" else self.type.dequantized
        for blocks in self._blocks(size):
            yield decode(blocks)

    def scales(self) -> NDArray[np.float64]:
        """Return the size of the scale of every group of elements, in the order of the groups.

        Signs are left out, as the codes of a group may run either way, and so are the offsets
        that some types add. Raises LoadError.
        """
        found, filled = np.empty(0), 0
        for blocks in self._blocks(SCALE_CHUNK):
            with np.errstate(over="ignore", invalid="ignore"):
                part = np.abs(self.type.scales(blocks)[0].reshape(-1).astype(np.float64))
            if not filled:  # room for all at once: parts that are put together take it twice
                groups = part.size // len(blocks)
                found = np.empty(self.storage.nbytes // self.type.nbytes * groups)
            found[filled : filled + part.size] = part
            filled += part.size
        return found

    def _blocks(self, size: int) -> Iterator[Bytes]:
        """Yield the blocks of about ``size`` elements at a time, shape (blocks, bytes)."""
        width = self.type.nbytes
        step = max(size // self.type.size, 1) * width
        with self.storage.open() as read:
            for start in range(0, self.storage.nbytes, step):
                content = read(start, min(start + step, self.storage.nbytes))
                blocks = np.frombuffer(content, np.uint8).reshape(-1, width)
                yield blocks if self.byteorder == "little" else self.type.to_little(blocks)
