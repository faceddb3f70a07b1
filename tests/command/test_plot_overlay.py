"""Overlays as figures: outlines read back from the picture are NumPy's percentages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command.figure_reading import figure_of, texts
from command.in_memory import make_tensor, per_tensor
from matplotlib.patches import StepPatch

from tensorpeek.tui.figures import FigureError

rng = np.random.default_rng(5)
VALUES = [rng.normal(0, spread, 400).astype(np.float32) for spread in (0.1, 0.5, 1, 2, 3, 4, 5)]
TENSORS = [make_tensor(f"w{place}.weight", each) for place, each in enumerate(VALUES)]


def outlines(figure: Any) -> list[StepPatch]:  # noqa: ANN401
    (axes,) = figure.axes
    return [patch for patch in axes.patches if isinstance(patch, StepPatch)]


@pytest.mark.parametrize("log", [False, True], ids=["linear", "logarithmic"])
def test_outlines_are_the_percentages_of_numpy_over_the_same_bins(log: bool) -> None:
    figure = figure_of("overlay", *TENSORS[:6], bins=40, log=log)
    assert "6 tensors over the same 40 bins, dequantized" in texts(figure)
    wide = [each.astype(np.float64) for each in VALUES[:6]]
    span = (min(each.min() for each in wide), max(each.max() for each in wide))
    drawn = outlines(figure)
    for outline, each in zip(drawn, wide, strict=True):
        heights, edges, _ = outline.get_data()
        np.testing.assert_allclose(edges, np.linspace(*span, 41), rtol=1e-12)
        np.testing.assert_allclose(heights, 100 * np.histogram(each, 40, span)[0] / each.size)
    looks = {(each.get_edgecolor(), each.get_linestyle(), each.get_linewidth()) for each in drawn}
    assert len(looks) == len({each.get_edgecolor() for each in drawn}) == 6
    assert figure.axes[0].get_yscale() == ("log" if log else "linear")
    (legend,) = figure.legends
    labels = [text.get_text() for text in legend.get_texts()]
    assert labels[1] == "w1.weight  float32, 400"


def test_limits_are_the_ends_of_the_axis_and_what_lies_beyond_is_told() -> None:
    figure = figure_of("overlay", *TENSORS[:2], bins=10, limits=(-0.5, 0.5))
    assert figure.axes[0].get_xlim() == (-0.5, 0.5)
    beyond = int((np.abs(VALUES[1].astype(np.float64)) > 0.5).sum())
    (legend,) = figure.legends
    assert legend.get_texts()[1].get_text() == f"w1.weight  float32, 400, {beyond} not drawn"


@pytest.mark.parametrize(
    ("tensors", "options", "reason"),
    [
        (TENSORS[:1], {}, "an overlay shows 2 to 6 tensors, these are 1"),
        (TENSORS, {}, "an overlay shows 2 to 6 tensors, these are 7"),
        (TENSORS[:2], {"view": "raw"}, "dequantized values, without a range"),
        (TENSORS[:2], {"selection": (0.0, 1.0)}, "dequantized values, without a range"),
        (TENSORS[:2], {"both": True}, "dequantized values, without a range"),
        ([TENSORS[0], make_tensor("none", VALUES[0][:0])], {}, "none: "),
    ],
    ids=["one tensor", "seven tensors", "codes", "a range", "both views", "no values"],
)
def test_what_an_overlay_cannot_show_is_said(
    tensors: list[Any], options: dict[str, Any], reason: str
) -> None:
    with pytest.raises(FigureError, match=reason):
        figure_of("overlay", *tensors, **options)


def test_a_quantized_tensor_lies_over_its_values() -> None:
    codes = rng.integers(-100, 100, 400).astype(np.int8)
    quantized = make_tensor("q.weight", codes, quantization=per_tensor(0.5, 3))
    figure = figure_of("overlay", TENSORS[0], quantized)
    heights, edges, _ = outlines(figure)[1].get_data()
    real = (codes.astype(np.float64) - 3) * 0.5
    np.testing.assert_allclose(heights, 100 * np.histogram(real, edges)[0] / real.size)


def test_tensors_of_two_files_share_one_figure(samples: Path, run: Any, tmp_path: Path) -> None:  # noqa: ANN401
    files = [str(samples / name) for name in ("resnet8.pt", "resnet8_int8.pt")]
    picture = tmp_path / "both.svg"
    result = run("plot", "hist", *files, "conv2d_2.weight", "--overlay", "-o", str(picture))
    assert result.exit_code == 0, result.stderr
    drawn = picture.read_text()
    assert "resnet8_int8.pt" in drawn
