"""Levels, their colors and their characters, and the tiles drawn with them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from tensorpeek.tui.color_maps import (
    LEVELS,
    MIDDLE,
    NOT_FINITE,
    NOTHING,
    SIGNS,
    diverging,
    half_blocks,
    levels_of,
    number_cell,
    sign_of,
    signs,
)
from tensorpeek.tui.kernels.filter_page import value_text
from tensorpeek.tui.kernels.tile_grid import tile_grid

FLOATS = st.floats(allow_nan=True, allow_infinity=True)


@given(arrays(np.float64, st.integers(1, 30), elements=FLOATS))
def test_levels_keep_order_and_sign(values: NDArray[np.float64]) -> None:
    finite = values[np.isfinite(values)]
    limit = float(np.abs(finite).max(initial=0.0))
    levels = levels_of(values, limit)
    assert ((levels == NOT_FINITE) == ~np.isfinite(values)).all()
    shown = levels[np.isfinite(values)].astype(int)
    assert ((shown >= 0) & (shown < LEVELS)).all()
    assert (np.diff(shown[np.argsort(finite, kind="stable")]) >= 0).all()
    assert (shown[finite == 0] == MIDDLE).all()
    assert (shown[finite > 0] >= MIDDLE).all()
    assert (shown[finite < 0] <= MIDDLE).all()
    if limit > 0:
        assert {int(level) for level in shown[np.abs(finite) == limit]} <= {0, LEVELS - 1}


def test_characters_tell_signs_and_sizes() -> None:
    letters = [sign_of(level) for level in range(LEVELS)]
    assert letters[MIDDLE] == "."
    assert set(letters[:MIDDLE]) == set("%=-")
    assert set(letters[MIDDLE + 1 :]) == set("+*#")
    assert [SIGNS.index(letter) for letter in letters] == sorted(map(SIGNS.index, letters))
    assert (sign_of(NOT_FINITE), sign_of(NOTHING)) == ("!", " ")


@pytest.mark.parametrize("dark", [True, False], ids=["dark", "light"])
def test_every_level_has_a_color_of_its_own(dark: bool) -> None:
    colors = diverging(dark=dark)
    assert len(colors) == LEVELS + 1 == len(set(colors))


def test_half_blocks_show_both_halves() -> None:
    upper, lower = [3, 3, 60, NOTHING, NOTHING, NOT_FINITE], [5, 5, 60, NOTHING, 7, NOTHING]
    segments = half_blocks(upper, lower, dark=True)
    assert "".join(segment.text for segment in segments) == "▀▀  ▄▀"
    colors = diverging(dark=True)
    assert segments[0].style is not None
    assert tuple(segments[0].style.color.triplet) == colors[3]  # type: ignore[union-attr, arg-type]
    assert tuple(segments[0].style.bgcolor.triplet) == colors[5]  # type: ignore[union-attr, arg-type]
    assert segments[-1].style is not None
    assert segments[-1].style.bgcolor is None


def test_without_colors_there_is_no_style() -> None:
    assert all(not segment.style for segment in signs([0, MIDDLE, NOT_FINITE, NOTHING], dark=None))
    assert not number_cell("1", 3, dark=None).style


@given(
    st.integers(1, 700),
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
    st.tuples(st.integers(10, 250), st.integers(4, 70)),
    st.one_of(st.none(), st.integers(1, 12)),
    st.booleans(),
)
def test_tiles_fit_the_screen(
    count: int, sides: tuple[int, int], room: tuple[int, int], zoom: int | None, is_halved: bool
) -> None:
    grid = tile_grid(count, sides, 5, room, zoom=zoom, is_halved=is_halved)
    assert grid.per_row * grid.columns <= room[0] + 2
    assert grid.rows * grid.per_row >= count
    levels = np.full((min(count, grid.per_row), *sides), MIDDLE, np.int16)
    lines = grid.picture_lines(levels, dark=True)
    assert len(lines) == grid.lines - 1
    for line in lines:
        assert sum(len(segment.text) for segment in line) == grid.per_row * grid.columns


@given(st.one_of(st.floats(), st.integers(-(2**31), 2**31)))
def test_numbers_of_a_filter_are_short_and_right(value: float) -> None:
    text = value_text(value)
    if isinstance(value, int):
        assert text == str(value)
        return
    assert len(text) <= 8
    if abs(value) < 1e308:
        has_long_exponent = not (value == 0 or 1e-99 < abs(value) < 1e99)
        expected = pytest.approx(value, rel=0.35 if has_long_exponent else 0.06, abs=1e-323)
        assert float(text) == expected
