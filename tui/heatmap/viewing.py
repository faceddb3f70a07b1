"""How the screen looks at tensors: axes, part, pooling, scaling, colors; no widget, no file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tensorpeek.tui.heatmap.viewport import Viewport

if TYPE_CHECKING:
    from tensorpeek.analysis.grids import FoundGrid
    from tensorpeek.analysis.heatmap import Axes, ColorMap, Curve, Look, Mode, Plane, Pooled, Window
    from tensorpeek.loaders import Tensor, View
    from tensorpeek.tui.question import Subject


@dataclass(frozen=True)
class TensorQuestion:
    """A part of a tensor in so many cells."""

    subject: Subject
    look: Look


@dataclass(frozen=True)
class GridQuestion:
    """A part of the grid of a model (of one tensor if ``alone``) in so many cells.

    ``bounds`` are None for the whole canvas, whose size is not known before.
    """

    subject: Subject
    grid: str
    alone: bool
    bounds: tuple[int, int, int, int] | None
    cells: tuple[int, int]
    with_sums: bool


@dataclass(frozen=True)
class GridCell:
    """A cell of a grid, and the layer that it belongs to."""

    question: GridQuestion
    view: View
    layer: int
    window: Window


Question = TensorQuestion | GridQuestion


class Viewing:
    """The settings of the screen, and what follows from them for the tensor that is shown.

    Going to a tensor of the same shape keeps axes, part and cursor, so that layers compare.
    """

    def __init__(self) -> None:
        self.mode_number = 0
        self.curve_number = 0
        self.map_number = 0
        self.profiles = False
        self.own_range = False
        self.spans_all = False
        self.grid: FoundGrid | None = None
        self.alone = False
        self.plane: Plane | None = None
        self.viewport = Viewport(0, 0)
        self._axes_number = 0
        self._held = 0
        self._shape: tuple[int, ...] | None = None
        self._grid_of: object = None
        self._limits: dict[object, float] = {}
        self._limits_of: object = None

    # Settings

    @property
    def mode(self) -> Mode:
        """What a cell shows."""
        from tensorpeek.analysis.heatmap import MODES

        return MODES[self.mode_number % len(MODES)]

    @property
    def curve(self) -> Curve:
        """How values become colors."""
        from tensorpeek.analysis.heatmap import CURVES

        return CURVES[self.curve_number % len(CURVES)]

    @property
    def color_map(self) -> ColorMap:
        """The colors."""
        from tensorpeek.analysis.heatmap import COLOR_MAPS

        return COLOR_MAPS[self.map_number % len(COLOR_MAPS)]

    @property
    def with_sums(self) -> bool:
        """Whether means are needed."""
        return self.profiles or self.mode == "mean"

    # The tensor

    def start(self, tensor: Tensor) -> None:
        """Go to a tensor."""
        if tensor.shape != self._shape:
            self._shape = tensor.shape
            self._axes_number = self._held = 0
            self._lay_out()

    def _lay_out(self) -> None:
        """Look at the whole plane that the axes make."""
        from tensorpeek.analysis.heatmap import plane_of

        if self._shape is None:
            return
        self.plane = plane_of(self._shape, self.axes, self._held)
        if self.grid is None:
            self.viewport = Viewport(self.plane.rows, self.plane.columns)

    @property
    def axes(self) -> Axes:
        """The axes that are rows and columns."""
        from tensorpeek.analysis.heatmap import choices_of_axes

        choices = choices_of_axes(self._shape or ())
        return choices[self._axes_number % len(choices)]

    @property
    def indexes(self) -> int:
        """How many indexes there are on the axes that are held."""
        from tensorpeek.analysis.heatmap import held_choices

        return held_choices(self._shape or (), self.axes)

    def step_axes(self, step: int) -> bool:
        """Go to another choice of axes; tell whether there is another."""
        from tensorpeek.analysis.heatmap import choices_of_axes

        count = len(choices_of_axes(self._shape or ()))
        if count < 2:
            return False
        self._axes_number = (self._axes_number + step) % count
        self._held = 0
        self._lay_out()
        return True

    def step_index(self, step: int) -> bool:
        """Go to another index on the held axes, keeping the part; tell whether there is another."""
        if self.indexes < 2:
            return False
        self._held = (self._held + step) % self.indexes
        viewport = self.viewport
        self._lay_out()
        self.viewport = viewport
        return True

    # The grids

    def use_grid(self, grid: FoundGrid | None, *, alone: bool) -> None:
        """Go to a grid, or back to the tensor."""
        self.grid, self.alone = grid, alone
        self._grid_of = None
        self.viewport = Viewport(0, 0)
        self._lay_out()

    def start_grid(self, of: object) -> None:
        """Look at the whole grid when it is one of something else than before."""
        if of != self._grid_of:
            self._grid_of = of
            self.viewport = Viewport(0, 0)

    def learn_canvas(self, rows: int, columns: int) -> None:
        """Take in the size of the canvas of the grid, told with its first picture."""
        if (self.viewport.rows, self.viewport.columns) != (rows, columns):
            self.viewport = Viewport(rows, columns)

    # The range of the colors

    def keep_limit(self, of: object, pooled: Pooled) -> None:
        """Remember the largest magnitude of the whole picture of a tensor or model.

        It is kept for the parts of the picture of ``of``, and forgotten with the next one.
        """
        from tensorpeek.analysis.heatmap import MODES, scaling_of

        if of is not self._limits_of:
            self._limits_of = of
            self._limits.clear()
        for mode in MODES:
            if mode != "mean" or pooled.total is not None:
                key = (self._place(), mode)
                self._limits[key] = scaling_of(pooled.values(mode), "linear").limit

    def limit(self, of: object) -> float | None:
        """Return the magnitude that takes the last color; None: the largest that is shown."""
        if self.own_range or self.viewport.is_whole or of is not self._limits_of:
            return None
        return self._limits.get((self._place(), self.mode))

    def _place(self) -> object:
        if self.grid is not None:
            return self.grid.name, self.alone
        return self._axes_number, self._held
