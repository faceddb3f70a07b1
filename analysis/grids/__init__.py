"""Whole models as one picture: ways to lay out the values of all layers, which plugins may add."""

from tensorpeek.analysis.grids.built_in import BUILT_IN
from tensorpeek.analysis.grids.grid import Arrangement, Grid, GridError
from tensorpeek.analysis.grids.loading import GROUP, FoundGrid, checked, find_grids
from tensorpeek.analysis.grids.model_picture import (
    GridLook,
    GridPainter,
    GridPicture,
    element_in_cell,
    tensors_in_grid,
)

__all__ = [
    "BUILT_IN",
    "GROUP",
    "Arrangement",
    "FoundGrid",
    "Grid",
    "GridError",
    "GridLook",
    "GridPainter",
    "GridPicture",
    "checked",
    "element_in_cell",
    "find_grids",
    "tensors_in_grid",
]
