"""What a grid is: a way to lay out the values of many layers in one picture."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

Places = NDArray[np.int64]


class GridError(Exception):
    """A grid could not be loaded or used; ``reason`` is one clause."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(name, reason)
        self.name, self.reason = name, reason

    def __str__(self) -> str:
        return f"grid {self.name}: {self.reason}"


@dataclass(frozen=True)
class Arrangement:
    """Where values go on a canvas of ``rows`` x ``columns`` places.

    ``places(layer, start, stop)`` returns the rows and the columns, two integer arrays of
    ``stop - start``, of the values ``start`` to ``stop`` (exclusive) of a layer, which count in
    row-major order; layers count from 0. It is called many times, with a bounded number of values.
    Places that no value goes to stay empty; several values at one place are pooled.
    """

    rows: int
    columns: int
    places: Callable[[int, int, int], tuple[Places, Places]]


class Grid(ABC):
    """One way to lay out the values of many layers in one picture.

    A plugin is a class derived from this one with a ``name`` (one word), a ``description`` (one
    line) and the method :meth:`arrange`. It needs nothing but NumPy and sees numbers, never files.
    It is found as an entry point of the group ``tensorpeek.grids`` or in a file that the user names
    with ``--plugin``::

        import numpy as np
        from tensorpeek.analysis.grids import Arrangement, Grid

        class Columns(Grid):
            name = "columns"
            description = "one column for each layer"

            def arrange(self, sizes, aspect):
                def places(layer, start, stop):
                    return np.arange(start, stop), np.full(stop - start, layer)

                return Arrangement(max(sizes), len(sizes), places)
    """

    name: ClassVar[str]
    description: ClassVar[str]
    needs_largest: ClassVar[bool] = False
    """Whether :meth:`values` needs the largest magnitude of each layer: costs a pass of its own."""

    @abstractmethod
    def arrange(self, sizes: tuple[int, ...], aspect: float) -> Arrangement:
        """Return where the values of layers with ``sizes`` values (each at least 1) go.

        ``aspect`` is how many times wider than high the space on the screen is; whatever the
        canvas is, it is stretched to fill that space.
        """

    def values(self, values: NDArray[np.float64], largest: float) -> NDArray[np.float64]:  # noqa: ARG002
        """Return what is drawn of the values of a layer: by default they themselves.

        ``largest`` is the largest finite magnitude of the layer, 0 without any and NaN unless
        ``needs_largest``. The result has as many values.
        """
        return values
