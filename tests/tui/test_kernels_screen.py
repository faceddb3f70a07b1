"""The screen of kernels: tiles, the filter under the cursor and every key, against torch."""

from __future__ import annotations

import shlex
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from driven_app import NARROW, WIDE, DrivenApp, driven, model_at, put_models
from made_tensors import quantized, tensor_of
from numpy.typing import NDArray

from tensorpeek.analysis.kernels import filters as filters_module
from tensorpeek.loaders import Tensor
from tensorpeek.tui.color_maps import MIDDLE, diverging
from tensorpeek.tui.kernels.kernel_plot import KernelPlot

RANDOM = np.random.default_rng(3)


@asynccontextmanager
async def kernels(
    *paths: Path, size: tuple[int, int] = WIDE, **how: bool
) -> AsyncIterator[DrivenApp]:
    async with driven(*paths, size=size, **how) as app:  # type: ignore[arg-type]
        await app.press("4")
        yield app


def saved(tmp_path: Path, **weights: NDArray[np.generic] | torch.Tensor) -> Path:
    path = tmp_path / "model.pt"
    state = {f"{name}.weight": torch.as_tensor(values) for name, values in weights.items()}
    torch.save(state, path)
    return path


def title(app: DrivenApp) -> str:
    return str(app.main.query_one(KernelPlot).border_title)


def subtitle(app: DrivenApp) -> str:
    return str(app.main.query_one(KernelPlot).border_subtitle)


def facts(app: DrivenApp) -> str:
    return app.line("#kernel-facts")


def labels(app: DrivenApp) -> list[int]:
    """The numbers of the filters in the order of their tiles, as they stand on the screen."""
    found: list[int] = []
    for line in app.region("#tiles"):
        words = line.replace("▸", " ").replace("=", " ").replace("×", " ").split()
        if words and all(word.isdigit() for word in words):
            found += map(int, words)
    return found


def pixel(app: DrivenApp, column: int, line: int) -> tuple[int, int, int]:
    """The color of the upper half of a cell of the tiles."""
    x, y, *_ = app.main.query_one("#tiles").scrollable_content_region
    strip = app.app.screen._compositor.render_strips()[y + line]
    for segment in strip.crop(x + column, x + column + 1):
        style = segment.style
        assert style is not None
        color = style.color if segment.text == "▀" else style.bgcolor
        assert color is not None
        assert color.triplet is not None
        return tuple(color.triplet)  # type: ignore[return-value]
    raise AssertionError


@pytest.fixture
def weight(samples: Path) -> torch.Tensor:
    found = torch.load(samples / "resnet8.pt", weights_only=False)
    state = found if isinstance(found, dict) else found.state_dict()
    state = state.get("state_dict", state)
    return state["conv2d_1.weight"].detach()


async def test_tiles_have_the_colors_of_torch_means(samples: Path, weight: torch.Tensor) -> None:
    mean = weight.double().mean(1)
    limit = float(mean.abs().max())
    async with kernels(samples / "resnet8.pt") as app:
        plot = app.main.query_one(KernelPlot)
        grid = plot._grid
        assert grid is not None
        for index in range(len(weight)):
            row, place = divmod(index, grid.per_row)
            for height in range(3):
                for width in range(3):
                    line = row * grid.lines + 1 + height * grid.zoom // 2
                    column = place * grid.columns + width * grid.zoom
                    level = MIDDLE + round(float(mean[index, height, width]) / limit * MIDDLE)
                    shown = pixel(app, column, line + height * grid.zoom % 2)
                    assert shown == diverging(dark=True)[level]
        low, *_, high = app.line("#kernel-legend").split()
        assert (float(low), float(high)) == pytest.approx((-limit, limit), rel=5e-3)
        assert "16 filters × 3 inputs × 3×3" in title(app)
        assert labels(app) == list(range(16))


async def test_the_filter_under_the_cursor_has_torch_numbers(
    samples: Path, weight: torch.Tensor
) -> None:
    flat = weight.double().flatten(1)
    unit = torch.nn.functional.normalize(flat, dim=1)
    cosines = unit @ unit.T - 2 * torch.eye(len(unit))
    async with kernels(samples / "resnet8.pt") as app:
        for index, key in ((0, "home"), (1, "right"), (2, "l"), (3, "l"), (2, "h"), (1, "left")):
            await app.press(key)
            near = int(cosines[index].argmax())
            assert facts(app).split("  ") == [
                f"filter {index}",
                f"L2 {float(flat[index].norm()):.4g}",
                f"min {float(flat[index].min()):.4g}",
                f"max {float(flat[index].max()):.4g}",
                f"nearest {near} (cosine {float(cosines[index, near]):.4f})",
            ]


