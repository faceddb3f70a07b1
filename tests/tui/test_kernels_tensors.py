"""Which tensors the screen of kernels shows: of any shape and size, of codes, or none."""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np
import pytest
import torch
from driven_app import NARROW, driven, model_at, put_models
from kernels_app import facts, kernels, labels, saved, subtitle, title
from made_tensors import quantized, tensor_of

from tensorpeek.analysis.kernels import filters as filters_module
from tensorpeek.loaders import Tensor
from tensorpeek.tui.kernels.kernel_plot import KernelPlot

RANDOM = np.random.default_rng(3)


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
