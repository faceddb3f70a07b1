"""The ways to quantize that can be tried: a grid, what shares a scale, symmetric or not."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tensorpeek.analysis.diagnosis.diagnosis import Diagnosis
from tensorpeek.analysis.diagnosis.error_sums import GridError
from tensorpeek.analysis.diagnosis.float_grids import E4M3, E5M2, MXFP4, NF4
from tensorpeek.analysis.diagnosis.grids import IntegerGrid
from tensorpeek.analysis.diagnosis.trials import Grid, Trial

GRID_NAMES = ("int8", "int6", "int4", "int3", "int2", "fp8 e4m3", "fp8 e5m2", "nf4", "mxfp4")
"""The grids from fine to coarse, integers first."""

GRANULARITIES: tuple[str | int, ...] = ("tensor", "channel", 128, 64, 32)
"""What shares one scale: a tensor, a channel, or so many inputs; from coarse to fine."""

_FLOATS: dict[str, Grid] = {"fp8 e4m3": E4M3, "fp8 e5m2": E5M2, "nf4": NF4, "mxfp4": MXFP4}

_FIXED: dict[str, int] = {"nf4": 64, "mxfp4": 32}
"""Grids whose sources say how many inputs share a scale."""


@dataclass(frozen=True)
class Scheme:
    """One of :data:`GRID_NAMES`, one of :data:`GRANULARITIES`, and a kind of integer grid.

    NF4 and MXFP4 have the groups of their sources (64 and 32 inputs), whatever ``granularity``
    says; all grids but integers are symmetric.
    """

    grid: str = "int8"
    granularity: str | int = "tensor"
    symmetric: bool = True

    @property
    def is_integer(self) -> bool:
        """Whether there are symmetric and asymmetric grids of this name."""
        return self.grid not in _FLOATS

    @property
    def unit(self) -> str | int:
        """What shares a scale in fact."""
        return _FIXED.get(self.grid, self.granularity)

    @property
    def has_free_unit(self) -> bool:
        """Whether one may choose what shares a scale."""
        return self.grid not in _FIXED

    @property
    def trial(self) -> Trial:
        """The grid and the granularity as the simulation takes them."""
        if not self.is_integer:
            return Trial(_FLOATS[self.grid], self.unit)
        return Trial(IntegerGrid(int(self.grid[3:]), self.symmetric), self.unit)

    @property
    def key(self) -> tuple[str, str]:
        """Names of grid and granularity, as a :class:`GridError` has them."""
        trial = self.trial
        return trial.grid.name, trial.label

    @property
    def words(self) -> str:
        """The scheme in words, such as ``int4 per group 128, symmetric``."""
        kind = "symmetric" if self.symmetric else "asymmetric"
        return f"{self.grid} per {self.trial.label}" + (f", {kind}" if self.is_integer else "")

    def with_grid(self, step: int) -> Scheme:
        """Return the scheme with the grid ``step`` places on, around the end."""
        place = (GRID_NAMES.index(self.grid) + step) % len(GRID_NAMES)
        return replace(self, grid=GRID_NAMES[place])

    def with_granularity(self, step: int) -> Scheme:
        """Return the scheme with the granularity ``step`` places on, around the end."""
        place = (GRANULARITIES.index(self.granularity) + step) % len(GRANULARITIES)
        return replace(self, granularity=GRANULARITIES[place])

    def with_other_kind(self) -> Scheme:
        """Return the scheme with an asymmetric grid for a symmetric one, and the reverse."""
        return replace(self, symmetric=not self.symmetric)


def known_errors(diagnosis: Diagnosis) -> dict[tuple[str, str], GridError]:
    """Return the simulated errors of a diagnosis by the ``key`` of their scheme."""
    return {(error.grid, error.granularity): error for error in diagnosis.errors}
