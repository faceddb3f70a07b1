"""The screen of kernels of a driven app: its titles, its tiles and their labels."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import torch
from driven_app import WIDE, DrivenApp, driven
from numpy.typing import NDArray

from tensorpeek.tui.kernels.kernel_plot import KernelPlot


@asynccontextmanager
async def kernels(
    *paths: Path, size: tuple[int, int] = WIDE, **how: bool
) -> AsyncIterator[DrivenApp]:
    async with driven(*paths, size=size, **how) as app:  # type: ignore[arg-type]
        await app.press("4")
        yield app


def saved(tmp_path: Path, **weights: NDArray[np.generic] | torch.Tensor) -> Path:
    path = tmp_path / "model.pt"
    state = {f"{name}.weight": torch.as_tensor(values) for name, values in weights.items()}
    torch.save(state, path)
    return path


def title(app: DrivenApp) -> str:
    return str(app.main.query_one(KernelPlot).border_title)


def subtitle(app: DrivenApp) -> str:
    return str(app.main.query_one(KernelPlot).border_subtitle)


def facts(app: DrivenApp) -> str:
    return app.line("#kernel-facts")


def labels(app: DrivenApp) -> list[int]:
    """The numbers of the filters in the order of their tiles, as they stand on the screen."""
    found: list[int] = []
    for line in app.region("#tiles"):
        words = line.replace("▸", " ").replace("=", " ").replace("×", " ").split()
        if words and all(word.isdigit() for word in words):
            found += map(int, words)
    return found
