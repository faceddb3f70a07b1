"""The singular values of a tensor: beside noise, their energy, their tail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tensorpeek.analysis.diagnosis import UnmeasurableError
from tensorpeek.analysis.diagnosis.full_spectrum import FullSpectrum, full_spectrum
from tensorpeek.tui.figures.errors import FigureError
from tensorpeek.tui.figures.page import begin_page, note_instead
from tensorpeek.tui.figures.scales import log_axis, percent_axis
from tensorpeek.tui.figures.tensor_words import tensor_facts
from tensorpeek.tui.number_text import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from tensorpeek.loaders import Tensor
    from tensorpeek.tui.figures.draft import Draft
    from tensorpeek.tui.figures.theme import FigureTheme

DECADES = 12
"""Powers of ten below the largest eigenvalue that are drawn: beyond, there is only rounding."""

SMALLEST = 1e-120
"""Singular values below it, and above its reciprocal, have squares that cannot be drawn."""

SHORT = 100.0
"""Ends of a logarithmic axis that are less apart leave room for more labels."""

SIZE = (10.5, 7.2)

MOST_DOTS = 2000
"""Dots of a tail that are drawn one by one."""


def read_spectrum(tensor: Tensor, draft: Draft) -> FullSpectrum:
    """Compute all singular values. Raises FigureError, LoadError and CancelledError."""
    try:
        found = full_spectrum(
            tensor,
            draft.options.view,
            huge=draft.options.huge,
            stop=draft.stop,
            progress=draft.progress,
        )
    except UnmeasurableError as error:
        raise FigureError(error.reason) from error
    if not found.values[0] or not np.isfinite(found.values[0]):
        raise FigureError("has no singular value but zero")
    if not SMALLEST < found.values[0] < 1 / SMALLEST:
        raise FigureError("has singular values whose squares overflow or vanish")
    return found


def draw_spectrum(found: FullSpectrum, tensor: Tensor, draft: Draft) -> Figure:
    """Draw singular values, their distribution beside noise, their energy, and their tail."""
    facts = [tensor_facts(tensor, draft.options.view, draft.model), spectrum_words(found)]
    page = begin_page(draft, tensor.name, facts, size=SIZE)
    page.arrange(padding=0.14)
    (values, noise), (energy, tail) = page.figure.subplots(2, 2)
    theme = draft.theme
    _draw_values(values, found, theme, log=draft.options.log)
    _draw_noise(noise, found, theme)
    _draw_energy(energy, found, theme)
    _draw_tail(tail, found, theme)
    return page.figure


def spectrum_words(found: FullSpectrum) -> str:
    """Return the measures of a spectrum in one line."""
    measures, side = found.spectrum, found.values.size
    words = [
        f"{measures.rows:,} × {measures.columns:,} matrix",
        f"condition {number(measures.condition, 4)}",
        f"rank {number(measures.rank)} of {side:,}",
        f"stable rank {measures.stable_rank:.1f}",
        f"effective rank {measures.effective_rank:,}",
        f"entropy rank {measures.entropy_rank:.1f}",
    ]
    return "   ".join(words)


def _draw_values(axes: Axes, found: FullSpectrum, theme: FigureTheme, *, log: bool) -> None:
    """Draw the singular values by rank, those beyond noise in orange."""
    axes.set_title("Singular values")
    numbers = np.arange(1, found.values.size + 1)
    above = found.above_bulk or 0
    style: dict[str, Any] = {
        "linestyle": "",
        "marker": "o",
        "markersize": 2.6,
        "markeredgewidth": 0.0,
    }
    axes.plot(numbers[above:], found.values[above:], color=theme.outside, **style)
    axes.plot(numbers[:above], found.values[:above], color=theme.inside, **style)
    axes.set_xlabel("number")
    axes.set_ylabel("σ")
    axes.set_xlim(0, found.values.size + 1)
    if log:
        positive = found.values[found.values > found.values[0] * 10.0**-DECADES]
        log_axis(axes, "y", fine=positive[0] < SHORT * positive[-1])
        axes.set_ylim(float(positive[-1]) / 1.5, float(found.values[0]) * 1.5)
    else:
        axes.set_ylim(0.0, float(found.values[0]) * 1.06)
    if found.bulk is None or not found.bulk.high:
        return
    words = f"upper edge of noise: {above:,} above"
    _level(axes, found.bulk.high, words, theme, is_right=True)
    if found.bulk.low > axes.get_ylim()[0] + 0.03 * np.ptp(axes.get_ylim()):
        _level(axes, found.bulk.low, "lower edge of noise", theme, is_right=False)


def _level(axes: Axes, value: float, words: str, theme: FigureTheme, *, is_right: bool) -> None:
    """Draw a level with its name above it at the right, or below it at the left."""
    axes.axhline(value, color=theme.curve, linewidth=1.1, linestyle=(0, (5, 3)))
    axes.annotate(
        words, (1.0 if is_right else 0.02, value), (0, 3 if is_right else -4),
        xycoords=("axes fraction", "data"), textcoords="offset points", color=theme.curve,
        ha="right" if is_right else "left", va="bottom" if is_right else "top", fontsize=8,
    )  # fmt: skip


def _draw_noise(axes: Axes, found: FullSpectrum, theme: FigureTheme) -> None:
    """Draw how many singular values lie where, and how many of noise would."""
    axes.set_title("Beside noise (Marchenko-Pastur)")
    top = float(found.values[0]) * 1.02
    if found.bulk is not None:
        top = max(top, found.bulk.high * 1.05)
    bins = int(np.clip(found.values.size // 3, 12, 80))
    counts, edges = np.histogram(found.values, bins, (0.0, top))
    is_above = edges[:-1] >= (found.bulk.high if found.bulk is not None else np.inf)
    colors = np.where(is_above, theme.inside, theme.outside)
    axes.bar(
        edges[:-1], counts, np.diff(edges), align="edge", color=colors.tolist(),
        edgecolor=theme.ground, linewidth=0.4,
    )  # fmt: skip
    axes.set_xlim(0.0, top)
    axes.set_xlabel("σ")
    axes.set_ylabel("singular values in a bin")
    if found.bulk is None or not found.bulk.high:
        return
    for bulk, words, dashes in (
        (found.bulk, "noise of the same std", (0, ())),
        (found.median_bulk, "noise of the same median", (0, (2, 2))),
    ):
        if bulk is None or not bulk.high:
            continue
        fine = np.linspace(0.0, top, 8 * bins + 1)
        expected = bulk.expected(fine) * 8
        middles = (fine[:-1] + fine[1:]) / 2
        expected[expected <= 0] = np.nan
        axes.plot(
            middles, expected, color=theme.curve, linewidth=1.4, linestyle=dashes, label=words
        )
    axes.legend(loc="upper right", labelcolor=theme.ink)


def _draw_energy(axes: Axes, found: FullSpectrum, theme: FigureTheme) -> None:
    """Draw what share of the sum of squares the first singular values hold."""
    axes.set_title("Cumulative energy")
    energy = energy_percent(found.values)
    numbers = np.arange(1, energy.size + 1)
    axes.fill_between(numbers, energy, color=theme.inside, alpha=0.18, linewidth=0)
    axes.plot(numbers, energy, color=theme.inside, linewidth=1.6)
    axes.set_xlim(0, energy.size + 1)
    percent_axis(axes, log=False)
    axes.set_ylim(0, 104)
    axes.set_xlabel("number of singular values kept")
    axes.set_ylabel("share of Σσ²")
    for rank, share in ((found.spectrum.rank_90, 90), (found.spectrum.rank_99, 99)):
        axes.plot([rank, rank], [0, share], color=theme.muted, linewidth=0.9, linestyle=(0, (3, 3)))
        near_end = rank > 0.75 * energy.size
        axes.annotate(
            f"{share} %: {rank:,}", (rank, 12 if share == 90 else 4), (-4 if near_end else 4, 0),
            textcoords="offset points", ha="right" if near_end else "left", fontsize=8,
        )  # fmt: skip


def energy_percent(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of the sum of squares in the first k values, in percent, for every k."""
    energy = np.cumsum((values / values[0]) ** 2)
    return np.asarray(100.0 * energy / energy[-1])


