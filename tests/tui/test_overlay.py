"""Marked tensors over each other: shares are NumPy's, outlines can be told apart, keys act."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from driven_app import NARROW, WIDE, driven, model_at, put_models
from made_tensors import tensor_of
from numpy.typing import NDArray
from onnx import numpy_helper
from overlay_app import chart, cursor_bin, follow, legend, overlay, region

from tensorpeek.tui.overlay.marks import ASCII_SIGNS, SIGNS
from tensorpeek.tui.overlay.picture import step_line
from tensorpeek.tui.overlay.screen import OverlayScreen
from tensorpeek.tui.tabs import TABS

FLOAT, CODES = "resnet8.onnx", "resnet8_int8.pt"
THREE = ("/", *"weight", "enter", "m", "m", "m", "o")
"""Keys that lay the first three weights over each other."""
NAMES = ["conv2d_1.weight", "conv2d_2.weight", "conv2d_3.weight"]


def values(samples: Path) -> dict[str, NDArray[np.float64]]:
    """The arrays of the float model as the onnx library reads them, in file order."""
    graph = onnx.load(samples / FLOAT).graph
    return {one.name: numpy_helper.to_array(one).astype(np.float64) for one in graph.initializer}


def counts(arrays: list[NDArray[np.float64]], bins: int) -> list[NDArray[np.int64]]:
    """NumPy's counts in bins over the range of all arrays."""
    low, high = min(each.min() for each in arrays), max(each.max() for each in arrays)
    return [np.histogram(each, bins, (low, high))[0] for each in arrays]


async def test_the_share_of_each_tensor_in_a_bin_is_numpys(samples: Path) -> None:
    known = values(samples)
    arrays = [known[name] for name in NAMES]
    async with driven(samples / FLOAT) as app:
        await app.press("2")
        await follow(app, *THREE)
        expected = counts(arrays, 50)
        fullest = max(expected, key=lambda each: each.max() / each.sum()).argmax()
        assert cursor_bin(app) == (fullest + 1, 50)
        for keys, index in (("", fullest), ("home", 0), ("right", 1), ("end", 49), ("H", 39)):
            await app.press(*([keys] if keys else []))
            assert cursor_bin(app) == (index + 1, 50)
            for place, (name, cells) in enumerate(legend(app).items()):
                count, size = expected[place][index], arrays[place].size
                assert name == NAMES[place]
                assert cells[:3] == [SIGNS[place], "float32", f"{size:,}"]
                assert float(cells[3]) == float(f"{arrays[place].std():.4g}")
                assert cells[4] == f"{count:,}"
                assert float(cells[5]) == pytest.approx(100 * count / size, rel=6e-3)


@pytest.mark.parametrize(("key", "bins"), [("+", 55), ("=", 55), ("-", 45), ("_", 45)])
async def test_keys_change_the_bins(samples: Path, key: str, bins: int) -> None:
    arrays = [values(samples)[name] for name in NAMES]
    async with driven(samples / FLOAT) as app:
        await app.press("2")
        await follow(app, *THREE)
        await follow(app, key)
        number, count = cursor_bin(app)
        assert count == bins
        assert f"over the same {bins} bins" in region(app, "#overlay-line")[0]
        shown = [int(cells[4].replace(",", "")) for cells in legend(app).values()]
        assert shown == [each[number - 1] for each in counts(arrays, bins)]


async def test_the_axis_is_logarithmic_or_linear(samples: Path) -> None:
    async with driven(samples / FLOAT) as app:
        await app.press("2")
        await follow(app, *THREE)
        linear = region(app, "#overlay-chart")
        assert any(line.strip().startswith("0%┤") for line in linear)
        await app.press("g")
        assert any("0.1%┤" in line for line in region(app, "#overlay-chart"))
        assert region(app, "#overlay-line")[0].endswith("dequantized, log scale")
        await app.press("g")
        assert region(app, "#overlay-chart") == linear


@pytest.mark.parametrize("key", ["escape", "o", "backspace"])
async def test_keys_lead_back_to_the_table(samples: Path, key: str) -> None:
    async with driven(samples / FLOAT) as app:
        await app.press("2")
        await follow(app, *THREE)
        await app.press(key)
        assert app.app.screen is app.main
        assert "3 marked" in app.line("#layers-totals")


async def test_digits_lead_to_the_other_screens(samples: Path) -> None:
    async with driven(samples / FLOAT) as app:
        for tab in TABS:
            await app.press("2")
            await follow(app, "u", "home", "m", "m", "o")
            await app.press(tab.key)
            assert app.app.screen is app.main
            assert tab.name == app.main.NAME


async def test_two_marks_are_needed(samples: Path) -> None:
    async with driven(samples / FLOAT) as app:
        await app.press("2")
        for _ in range(2):
            await app.press("o")
            assert app.notes()[-1] == "mark two tensors or more first, with m"
            assert app.app.screen is app.main
            await app.press("m")
        await follow(app, "o")
        assert list(legend(app)) == ["conv2d_1.weight", "conv2d_1.bias"]


