"""Colors of signed values: a map around zero, what is not finite, the bar that explains them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tensorpeek.analysis.heatmap import COLOR_MAPS, INFINITE_COLOR, NAN_COLOR, Scaling
from tensorpeek.tui.figures.errors import FigureError
from tensorpeek.tui.number_text import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap, Normalize
    from matplotlib.image import AxesImage

    from tensorpeek.tui.figures.theme import FigureTheme

ALIASES = {"magnitude": "viridis |w|"}
"""Names that need no quotes in a shell."""

STEPS = 256
"""Colors of the bar."""


def color_map(name: str | None, theme: FigureTheme) -> Colormap:
    """Return a color map of tensorpeek or matplotlib by its name, from the least to the most.

    NaN has a color of its own. Raises FigureError for an unknown name.
    """
    import matplotlib as mpl
    from matplotlib.colors import ListedColormap

    name = name or theme.color_map
    own = {found.name: found for found in COLOR_MAPS}.get(ALIASES.get(name, name))
    if own is not None:
        colors = np.array(own.colors(dark=theme.is_dark)) / 255
        places = np.linspace(0, len(colors) - 1, STEPS + 1)
        smooth = [np.interp(places, np.arange(len(colors)), colors[:, part]) for part in range(3)]
        found: Colormap = ListedColormap(np.stack(smooth, axis=1), name=own.name)
    elif name in mpl.colormaps:
        found = mpl.colormaps[name].copy()
    else:
        names = ", ".join([*(own.name for own in COLOR_MAPS[:-1]), *ALIASES])
        raise FigureError(f"no color map '{name}'; there are: {names}, and those of matplotlib")
    return found.with_extremes(bad=_share(NAN_COLOR))


def _share(color: tuple[int, int, int]) -> tuple[float, float, float]:
    red, green, blue = color
    return red / 255, green / 255, blue / 255


def scaled_norm(scaling: Scaling) -> Normalize:
    """Return what puts values on a color map as ``scaling`` does: zero lies in the middle."""
    from matplotlib.colors import Normalize

    class ScaledNorm(Normalize):
        """The places of a scaling, from 0 to 1."""

        def __call__(self, value: Any, clip: bool | None = None) -> Any:  # noqa: ANN401, ARG002, FBT001
            """Return the places of values; masked where they are NaN."""
            filled = np.ma.filled(np.ma.asarray(value, np.float64), np.nan)
            return np.ma.masked_invalid((scaling.place(filled) + 1) / 2)

    limit = scaling.limit or 1.0
    return ScaledNorm(-limit, limit)


@dataclass(frozen=True, eq=False)
class Coloring:
    """What color a value has: its place by ``scaling``, on the map ``colors``."""

    colors: Colormap
    scaling: Scaling


def draw_values(
    axes: Axes,
    values: NDArray[np.float64],
    coloring: Coloring,
    *,
    extent: tuple[float, float, float, float] | None = None,
    holds: NDArray[np.bool_] | None = None,
) -> AxesImage:
    """Draw an array as an image, the first row on top; infinities have a color of their own.

    Where ``holds`` says that there is nothing, nothing is drawn.
    """
    from matplotlib.colors import ListedColormap

    shown = np.where(np.isinf(values), 0.0, values)
    there = np.ones(values.shape, bool) if holds is None else holds
    image = axes.imshow(
        shown,
        cmap=coloring.colors,
        norm=scaled_norm(coloring.scaling),
        extent=extent,
        aspect="auto",
        alpha=None if there.all() else there.astype(np.float64),
    )
    infinite = np.isinf(values)
    if infinite.any():
        axes.imshow(
            np.ma.masked_array(np.ones(values.shape), ~infinite),
            cmap=ListedColormap([_share(INFINITE_COLOR)]),
            extent=extent,
            aspect="auto",
        )
    return image


def draw_color_bar(axes: Axes, coloring: Coloring) -> None:
    """Draw what value has what color, from the least to the most, zero in the middle."""
    scaling = coloring.scaling
    axes.imshow(
        coloring.colors(np.linspace(0, 1, STEPS + 1))[::-1, None, :3],
        extent=(0, 1, -1, 1),
        aspect="auto",
    )
    ticks, texts = _bar_ticks(scaling)
    axes.set_yticks(ticks, texts)
    axes.set_xticks([])
    if scaling.curve != "linear":
        axes.set_xlabel(scaling.curve, fontsize=8, loc="left")
    axes.yaxis.tick_right()
    axes.grid(visible=False)
    axes.tick_params(axis="y", length=3, width=0.8)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _bar_ticks(scaling: Scaling) -> tuple[list[float], list[str]]:
    """Return places and labels: round values on a linear bar, else those of even places."""
    from matplotlib.ticker import MaxNLocator

    limit = scaling.limit
    if scaling.curve == "linear" and 1e-300 < limit < 1e300:
        found = MaxNLocator(8, steps=[1, 2, 2.5, 5, 10]).tick_values(-limit, limit)
        values = [float(value) for value in found if abs(value) <= limit * (1 + 1e-9)]
        places = [value / limit for value in values]
    else:
        places = np.linspace(-1, 1, 9).tolist()
        values = [scaling.value_at(place) for place in places]
    return places, [number(value, 3) for value in values]


def marks_words(nan: int, infinite: int, what: str) -> list[str]:
    """Return what the colors of NaN and infinities stand for, if there are any."""
    words = []
    if nan:
        words.append(f"{nan:,} {what}{'' if nan == 1 else 's'} with NaN: magenta")
    if infinite:
        plural = "" if infinite == 1 else "s"
        words.append(f"{infinite:,} {what}{plural} with infinities: bright green")
    return words