def _draw_tail(axes: Axes, found: FullSpectrum, theme: FigureTheme) -> None:
    """Draw the share of eigenvalues at least as large as each, with the power law that fits."""
    axes.set_title("Tail of λ = σ²")
    with np.errstate(over="ignore", under="ignore"):
        squares = found.values**2
    kept = squares[np.isfinite(squares) & (squares > squares[0] * 10.0**-DECADES)]
    if kept.size < 2 or kept[0] <= kept[-1]:
        note_instead(axes, "fewer than two different eigenvalues", theme)
        return
    shares = np.arange(1, kept.size + 1) / found.values.size
    law = found.spectrum.power_law
    in_tail = kept >= law.xmin * (1 - 1e-12) if law is not None else np.zeros(kept.size, bool)
    style: dict[str, Any] = {
        "linestyle": "",
        "marker": "o",
        "markeredgewidth": 0.0,
        "rasterized": kept.size > MOST_DOTS,
    }
    axes.plot(kept[~in_tail], shares[~in_tail], color=theme.outside, markersize=2.6, **style)
    axes.plot(kept[in_tail], shares[in_tail], color=theme.inside, markersize=3.4, **style)
    log_axis(axes, "x", fine=kept[0] < SHORT * kept[-1])
    log_axis(axes, "y")
    axes.set_xlabel("λ")
    axes.set_ylabel("share at least as large")
    if law is None:
        return
    fit = np.geomspace(law.xmin, float(kept[0]), 50)
    curve = law.tail / found.values.size * (fit / law.xmin) ** (1 - law.alpha)
    words = f"power law, α {law.alpha:.2f} ± {law.alpha_error:.2f}"
    axes.plot(fit, curve, color=theme.curve, linewidth=1.4, label=words)
    axes.set_ylim(0.5 / found.values.size, 1.6)
    axes.legend(loc="lower left", labelcolor=theme.ink)
