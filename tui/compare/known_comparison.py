"""Which two models are compared, and what is known about their pairs; no widget."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tensorpeek.tui.compare.ranking import Ranking
from tensorpeek.tui.question import BINS_STEP, DEFAULT_BINS, MAX_BINS, MIN_BINS

if TYPE_CHECKING:
    from tensorpeek.analysis.comparison import Pair, Pairing
    from tensorpeek.loaders import Model, Tensor
    from tensorpeek.tui.compare.messages import PairView


class KnownComparison:
    """Model a is the one that is chosen; b is another one, or both hold a marked tensor."""

    def __init__(self) -> None:
        self.first: Model | None = None
        self.second: Model | None = None
        self.other: Path | None = None
        self.ranking: Ranking | None = None
        self.pair: Pair | None = None
        self.view: PairView | None = None
        self.is_marked = False
        self.is_unmatched_shown = False
        self.bins = DEFAULT_BINS
        self._by = 0

    def is_between(self, first: Model, second: Model) -> bool:
        """Whether these are the models that were matched."""
        return self.first is first and self.second is second and self.ranking is not None

    def begin(self, first: Model, second: Model) -> None:
        """Begin with two models: nothing is known of their pairs."""
        self.first, self.second = first, second
        self.ranking = self.pair = self.view = None
        self.is_marked = self.is_unmatched_shown = False

    def matched(self, pairing: Pairing) -> None:
        """Take in which tensors match."""
        self.ranking = Ranking(pairing, by=self._by)

    def match_marked(self, first: Tensor, second: Tensor) -> None:
        """Compare two tensors whatever their names."""
        from tensorpeek.analysis.comparison import Pair, Pairing

        pair = Pair(first, second, "marked by hand")
        self.ranking = Ranking(Pairing((pair,), (), ()), by=self._by)
        self.pair, self.view, self.is_marked = pair, None, True
        self.is_unmatched_shown = False

    def next_measure(self) -> None:
        """Rank by the next measure."""
        if self.ranking is not None:
            self.ranking.next_measure()
            self._by = self.ranking.by

    def more_bins(self, step: int) -> bool:
        """Use more or fewer bins; tell whether that changed anything."""
        before = self.bins
        self.bins = min(max(self.bins + step * BINS_STEP, MIN_BINS), MAX_BINS)
        return self.bins != before

    @property
    def unmatched(self) -> list[tuple[str, Tensor]]:
        """The tensors without a partner, with the letter of their model."""
        if self.ranking is None:
            return []
        pairing = self.ranking.pairing
        return [
            *(("a", tensor) for tensor in pairing.only_first),
            *(("b", tensor) for tensor in pairing.only_second),
        ]

    @property
    def place(self) -> int:
        """Where the current pair stands in the ranking, from 0; 0 without one."""
        if self.ranking is None or self.pair is None:
            return 0
        return self.ranking.order.index(self.pair)

    def candidates(self, path: Path, paths: Sequence[Path]) -> list[Path]:
        """Return the other files, those after ``path`` first."""
        at = paths.index(path)
        return [*paths[at + 1 :], *paths[:at]]

    def pair_for(self, tensor: Tensor) -> Pair | None:
        """Return the pair of a tensor of a; without one the worst of its layer."""
        if self.ranking is None:
            return None
        if self.is_marked:
            return self.ranking.order[0]
        return self.ranking.pair_of(tensor.name)

    def line(self, place: int) -> tuple[str, str]:
        """Return a line of the list of pairs: the measure, the name."""
        if self.ranking is None:
            return "", ""
        pair = self.ranking.order[place]
        return f"{self.ranking.text(pair):>8}", pair.first.name


def unmatched_line(alone: Sequence[tuple[str, Tensor]], place: int) -> tuple[str, str]:
    """Return a line of the list of tensors without a partner."""
    letter, tensor = alone[place]
    shape = "×".join(map(str, tensor.shape)) or "scalar"
    left = f"{letter}  {tensor.role[:17]:<17}  {tensor.dtype[:9]:<9}  {shape[:18]:<18}"
    return left, tensor.name
