"""Scaling keeps sign and order, and colors are those of the published control points."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from tensorpeek.analysis.heatmap import (
    COLOR_MAPS,
    CURVES,
    INFINITE_COLOR,
    NAN_COLOR,
    ColorMap,
    scaling_of,
    steps_of,
)
from tensorpeek.analysis.heatmap.color_maps import BLUE_ORANGE, COOLWARM, STEPS

VALUES = np.array([-4.0, -1.0, -0.25, 0.0, 1e-9, 0.5, 2.0, 3.0])


@pytest.mark.parametrize("curve", CURVES)
def test_places_keep_sign_and_order_and_zero(curve: str) -> None:
    places = scaling_of(VALUES, curve).place(VALUES)
    assert (np.diff(places) > 0).all()
    assert places[3] == 0.0
    assert (np.sign(places) == np.sign(VALUES)).all()
    assert places.min() == -1.0
    assert places.max() <= 1.0


def test_linear_places_are_shares_of_the_limit() -> None:
    places = scaling_of(VALUES, "linear").place(VALUES)
    np.testing.assert_allclose(places, VALUES / 4.0)
    np.testing.assert_allclose(scaling_of(VALUES, "linear", 8.0).place(VALUES), VALUES / 8.0)
    assert scaling_of(VALUES, "linear", 1.0).place(VALUES).tolist()[0] == -1.0


def test_logarithmic_places_spread_three_decades() -> None:
    scaling = scaling_of(VALUES, "log")
    expected = np.sign(VALUES) * np.log1p(1000 * np.abs(VALUES) / 4) / np.log(1001)
    np.testing.assert_allclose(scaling.place(VALUES), expected)


def test_percentile_places_are_ranks_as_scipy_gives_them() -> None:
    values = np.random.default_rng(0).standard_normal(300)
    places = scaling_of(values, "percentile").place(values)
    ranks = [stats.percentileofscore(np.abs(values), abs(v), "weak") / 100 for v in values]
    np.testing.assert_allclose(np.abs(places), ranks)


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize("place", [-1.0, -0.5, 0.0, 0.25, 1.0])
def test_the_legend_tells_the_value_of_a_place(curve: str, place: float) -> None:
    scaling = scaling_of(np.linspace(-5, 5, 2001), curve)
    value = scaling.value_at(place)
    np.testing.assert_allclose(scaling.place(np.array([value])), [place], atol=2e-3)


@pytest.mark.parametrize("curve", CURVES)
def test_odd_values_have_a_place(curve: str) -> None:
    odd = np.array([np.nan, np.inf, -np.inf, 1.0, -2.0])
    places = scaling_of(odd, curve).place(odd)
    assert np.isnan(places[0])
    assert places[1] == 1.0
    assert places[2] == -1.0
    zero = scaling_of(np.zeros(3), curve)
    assert zero.place(np.zeros(3)).tolist() == [0.0, 0.0, 0.0]
    assert zero.value_at(1.0) == 0.0
    assert scaling_of(np.empty(0), curve).place(np.empty(0)).size == 0


def rgb(text: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(text))


@pytest.mark.parametrize("color_map", COLOR_MAPS, ids=lambda each: each.name)
@pytest.mark.parametrize("dark", [True, False], ids=["dark", "light"])
def test_a_map_passes_through_its_control_points(color_map: ColorMap, dark: bool) -> None:
    colors = color_map.colors(dark=dark)
    points = color_map.points if dark or not color_map.light_points else color_map.light_points
    assert len(colors) == 2 * STEPS + 1
    assert len(set(colors)) > STEPS
    assert colors[-1] == rgb(points[-1])
    assert not {NAN_COLOR, INFINITE_COLOR} & set(colors)
    if color_map.for_magnitudes:
        assert colors[STEPS] == rgb(points[0])
        assert colors == colors[::-1]
    else:
        assert colors[0] == rgb(points[0])
        assert colors[STEPS] == rgb(points[len(points) // 2])


def lightness(color: tuple[int, int, int]) -> float:
    """CIE L* of an sRGB color, after IEC 61966-2-1 and CIE 15."""
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in np.array(color) / 255
    ]
    y = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return 116 * y ** (1 / 3) - 16 if y > (6 / 29) ** 3 else y * (29 / 3) ** 3


@pytest.mark.parametrize("color_map", COLOR_MAPS, ids=lambda each: each.name)
@pytest.mark.parametrize("dark", [True, False], ids=["dark", "light"])
def test_lightness_runs_one_way_from_zero_to_each_end(color_map: ColorMap, dark: bool) -> None:
    shades = [lightness(color) for color in color_map.colors(dark=dark)]
    for side in (shades[STEPS:], shades[STEPS::-1]):
        steps = np.diff(side)
        assert (steps > -0.3).all() or (steps < 0.3).all()
        assert abs(side[-1] - side[0]) > 35


def test_zero_has_the_middle_color_and_its_neighbors_have_not() -> None:
    assert COOLWARM.color_at(0.0) == (221, 221, 221)
    assert BLUE_ORANGE.color_at(1 / STEPS) != BLUE_ORANGE.color_at(0.0)
    assert BLUE_ORANGE.color_at(float("nan")) == NAN_COLOR
    assert steps_of(np.array([-1.0, 0.0, 1.0])).tolist() == [0, STEPS, 2 * STEPS]
