"""What is laid over each other: tensors, and their histograms over the same bins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tensorpeek.analysis import Edges, Histogram
    from tensorpeek.loaders import Tensor

MOST = 6
"""Tensors at most: more outlines in one picture cannot be told apart."""


@dataclass(frozen=True)
class Marked:
    """A tensor that was marked; ``label`` tells it from the others."""

    path: Path
    tensor: Tensor = field(repr=False)
    label: str


def labeled(marked: Sequence[tuple[Path, Tensor]]) -> list[Marked]:
    """Return marked tensors under their names, with that of the file where there are several."""
    from tensorpeek.tui.file_names import path_labels

    files = path_labels(list(dict.fromkeys(path for path, _ in marked)))
    several = len(files) > 1
    return [
        Marked(path, tensor, f"{files[str(path)]}: {tensor.name}" if several else tensor.name)
        for path, tensor in marked
    ]


@dataclass(frozen=True, eq=False)
class Curve:
    """A tensor as it is drawn; without a ``histogram`` there is a ``reason``."""

    marked: Marked
    histogram: Histogram | None = None
    std: float | None = None
    reason: str = ""


@dataclass(frozen=True, eq=False)
class Overlaid:
    """The curves of some tensors over the same ``edges``; None where no tensor has values."""

    curves: tuple[Curve, ...]
    edges: Edges | None

    @property
    def drawn(self) -> list[tuple[int, Histogram]]:
        """The histograms, each with the place of its tensor."""
        return [
            (place, curve.histogram)
            for place, curve in enumerate(self.curves)
            if curve.histogram is not None
        ]

    @property
    def fullest(self) -> int:
        """The bin that has the largest share of any tensor, from 0."""
        shares = [histogram.percent for _, histogram in self.drawn]
        return 0 if not shares else int(max(shares, key=lambda share: share.max()).argmax())


def bins_words(edges: Edges) -> str:
    """Return ``50 bins``, and how many levels each holds where they hold whole ones."""
    levels = edges.levels
    each = "" if levels is None else f" of {levels:,} level{'' if levels == 1 else 's'}"
    return f"{edges.bins} bin{'' if edges.bins == 1 else 's'}{each}"