async def test_of_many_the_first_six_in_table_order_are_shown(samples: Path) -> None:
    async with driven(samples / FLOAT) as app:
        await app.press("2")
        await follow(app, "r", "M", "o")
        assert region(app, "#overlay-line")[0].strip().startswith("20 are marked: the first 6 in ")
        assert list(legend(app)) == list(values(samples))[:-7:-1]
        assert [cells[0] for cells in legend(app).values()] == list(SIGNS)


async def test_tensors_of_two_models_are_told_apart(samples: Path) -> None:
    async with driven(samples / FLOAT, samples / CODES) as app:
        await app.press("2")
        await app.press("m", "]", "home", "m")
        await follow(app, "o")
        rows = region(app, "#overlay-legend")[2:]
        assert [row.split(":")[0][2:] for row in rows] == [CODES, FLOAT]
        assert "conv2d_1.weight" in rows[1]
        await app.press("Y")
        assert app.notes()[-1].startswith("no command draws tensors of several files")


async def test_bins_of_integers_hold_whole_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "whole.pt"
    whole = [tensor_of(np.arange(size, dtype=np.int8), name=f"to {size}") for size in (100, 30)]
    put_models(monkeypatch, {path: model_at(path, whole)})
    async with driven(path) as app:
        await app.press("2")
        await follow(app, "M", "o", "home")
        assert "over the same 50 bins of 2 levels" in region(app, "#overlay-line")[0]
        assert [row.split()[-2] for row in region(app, "#overlay-legend")[2:]] == ["2", "6.67"]


async def test_everything_is_copied(samples: Path) -> None:
    arrays = [values(samples)[name] for name in NAMES]
    async with driven(samples / FLOAT) as app:
        await app.press("2")
        await follow(app, *THREE)
        await app.press("y")
        head, bins = app.app.clipboard.split("\n\n")
    assert head.splitlines()[1:] == [
        f"{name}\tfloat32\t{each.size}" for name, each in zip(NAMES, arrays, strict=True)
    ]
    first, *rows = [line.split("\t") for line in bins.splitlines()]
    assert first == ["from", "to", *NAMES]
    copied = np.array([[int(cell) for cell in row[2:]] for row in rows]).T
    assert np.array_equal(copied, counts(arrays, 50))
    edges = [float(row[0]) for row in rows] + [float(rows[-1][1])]
    low, high = min(each.min() for each in arrays), max(each.max() for each in arrays)
    assert np.array_equal(edges, np.linspace(low, high, 51))


