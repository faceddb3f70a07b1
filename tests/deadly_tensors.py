"""Tensors whose values kill the process that reads them."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from made_tensors import tensor_of
from numpy.typing import NDArray

from tensorpeek.loaders import DTYPES, Tensor
from tensorpeek.loaders.dtypes import DType


@dataclass(frozen=True)
class DeadlyCodec:
    """Kills its process; with ``once``, a file that does not exist yet, the first time only."""

    count: int
    once: str | None = None

    def value_type(self, view: Literal["raw", "dequantized"]) -> DType:
        return DTYPES["float32"]

    def chunks(self, view: Literal["raw", "dequantized"], size: int) -> Iterator[NDArray[Any]]:
        if self.once is None or not Path(self.once).exists():
            if self.once is not None:
                Path(self.once).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        yield np.arange(self.count, dtype=np.float32)


def deadly_tensor(name: str, once: Path | None = None) -> Tensor:
    """Return a vector of 0 to 99 that is deadly to read, always or ``once``."""
    codec = DeadlyCodec(100, None if once is None else str(once))
    return replace(tensor_of(np.zeros(100, np.float32), name=name), codec=codec)
