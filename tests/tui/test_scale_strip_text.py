"""The drawing of scales: heights, marks and labels at every width, for odd scales too."""

from __future__ import annotations

import numpy as np
import pytest
from made_tensors import quantized
from numpy.typing import ArrayLike
from rich.cells import cell_len

from tensorpeek.analysis import ScaleStrip, scale_strip
from tensorpeek.tui.bar_columns import LEFT
from tensorpeek.tui.histogram.scale_strip_text import (
    SMALLEST,
    _label,
    bars_note,
    draw_scales,
    scales_title,
)

COLORS = {
    name: f"#00000{index}"
    for index, name in enumerate(("plot-axis", "plot-inside", "plot-outside", "warning", "error"))
}


def strip_of(scales: ArrayLike, codes: ArrayLike | None = None, columns: int = 80) -> ScaleStrip:
    size = np.size(scales)
    stored = np.zeros((size, 4)) if codes is None else codes
    tensor = quantized(
        stored, "int8", scale=scales, scale_dtype="float64", scheme="per-channel", axis=0
    )
    return scale_strip(tensor, columns)


def lines(strip: ScaleStrip, width: int = 80, *, ascii_only: bool = False) -> list[str]:
    drawn = draw_scales(strip, width, COLORS, ascii_only=ascii_only, plain=ascii_only)
    assert drawn is not None
    return drawn.plain.split("\n")


@pytest.mark.parametrize("channels", [1, 2, 3, 50, 64, 73, 100, 1000, 12_345])
@pytest.mark.parametrize("ascii_only", [False, True], ids=["blocks", "ASCII"])
def test_every_width_holds_four_lines(channels: int, ascii_only: bool) -> None:
    scales = np.linspace(0.1, 1, channels)
    codes = np.zeros((channels, 4))
    codes[channels // 2] = 127
    for width in (SMALLEST, 20, 31, 80, 119, 250):
        for columns in (width - LEFT, 300):  # 300: gathered for a window that was wider
            drawn = lines(strip_of(scales, codes, columns), width, ascii_only=ascii_only)
            assert len(drawn) == 4
            assert max(map(cell_len, drawn)) <= width
            assert drawn[2].count("^" if ascii_only else "▲") == 1
            assert drawn[3].endswith(f" {channels - 1:,}") or channels == 1
    assert draw_scales(strip_of(scales), SMALLEST - 1, {}, ascii_only=True, plain=True) is None


def test_a_column_shows_its_median_and_above_it_its_largest() -> None:
    strip = strip_of([1, 2, 16, 8, 8, 8, 4, 16, 16], columns=3)
    upper, lower, _, labels = lines(strip, LEFT + 12)
    assert strip.middle.tolist() == [2, 8, 16]
    assert (upper[LEFT::4], lower[LEFT::4]) == ("█ █", "▂██")
    drawn = draw_scales(strip, LEFT + 12, COLORS, ascii_only=False, plain=False)
    assert drawn is not None
    styles = {str(span.style) for span in drawn.spans}
    inside, outside = COLORS["plot-inside"], COLORS["plot-outside"]
    assert f"{inside} on {outside}" in styles
    assert labels.startswith("channel 0")
    upper, lower, _, _ = lines(strip, LEFT + 12, ascii_only=True)
    assert upper[LEFT] == ":"
    assert lower[LEFT] == "_"
    assert bars_note(strip) == "bars: median of 3 channels, above it the largest"


def test_scales_that_are_not_numbers_are_marked() -> None:
    strip = strip_of([1, np.nan, 2, np.inf, -2])
    _, lower, _, _ = lines(strip, LEFT + 15)
    assert [lower[LEFT + 3 * index] for index in range(5)] == ["█", "!", "█", "!", "█"]
    assert scales_title(strip) == "scales -2 … 2, median 1, largest: channel 2, 2 not finite"
    nothing = strip_of([np.nan, np.nan])
    assert scales_title(nothing) == "none of 2 scales is finite"
    assert lines(nothing)[1].count("!") > 1


def test_scales_of_zero_have_no_bars() -> None:
    upper, lower, _, _ = lines(strip_of([0, 0, 0]))
    assert upper.split() == ["0┤"]
    assert lower.split() == ["0┤"]


def test_tiny_scales_beside_a_huge_one_are_still_seen() -> None:
    _, lower, _, _ = lines(strip_of([1e-300, 1e300]), LEFT + 10)
    assert lower[LEFT] == "▁"


@pytest.mark.parametrize("power", [*range(-320, 309, 7), -1, 0, 1, 2, 3, 4, 5, 6])
def test_labels_have_a_digit_that_is_true_and_six_characters_at_most(power: int) -> None:
    for digits in ("1", "1.5", "9.96"):
        value = float(f"{digits}e{power}")
        label = _label(value)
        assert 0 < len(label) <= 6
        assert float(label) == pytest.approx(value, rel=0.34, abs=5e-324)


@pytest.mark.parametrize(
    ("saturated", "words"),
    [
        ([0, 0, 0], "no channel has saturated codes"),
        ([0, 3, 1], "most saturated: channel 1, 3 of 4 codes (75.00 %)"),
        ([0, 2, 2], "most saturated: channel 1 and 1 other, 2 of 4 codes (50.00 %)"),
        ([4, 4, 4], "most saturated: channel 0 and 2 others, 4 of 4 codes (100.00 %)"),
    ],
    ids=["none", "one channel", "two channels", "all channels"],
)
def test_the_most_saturated_channel_is_named(saturated: list[int], words: str) -> None:
    codes = [[127] * count + [0] * (4 - count) for count in saturated]
    *_, axis, labels = lines(strip_of([1, 2, 3], codes), 90)
    assert words in labels
    assert ("▲" in axis) is any(saturated)