@pytest.mark.parametrize("ascii_only", [True, False], ids=["ASCII", "Unicode"])
async def test_without_colors_characters_tell_sign_and_size(
    samples: Path, weight: torch.Tensor, monkeypatch: pytest.MonkeyPatch, ascii_only: bool
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    mean = weight.double().mean(1)
    shares = (mean / mean.abs().max()).numpy()
    async with kernels(samples / "resnet8.pt", ascii_only=ascii_only) as app:
        plot = app.main.query_one(KernelPlot)
        assert plot._grid is not None
        lines = app.region("#tiles")
        for place in range(plot._grid.per_row):
            column = place * plot._grid.columns
            share = shares[place, 0, 0]
            letter = lines[1][column]
            assert letter in ("+*#" if share > 0 else "-=%") or abs(share) < 0.02
            if abs(share) > 0.7:
                assert letter in "#%"
        assert not ascii_only or app.text().isascii()
        assert "%=-.+*#" in app.line("#kernel-legend")


async def test_orders_are_those_of_file_norms_and_neighbors(
    samples: Path, weight: torch.Tensor
) -> None:
    flat = weight.double().flatten(1)
    norms = flat.norm(dim=1)
    async with kernels(samples / "resnet8.pt") as app:
        await app.press("o")
        assert "by L2 norm" in subtitle(app)
        assert labels(app) == norms.argsort(descending=True, stable=True).tolist()
        await app.press("o")
        assert "by similarity" in subtitle(app)
        assert labels(app)[0] == int(norms.argmax())
        assert sorted(labels(app)) == list(range(16))
        await app.press("o")
        assert labels(app) == list(range(16))


async def test_what_tiles_show_and_their_scale(samples: Path, weight: torch.Tensor) -> None:
    async with kernels(samples / "resnet8.pt") as app:

        def ends() -> float:
            return float(app.line("#kernel-legend").split()[-1])

        assert "mean over 3 inputs" in subtitle(app)
        assert "one scale for all" in subtitle(app)
        await app.press("s")
        assert "a scale for each tile" in subtitle(app)
        assert ends() == pytest.approx(float(weight.double().mean(1)[0].abs().max()), rel=5e-3)
        await app.press("s", "i")
        assert "largest magnitude over 3 inputs" in subtitle(app)
        assert ends() == pytest.approx(float(weight.abs().max()), rel=5e-3)
        await app.press("i")
        for key, index in (("", 0), (">", 1), (".", 2), (">", 0), ("<", 2), (",", 1)):
            if key:
                await app.press(key)
            assert f"input {index} of 3" in subtitle(app)
            assert ends() == pytest.approx(float(weight[:, index].abs().max()), rel=5e-3)
        await app.press("i")
        assert "mean over" in subtitle(app)


async def test_enter_shows_the_values_of_a_filter(samples: Path, weight: torch.Tensor) -> None:
    async with kernels(samples / "resnet8.pt") as app:
        await app.press("right", "right", "enter")
        lines = app.region("#tiles")
        assert lines[0].split() == ["input", "0", "input", "1", "input", "2"]
        for row in range(3):
            shown = [float(word) for word in lines[1 + row].split()]
            truth = weight[2, :, row].flatten().tolist()
            assert shown == pytest.approx(truth, rel=6e-4, abs=1e-6)
        assert "filter 2 " in facts(app)
        await app.press("y")
        copied = app.app.clipboard.splitlines()
        assert copied[1] == "input 0"
        assert [float(each) for each in copied[2].split("\t")] == pytest.approx(
            weight[2, 0, 0].tolist(), rel=1e-5
        )
        await app.press("escape")
        assert labels(app) == list(range(16))


async def test_values_scroll(tmp_path: Path) -> None:
    values = torch.arange(2 * 200 * 9.0).reshape(2, 200, 3, 3)
    async with kernels(saved(tmp_path, conv=values), size=NARROW) as app:
        await app.press("enter")
        assert "input 0" in app.text()
        await app.press("end")
        assert "input 199" in app.text()
        assert "1799" in app.text()
        await app.press("home", "pagedown", "down", "j", "up", "k", "pageup")
        assert "input 0" in app.text()
        await app.press("backspace")
        assert labels(app) == [0, 1]


async def test_dead_filters_and_duplicates_are_marked_and_counted(tmp_path: Path) -> None:
    values = RANDOM.standard_normal((9, 4, 3, 3)).astype(np.float32)
    values[2] = 1e-7
    values[5] = values[1]
    values[6] = 3 * values[0]
    values[8, 1, 1, 1] = np.nan
    async with kernels(saved(tmp_path, conv=values)) as app:
        assert "1 dead ×" in title(app)
        assert "2 duplicates =" in title(app)
        assert "1 with NaN or infinity !" in title(app)
        marked = " ".join(app.region("#tiles"))
        for label in ("2×", "5=", "6=", "8!"):
            assert f" {label} " in marked
        await app.press(*["right"] * 5)
        assert "= filter 1: identical" in facts(app)
        await app.press("right")
        assert "= filter 0: cosine above 0.999" in facts(app)
        await app.press(*["left"] * 4)
        assert "dead" in facts(app)
        await app.press("y")
        rows = [line.split("\t") for line in app.app.clipboard.splitlines()[2:]]
        assert [row[-1] for row in rows] == ["", "", "×", "", "", "=", "=", "", "!"]
        assert float(rows[3][1]) == pytest.approx(float(np.linalg.norm(values[3])), rel=1e-5)


async def test_slices_of_three_dimensions(tmp_path: Path) -> None:
    values = RANDOM.standard_normal((4, 2, 3, 2, 5)).astype(np.float32)
    async with kernels(saved(tmp_path, conv3d=values)) as app:
        assert "OIDHW" in title(app)
        assert "3×2×5" in title(app)
        for key, index in (("", 0), ("z", 1), ("z", 2), ("z", 0), ("Z", 2)):
            if key:
                await app.press(key)
            assert f"slice {index} of 3" in title(app)
        await app.press("enter")
        shown = [float(word) for word in app.region("#tiles")[1].split()]
        assert shown == pytest.approx(values[0, :, 2, 0].flatten().tolist(), rel=6e-4)


async def test_filters_of_one_place_show_their_inputs(samples: Path) -> None:
    async with kernels(samples / "resnet8.pt") as app:
        await app.press("c", "c", "c", "c", "c")
        assert "1×1" in title(app)
        assert "all 16 inputs side by side" in subtitle(app)
        await app.press("i")
        assert "mean over 16 inputs" in subtitle(app)


async def test_one_dimension_and_zoom_and_axes(tmp_path: Path) -> None:
    values = RANDOM.standard_normal((6, 4, 9)).astype(np.float32)
    async with kernels(saved(tmp_path, conv=values)) as app:
        plot = app.main.query_one(KernelPlot)
        assert "OIW  6 filters × 4 inputs × 9" in title(app)
        before = plot.zoom
        assert before is not None
        await app.press("-")
        assert plot.zoom == before - 1
        await app.press("+", "+")
        assert plot.zoom == before + 1
        await app.press("x")
        assert "IOW transposed  4 filters × 6 inputs × 9" in title(app)
        expected = float(np.linalg.norm(values[:, 0]))
        assert f"L2 {expected:.4g}" in facts(app)


async def test_tensors_that_are_no_kernels_say_so_and_lead_on(samples: Path) -> None:
    async with kernels(samples / "resnet8.pt") as app:
        await app.press("t")
        assert "conv2d_1.bias (16) is no convolution kernel" in app.text()
        assert "c goes to the next one: conv2d_2.weight" in app.text()
        await app.press("c")
        assert app.chosen()[1:] == ("conv2d_2", "weight")
        await app.press("C")
        assert app.chosen()[1:] == ("conv2d_1", "weight")
        await app.press("C")
        assert app.chosen()[1:] == ("conv2d_9", "weight")
        await app.press("c")
        assert app.chosen()[1:] == ("conv2d_1", "weight")
        await app.press("n", "n", "p")
        assert app.chosen()[1:] == ("conv2d_2", "weight")
        assert "16 filters × 16 inputs" in title(app)


async def test_a_model_without_convolutions(tmp_path: Path) -> None:
    async with kernels(saved(tmp_path, linear=torch.ones(3, 3))) as app:
        assert "This model has no convolution kernel" in app.text()
        await app.press("c", "i", "o", "s", "+", "enter", "y", "z", ">")
        assert "This model has no convolution kernel" in app.text()
        await app.press("1")
        assert app.subject() == "linear.weight"


async def test_raw_codes_are_centered_on_their_zero_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = RANDOM.integers(0, 256, (4, 3, 3, 3)).astype(np.uint8)
    tensor = quantized(codes, "uint8", scale=[0.5], zero_point=[120])
    path = tmp_path / "m.pt"
    put_models(monkeypatch, {path: model_at(path, [tensor])})
    async with kernels(path) as app:
        floats = (codes.astype(np.float64) - 120) / 2
        limit = float(np.abs(floats.mean(1)).max())
        assert float(app.line("#kernel-legend").split()[-1]) == pytest.approx(limit, rel=5e-3)
        await app.press("v")
        assert f"min {codes[0].min()}" in facts(app)
        reach = float(np.abs(codes.mean(1) - 120).max())
        low, *_, high = app.line("#kernel-legend").split()
        assert float(low) == pytest.approx(120 - reach, rel=5e-3)
        assert float(high) == pytest.approx(120 + reach, rel=5e-3)
        await app.press("enter")
        shown = [int(word) for word in app.region("#tiles")[1].split()]
        assert shown == codes[0, :, 0].flatten().tolist()
        await app.press("Y")
        assert shlex.split(app.app.clipboard)[:2] == ["tensorpeek", "stats"]
        assert "--view raw" in app.app.clipboard


async def test_kernels_that_are_too_large_to_hold_are_streamed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filters_module, "MOST_HELD", 100)
    values = RANDOM.standard_normal((8, 4, 3, 3)).astype(np.float32)
    async with kernels(saved(tmp_path, conv=values)) as app:
        assert "too large to compare filters" in title(app)
        await app.press("i", "i", ">")
        assert "input 1 of 4" in subtitle(app)
        limit = float(np.abs(values[:, 1]).max())
        assert float(app.line("#kernel-legend").split()[-1]) == pytest.approx(limit, rel=5e-3)
        await app.press("enter")
        shown = [float(word) for word in app.region("#tiles")[1].split()]
        assert shown == pytest.approx(values[0, :, 0].flatten().tolist(), rel=6e-4)


