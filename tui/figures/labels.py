"""Names beside dots that cover neither dots nor one another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tensorpeek.tui.figures.lettering import lettered, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Annotation
    from matplotlib.transforms import Bbox

    from tensorpeek.tui.figures.health_point import HealthPoint
    from tensorpeek.tui.figures.theme import FigureTheme

LONGEST = 34
"""Letters of a name."""

STEP = 12
"""Points from one line of names to the next."""

PLACES = (
    (7, 0),
    (-7, 0),
    *(
        (side * (4 + 2 * step), way * STEP * step)
        for step in range(1, 7)
        for way in (1, -1)
        for side in (1, -1)
    ),
)
"""Where a name may begin or end, in points right of and above its dot, best first."""

SPOTS = 25
"""Places of a line that are looked at."""

Place = tuple[float, float]


class PointLabels:
    """Names points of axes, the first ones first; one without room stays without a name.

    The axes must have their final place; ``dots`` (n, 2) are all that is drawn in them.
    """

    def __init__(self, axes: Axes, dots: NDArray[np.float64], theme: FigureTheme) -> None:
        self._axes, self._theme = axes, theme
        self._dots = np.asarray(axes.transData.transform(dots))
        self._boxes: list[Bbox] = []
        self._lines: list[tuple[Place, Place]] = []
        legend = axes.get_legend()
        if legend is not None:
            self._boxes.append(legend.get_window_extent())

    def add(self, points: Sequence[HealthPoint]) -> None:
        """Name the points."""
        for point in points:
            spot = (point.sqnr_db or 0.0, point.extreme_percent or 0.0)
            words = shortened(lettered(point.name), LONGEST)
            for place in PLACES:
                label = self._label(words, spot, place)
                if self._fits(label, spot, place):
                    break
                label.remove()

    def _label(self, words: str, spot: Place, place: Place) -> Annotation:
        right, up = place
        arrow: dict[str, Any] = {
            "arrowstyle": "-",
            "color": self._theme.muted,
            "linewidth": 0.6,
            "shrinkA": 0,
            "shrinkB": 3,
            "relpos": (0.0 if right > 0 else 1.0, 0.5),
        }
        label = self._axes.annotate(
            words,
            spot,
            place,
            textcoords="offset points",
            ha="left" if right > 0 else "right",
            va="center",
            fontsize=8,
            color=self._theme.ink,
            zorder=9,
            annotation_clip=False,
            arrowprops=arrow if abs(up) > STEP else None,
        )
        label.set_in_layout(False)
        return label

    def _fits(self, label: Annotation, spot: Place, place: Place) -> bool:
        """Whether a label covers nothing; note what it takes if so."""
        from matplotlib.text import Text

        label.get_window_extent()  # places the text, whose own box has no line in it
        box = Text.get_window_extent(label).padded(1.0)
        frame = self._axes.bbox
        if box.x0 < frame.x0 or box.x1 > frame.x1 or box.y0 < frame.y0 or box.y1 > frame.y1:
            return False
        if any(box.overlaps(other) for other in self._boxes) or self._covers_dots(box):
            return False
        start: Place = tuple(self._axes.transData.transform(spot).tolist())
        line = (start, (box.x0 if place[0] > 0 else box.x1, (box.y0 + box.y1) / 2))
        if any(_cross(line, other) or _passes(other, box) for other in self._lines):
            return False
        if any(_passes(line, other) for other in self._boxes):
            return False
        self._boxes.append(box)
        self._lines.append(line)
        return True

    def _covers_dots(self, box: Bbox) -> bool:
        x, y = self._dots[:, 0], self._dots[:, 1]
        reach = 4.0
        inside = (x > box.x0 - reach) & (x < box.x1 + reach)
        return bool((inside & (y > box.y0 - reach) & (y < box.y1 + reach)).any())


def _cross(one: tuple[Place, Place], two: tuple[Place, Place]) -> bool:
    """Whether two lines cross."""
    (a, b), (c, d) = one, two
    return _side(a, b, c) != _side(a, b, d) and _side(c, d, a) != _side(c, d, b)


def _passes(line: tuple[Place, Place], box: Bbox) -> bool:
    """Whether a line runs through a box, looked at in a few places."""
    spots = np.linspace(line[0], line[1], SPOTS)
    x, y = spots[:, 0], spots[:, 1]
    return bool(((x > box.x0) & (x < box.x1) & (y > box.y0) & (y < box.y1)).any())


def _side(start: Place, end: Place, spot: Place) -> bool:
    turn = (end[0] - start[0]) * (spot[1] - start[1]) - (end[1] - start[1]) * (spot[0] - start[0])
    return turn > 0
