"""Histograms as figures: bars read back from the picture are NumPy's percentages."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from command.figure_reading import bars, figure_of, texts
from command.in_memory import make_tensor, per_channel, per_tensor

from tensorpeek.tui.figures import FigureError

rng = np.random.default_rng(11)
VALUES = rng.normal(0, 0.1, (40, 30)).astype(np.float32)
CODES = rng.integers(-100, 100, (40, 30)).astype(np.int8)


def test_bars_are_the_percentages_of_numpy() -> None:
    heights, edges = bars(figure_of("hist", make_tensor("w.weight", VALUES)).axes[0])
    counts, true_edges = np.histogram(VALUES.astype(np.float64), 50)
    np.testing.assert_allclose(edges, true_edges, rtol=1e-12)
    np.testing.assert_allclose(heights, 100 * counts / VALUES.size)


def test_what_lies_in_the_range_is_orange_and_the_rest_gray_above_it() -> None:
    axes = figure_of("hist", make_tensor("w.weight", VALUES), selection=(-0.05, 0.12)).axes[0]
    chosen, edges = bars(axes, 0)
    rest, _ = bars(axes, 1)
    wide = VALUES.astype(np.float64)
    inside = wide[(wide >= -0.05) & (wide <= 0.12)]
    np.testing.assert_allclose(chosen, 100 * np.histogram(inside, edges)[0] / wide.size)
    np.testing.assert_allclose(chosen + rest, 100 * np.histogram(wide, edges)[0] / wide.size)
    bottoms = [patch.get_y() for patch in axes.containers[1].patches]
    np.testing.assert_allclose(bottoms, chosen)
    orange, gray = (axes.containers[at].patches[0].get_facecolor() for at in (0, 1))
    assert orange[0] > 0.9
    assert orange[2] < 0.1
    assert max(gray[:3]) - min(gray[:3]) < 0.1
    (legend,) = axes.get_legend().get_texts()
    share = 100 * inside.size / wide.size
    assert legend.get_text() == f"in [-0.05, 0.12]: {inside.size} of 1,200, {share:.2f} %"


def test_bins_over_codes_hold_whole_levels() -> None:
    tensor = make_tensor("w.weight", CODES, quantization=per_tensor(0.5, 0))
    heights, edges = bars(figure_of("hist", tensor, view="raw", bins=40).axes[0])
    np.testing.assert_allclose(heights, 100 * np.histogram(CODES, edges)[0] / CODES.size)
    assert {float(edge) % 1 for edge in edges} == {0.5}
    assert len(set(np.diff(edges))) == 1


def test_both_views_stand_side_by_side() -> None:
    scales = np.linspace(0.01, 0.2, 40)
    tensor = make_tensor("w.weight", CODES, quantization=per_channel(scales))
    figure = figure_of("hist", tensor, both=True)
    raw, real = figure.axes
    heights, edges = bars(raw)
    np.testing.assert_allclose(heights, 100 * np.histogram(CODES, edges)[0] / CODES.size)
    heights, edges = bars(real)
    floats = (CODES.astype(np.float32) * scales.astype(np.float32)[:, None]).astype(np.float64)
    np.testing.assert_allclose(heights, 100 * np.histogram(floats, edges)[0] / CODES.size)
    assert raw.get_position().x1 < real.get_position().x0


def test_both_views_need_two_views() -> None:
    with pytest.raises(FigureError, match="is not quantized"):
        figure_of("hist", make_tensor("w.weight", VALUES), both=True)


def test_limits_cut_the_axis_and_percentages_stay_those_of_all() -> None:
    figure = figure_of("hist", make_tensor("w.weight", VALUES), limits=(-0.1, 0.1), bins=8)
    heights, edges = bars(figure.axes[0])
    assert (edges[0], edges[-1]) == (-0.1, 0.1)
    wide = VALUES.astype(np.float64)
    np.testing.assert_allclose(heights, 100 * np.histogram(wide, edges)[0] / wide.size)
    below, above = int((wide < -0.1).sum()), int((wide > 0.1).sum())
    assert f"not drawn: {below} below, {above} above" in figure.axes[0].get_xlabel()


def test_nan_counts_among_the_parameters_and_is_told() -> None:
    values = np.array([np.nan, np.inf, 1, 2, 3, 4, 5, 5], np.float32)
    figure = figure_of("hist", make_tensor("w.weight", values), bins=4)
    heights, _ = bars(figure.axes[0])
    np.testing.assert_allclose(heights, [12.5, 12.5, 12.5, 37.5])
    assert any("NaN 1" in text and "Inf 1" in text for text in texts(figure))


@pytest.mark.parametrize(
    ("values", "reason"),
    [(np.empty((0, 3), np.float32), "empty"), (np.full(4, np.nan, np.float32), "no finite")],
    ids=["no values", "no finite value"],
)
def test_a_tensor_without_a_histogram_says_why(values: np.ndarray, reason: str) -> None:
    with pytest.raises(FigureError, match=reason):
        figure_of("hist", make_tensor("w.weight", values))


@pytest.mark.parametrize("values", [[3.0], [0.0, 0.0], [-1e308, 1e308], [1e-310, 2e-310]])
def test_odd_values_are_drawn_with_and_without_a_logarithm(values: list[float]) -> None:
    tensor = make_tensor("w.weight", np.array(values))
    for log in (False, True):
        heights, _ = bars(figure_of("hist", tensor, log=log).axes[0])
        assert heights.sum() == pytest.approx(100)


def test_an_overview_has_a_panel_for_each_tensor_and_a_page_of_sixty_four() -> None:
    many = [make_tensor(f"layer{n}.weight", VALUES[:2] + n) for n in range(66)]
    first = figure_of("overview", *many, bins=4)
    names = [axes._left_title.get_text() for axes in first.axes if axes.containers]
    assert names == [tensor.name for tensor in many[:64]]
    assert any("1 to 64 of 66 tensors: page 1 of 2" in text for text in texts(first))
    second = figure_of("overview", *many, page=2, bins=4)
    shown = [axes for axes in second.axes if axes.containers]
    assert len(shown) == 2
    heights, edges = bars(shown[1])
    wide = (VALUES[:2] + 65).astype(np.float64)
    np.testing.assert_allclose(heights, 100 * np.histogram(wide, edges)[0] / wide.size)
    with pytest.raises(FigureError, match="there are pages 1 to 2"):
        figure_of("overview", *many, page=3)


def test_a_panel_without_a_histogram_says_why() -> None:
    good = make_tensor("a.weight", VALUES)
    broken = dataclasses.replace(make_tensor("b.weight", VALUES), error="ends early")
    figure = figure_of("overview", good, broken, make_tensor("c.weight", VALUES[:0]))
    assert "ends early" in texts(figure)
    assert "empty: no values" in texts(figure)


@pytest.mark.parametrize(
    "span",
    [(-0.05, 0.12), (-np.inf, 0.3), (0.1, np.inf), (0.101, 0.102), (-0.3, -0.2)],
    ids=["in the middle", "no lower end", "no upper end", "between two levels", "whole levels"],
)
def test_a_range_of_values_beside_their_codes_is_that_of_the_same_elements(
    span: tuple[float, float],
) -> None:
    tensor = make_tensor("w.weight", CODES, quantization=per_tensor(0.01, 3))
    figure = figure_of("hist", tensor, both=True, selection=span)
    floats = np.float32(0.01) * (CODES.astype(np.float32) - 3)
    inside = (floats >= span[0]) & (floats <= span[1])
    for axes, values in zip(figure.axes, (CODES, floats.astype(np.float64)), strict=True):
        chosen, edges = bars(axes, 0)
        expected = 100 * np.histogram(values[inside], edges)[0] / CODES.size
        np.testing.assert_allclose(chosen, expected)
    if inside.any():
        (legend,) = figure.axes[0].get_legend().get_texts()
        codes = CODES[inside]
        for bound, end in zip(span, (codes.min(), codes.max()), strict=True):
            assert np.isinf(bound) or f"{end}" in legend.get_text()


def test_limits_of_values_beside_their_codes_cut_both_axes_alike() -> None:
    tensor = make_tensor("w.weight", CODES, quantization=per_tensor(0.5, -2))
    raw, real = figure_of("hist", tensor, both=True, limits=(-10.0, 10.0), bins=8).axes
    codes, values = bars(raw)[1], bars(real)[1]
    np.testing.assert_allclose((codes[[0, -1]] + 2) * 0.5, values[[0, -1]])


def test_codes_of_several_scales_say_that_they_have_no_range() -> None:
    tensor = make_tensor("w.weight", CODES, quantization=per_channel(np.linspace(0.01, 0.2, 40)))
    raw, real = figure_of("hist", tensor, both=True, selection=(-0.5, 0.5)).axes
    assert raw.get_legend() is None
    assert real.get_legend() is not None
    assert any("several scales" in text.get_text() for text in raw.texts)
