"""Any tensor as a picture: which axes, which part, pooled to cells, scaled, colored."""

from tensorpeek.analysis.heatmap.cell import CellAt, CellValue, element_at, read_cell
from tensorpeek.analysis.heatmap.color_maps import (
    COLOR_MAPS,
    INFINITE_COLOR,
    NAN_COLOR,
    ColorMap,
    steps_of,
)
from tensorpeek.analysis.heatmap.picture import (
    Look,
    pooled_picture,
    sampled_picture,
    whole,
)
from tensorpeek.analysis.heatmap.plane import (
    Axes,
    Plane,
    axis_indexes,
    choices_of_axes,
    held_choices,
    plane_of,
)
from tensorpeek.analysis.heatmap.pool import MODES, Mode, Pool, Pooled
from tensorpeek.analysis.heatmap.scaling import CURVES, Curve, Scaling, scaling_of
from tensorpeek.analysis.heatmap.window import Window, cell_starts

__all__ = [
    "COLOR_MAPS",
    "CURVES",
    "INFINITE_COLOR",
    "MODES",
    "NAN_COLOR",
    "Axes",
    "CellAt",
    "CellValue",
    "ColorMap",
    "Curve",
    "Look",
    "Mode",
    "Plane",
    "Pool",
    "Pooled",
    "Scaling",
    "Window",
    "axis_indexes",
    "cell_starts",
    "choices_of_axes",
    "element_at",
    "held_choices",
    "plane_of",
    "pooled_picture",
    "read_cell",
    "sampled_picture",
    "scaling_of",
    "steps_of",
    "whole",
]