async def test_tensors_that_cannot_be_read_say_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tensor_of(np.ones((2, 1, 3, 3), np.float32), name="[/broken].weight")
    object.__setattr__(broken, "error", "damaged at byte [bold]7")
    huge = tensor_of(np.ones((4, 1, 3, 3), np.float32), name="complex.weight")
    object.__setattr__(huge, "layer", "two")
    odd = tensor_of(np.ones((4, 1, 3, 3), np.complex64), name="odd.weight")
    object.__setattr__(odd, "layer", "odd")
    path = tmp_path / "m.pt"
    put_models(monkeypatch, {path: model_at(path, [broken, huge, odd])})
    async with kernels(path) as app:
        assert "[/broken].weight: damaged at byte [bold]7" in app.text()
        await app.press("n")
        assert "4 filters" in title(app)
        await app.press("n")
        assert "complex values have no sign to show" in app.text()


async def test_a_newer_choice_cancels_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    from tensorpeek.analysis.kernels import filters as reading

    real, entered = reading.blocks, threading.Event()

    def slow(tensor: Tensor, view, stop, progress=lambda _: None, **how):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN003, ANN202
        if tensor.layer == "first":
            entered.set()
            while not stop():
                progress(0.5)
                threading.Event().wait(0.01)
        return real(tensor, view, stop, progress, **how)

    monkeypatch.setattr(reading, "blocks", slow)
    values = torch.ones(4, 2, 3, 3)
    path = saved(tmp_path, first=values, second=2 * values)
    async with driven(path) as app:
        app.send("4")
        await app.until(lambda: entered.is_set() and "reading … 50 %" in app.text())
        await app.press("n")
        assert "4 filters" in title(app)
        assert "L2 8.485" in facts(app)


async def test_one_filter_and_many_filters_have_a_page(tmp_path: Path) -> None:
    many = RANDOM.standard_normal((600, 1, 3, 3)).astype(np.float32)
    path = saved(tmp_path, one=many[:1], many=many)
    async with kernels(path, size=NARROW) as app:
        assert labels(app) == [0]
        await app.press("n")
        assert labels(app)[0] == 0
        assert "rows 1–" in app.main.query_one(KernelPlot).sight()
        await app.press("pagedown")
        assert labels(app)[0] > 0
        await app.press("end")
        assert "filter 599 " in facts(app)
        assert labels(app)[-1] == 599
        await app.press("pageup", "up", "k", "j", "down", "home")
        assert "filter 0 " in facts(app)
