"""The bin cursor goes where keys and mouse say, and its line tells that bin."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from driven_app import NARROW, WIDE, DrivenApp, driven
from onnx import numpy_helper


@pytest.fixture(scope="module")
def values(samples: Path) -> np.ndarray:
    """The first weight as the onnx library reads it."""
    graph = onnx.load(samples / "resnet8.onnx").graph
    arrays = {entry.name: numpy_helper.to_array(entry) for entry in graph.initializer}
    return arrays["conv2d_1.weight"].astype(np.float64)


def check_line(app: DrivenApp, values: np.ndarray, index: int, bins: int = 50) -> None:
    counts, edges = np.histogram(values, bins)
    assert app.plot.cursor == index
    line = app.line("#cursor")
    closing = "]" if index == bins - 1 else ")"
    interval = f"[{edges[index]:.5g}, {edges[index + 1]:.5g}{closing}"
    assert line.startswith(f"bin {index + 1}/{bins}  {interval}  n={counts[index]}  ")


async def test_keys_move_the_cursor_to_the_bin_they_name(samples: Path, values: np.ndarray) -> None:
    fullest = int(np.histogram(values, 50)[0].argmax())
    async with driven(samples / "resnet8.onnx") as app:
        check_line(app, values, fullest)
        steps = [
            ("home", 0),
            ("left", 0),
            ("right", 1),
            ("l", 2),
            ("h", 1),
            ("shift+right", 11),
            ("L", 21),
            ("H", 11),
            ("shift+left", 1),
            ("end", 49),
            ("right", 49),
            ("0", 0),
            ("$", 49),
            ("m", fullest),
        ]
        for key, index in steps:
            await app.press(key)
            check_line(app, values, index)


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide screen", "narrow screen"])
async def test_the_cursor_follows_the_mouse(
    samples: Path, values: np.ndarray, size: tuple[int, int]
) -> None:
    async with driven(samples / "resnet8.onnx", size=size) as app:
        drawn = app.plot._drawn
        assert drawn is not None
        margin = app.plot.content_region.x - app.plot.region.x
        top = app.plot.content_region.y - app.plot.region.y
        for index in (0, 31, 49):
            await app.pilot.hover("#plot", (margin + drawn.column_of_bin(index), top + 4))
            await app.settle()
            check_line(app, values, index)
        await app.pilot.hover("#plot", (margin + 1, top + 4))  # the labels of the axis
        await app.settle()
        check_line(app, values, 49)


async def test_the_mark_stands_under_the_bar_of_the_bin(samples: Path) -> None:
    async with driven(samples / "resnet8.onnx") as app:
        for key in ("home", "m", "end"):
            await app.press(key)
            assert app.plot._drawn is not None
            (axis,) = (line for line in app.region("#plot") if "▲" in line)
            index = app.plot.cursor
            assert index is not None
            assert axis.index("▲") == app.plot._drawn.column_of_bin(index)


async def test_the_cursor_stays_when_the_range_changes_and_is_kept_within_fewer_bins(
    samples: Path, values: np.ndarray
) -> None:
    async with driven(samples / "resnet8.onnx") as app:
        await app.press("home", "right", "right", "d")
        check_line(app, values, 2)
        await app.press("end", "-")
        check_line(app, values, int(np.histogram(values, 45)[0].argmax()), bins=45)


async def test_bins_that_share_a_column_are_stepped_over_together(samples: Path) -> None:
    async with driven(samples / "resnet8.onnx", size=NARROW) as app:
        await app.press(*["+"] * 30)
        drawn = app.plot._drawn
        assert drawn is not None
        assert drawn.bins_per_bar > 1
        await app.press("home", "right")
        assert app.plot.cursor == drawn.bins_per_bar


async def test_the_line_tells_what_part_of_a_bin_is_in_range(
    samples: Path, values: np.ndarray
) -> None:
    async with driven(samples / "resnet8.onnx") as app:
        await app.press("r")
        await app.write("low", "0,0.1")
        await app.press("enter", "home")
        assert app.line("#cursor").endswith("outside")
        counts, edges = np.histogram(values, 50)
        cut = int(np.searchsorted(edges, 0.1)) - 1
        await app.press(*["right"] * cut)
        inside = int(((values >= max(edges[cut], 0)) & (values <= 0.1)).sum())
        assert 0 < inside < counts[cut]
        assert app.line("#cursor").endswith(f"{inside} in range")
        await app.press("left")
        assert app.line("#cursor").endswith("in range")