async def test_before_anything_is_counted_there_is_nothing_to_copy(
    samples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tensorpeek.tui.overlay.screen.count_together", lambda *_: lambda _: None)
    async with driven(samples / FLOAT) as app:
        await app.press("2")
        await follow(app, *THREE)
        await app.press("y")
        assert app.notes()[-1] == "there is nothing to copy yet"
        assert not app.app.clipboard


async def test_the_command_that_draws_it_is_copied_and_runs(
    samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with driven(samples / FLOAT) as app:
        await app.press("2")
        await follow(app, *THREE)
        await follow(app, "+", "g")
        await app.press("Y", "S")
        program, *words = shlex.split(app.app.clipboard)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["tensorpeek-1.svg"]
    assert program == "tensorpeek"
    assert words[3:6] == NAMES
    assert words[6:] == ["--overlay", "--bins", "55", "--log", "-o", "overlay.png"]
    subprocess.run([Path(sys.executable).parent / program, *words], check=True, timeout=120)
    assert (tmp_path / "overlay.png").read_bytes().startswith(b"\x89PNG")


async def test_help_names_the_keys(samples: Path) -> None:
    async with driven(samples / FLOAT, size=(120, 60)) as app:
        await app.press("2")
        await follow(app, *THREE)
        await app.press("?")
        for words in ("Back to the table", "Fullest bin", "Logarithmic or linear shares"):
            assert words in app.text()
        await app.press("q")
        assert overlay(app)
        await app.ended_by("q")


async def test_the_mouse_moves_the_cursor(samples: Path) -> None:
    async with driven(samples / FLOAT) as app:
        await app.press("2")
        await follow(app, *THREE)
        await follow(app, "home")
        await app.pilot.hover("#overlay-chart", offset=(20, 5))
        await app.until(lambda: cursor_bin(app)[0] > 1)
        await app.press("m")
        assert chart(app).cursor == overlay(app)._shown.fullest


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
async def test_without_unicode_each_outline_has_its_letter(
    samples: Path, size: tuple[int, int]
) -> None:
    async with driven(samples / FLOAT, size=size, ascii_only=True) as app:
        await app.press("2")
        await follow(app, "/", *"weight", "enter", "M", "o")
        assert app.text().isascii()
        drawn = "".join(region(app, "#overlay-chart"))
        assert all(letter in drawn for letter in ASCII_SIGNS)
        assert "".join(cells[0] for cells in legend(app).values()) == ASCII_SIGNS


async def test_without_color_each_outline_has_its_sign(
    samples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with driven(samples / FLOAT) as app:
        await app.press("2")
        await follow(app, "/", *"weight", "enter", "M", "o", "g")
        drawn = "".join(region(app, "#overlay-chart"))
        assert all(sign in drawn for sign in SIGNS)


async def test_outlines_have_colors_of_their_own(samples: Path) -> None:
    for theme in ("tensorpeek-dark", "tensorpeek-light"):
        async with driven(samples / FLOAT, theme=theme) as app:
            await app.press("2")
            await follow(app, *THREE)
            await follow(app, "g")
            colors = {
                letter: segment.style.color
                for strip in app.app.screen._compositor.render_strips()
                for segment in strip
                for letter in segment.text
                if letter in SIGNS[:3] and segment.style is not None
            }
            assert len(set(colors.values())) == 3


async def test_what_cannot_be_drawn_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ramp = np.arange(10, dtype=np.float32)
    tensors = [
        tensor_of(ramp, name="good"),
        tensor_of(np.full(3, np.nan, np.float32), name="empty"),
        replace(tensor_of(ramp, name="broken"), error="values missing"),
    ]
    path = tmp_path / "odd.pt"
    put_models(monkeypatch, {path: model_at(path, tensors)})
    async with driven(path) as app:
        await app.press("2")
        await follow(app, "M", "o")
        assert legend(app)["empty"][1:] == ["not", "drawn:", "no", "finite", "values"]
        assert legend(app)["broken"][1:] == ["not", "drawn:", "values", "missing"]
        assert legend(app)["good"][-1] == "%"
        await app.press("escape", "home", "m")
        await follow(app, "o")
        assert "none of these tensors has values to draw" in app.text()
        await follow(app, "+", "g", "right", "y")
        assert "not drawn: values missing" in app.app.clipboard


async def test_leaving_stops_the_measuring(samples: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, stopped = threading.Event(), threading.Event()

    def endless(*_: object, stop: object, **__: object) -> None:
        from tensorpeek.loaders import CancelledError

        begun.set()
        while not stop():  # type: ignore[operator]
            stopped.wait(timeout=0.005)
        stopped.set()
        raise CancelledError

    async with driven(samples / FLOAT) as app:
        await app.press("2")
        monkeypatch.setattr("tensorpeek.analysis.comparison.common_edges", lambda *_: None)
        monkeypatch.setattr("tensorpeek.analysis.CountTable.histogram", endless)
        monkeypatch.setattr("tensorpeek.analysis.WideDistribution.histogram", endless)
        app.send(*THREE)
        await app.until(begun.is_set)
        assert "measuring …" in app.text()
        app.send("escape")
        await app.until(stopped.is_set)
        await app.until(lambda: not isinstance(app.app.screen, OverlayScreen))


async def test_names_of_any_kind_are_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ramp = np.arange(10, dtype=np.float32)
    names = ["[@click=app.quit]gone[/]", "[/foo]", "名前・レイヤー" * 30, "x" * 10_000, "   "]
    path = tmp_path / "hostile.pt"
    put_models(monkeypatch, {path: model_at(path, [tensor_of(ramp, name=each) for each in names])})
    for size in (WIDE, NARROW):
        async with driven(path, size=size) as app:
            await app.press("2")
            await follow(app, "M", "o")
            assert "[@click=app.quit]gone[/]" in app.text()
            assert all(row.endswith("10.00 %") for row in region(app, "#overlay-legend")[2:])


@pytest.mark.parametrize(
    ("name", "size", "keys"),
    [("overlay-wide", WIDE, ""), ("overlay-narrow-log", NARROW, "g")],
    ids=["wide", "narrow"],
)
async def test_the_screen_is_as_it_was_read(
    samples: Path, name: str, size: tuple[int, int], keys: str
) -> None:
    golden = Path(__file__).parent / "goldens" / f"{name}.txt"
    async with driven(samples / CODES, size=size) as app:
        await app.press("2")
        await follow(app, "/", *"weight", "enter", "m", "m", "m", "m", "o", *keys)
        shown = app.text() + "\n"
    if os.environ.get("TENSORPEEK_GOLDENS") == "write":
        golden.write_text(shown, encoding="utf-8")
    assert shown.splitlines() == golden.read_text(encoding="utf-8").splitlines()


def test_a_line_over_bars_has_its_uprights_at_the_higher_one() -> None:
    dots = step_line(np.array([0, 2, 3, 1, 0]), np.array([0, 1, 3, 5, 6, 7]), 3)
    drawn = ["".join(" #"[dot] for dot in row) for row in dots.astype(int)]
    assert drawn == ["   ## ".ljust(7), " ## # ".ljust(7), " #   # "]
