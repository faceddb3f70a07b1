"""The screen of comparisons: what it says of two models, against torch and NumPy, and its keys."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from driven_app import NARROW, WIDE, DrivenApp, driven, model_at, put_models
from made_tensors import tensor_of

from tensorpeek.loaders import Tensor, open_model
from tensorpeek.tui.compare.messages import PairView
from tensorpeek.tui.compare.pair_chart import PairChart
from tensorpeek.tui.compare.pair_list import PairList


@asynccontextmanager
async def compared(
    *paths: Path, size: tuple[int, int] = WIDE, **how: bool
) -> AsyncIterator[DrivenApp]:
    async with driven(*paths, size=size, **how) as app:  # type: ignore[arg-type]
        await app.press("7")
        yield app


@pytest.fixture
def both(samples: Path) -> tuple[Path, Path]:
    return samples / "resnet8.pt", samples / "resnet8_int8.pt"


def tensors(paths: tuple[Path, Path], name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return a tensor of both files in float64, the one of the int8 model dequantized."""
    found = []
    for path in paths:
        tensor = next(each for each in open_model(path).tensors if each.name == name)
        found.append(tensor.read().astype(np.float64))
    return found[0], found[1]


def shown(app: DrivenApp) -> list[tuple[str, str]]:
    """The lines of the list: the measure and the name."""
    rows = [line.replace("▸", " ").split(maxsplit=1) for line in app.region("#pairs")]
    return [(row[0], row[1].rstrip(" ▆▁▂▃▄▅▇█")) for row in rows if len(row) == 2]


def numbers(app: DrivenApp) -> str:
    return "\n".join(app.region("#pair-numbers"))


def number_of(app: DrivenApp, label: str) -> float:
    found = re.search(rf"{re.escape(label)} +(-?[\d.]+(?:e-?\d+)?)", numbers(app))
    assert found is not None, (label, numbers(app))
    return float(found[1])


def pair_of(app: DrivenApp, label: str) -> tuple[float, float]:
    found = re.search(rf"{label} +(\S+) +(\S+)", numbers(app))
    assert found is not None, (label, numbers(app))
    return float(found[1].replace(",", "")), float(found[2].replace(",", ""))


def view(app: DrivenApp) -> PairView:
    found = app.main.query_one(PairChart).view
    assert found is not None, app.text()
    return found


def sqnr(a: np.ndarray, b: np.ndarray) -> float:
    noise = np.linalg.norm(b - a)
    return 20 * math.log10(np.linalg.norm(a) / noise) if noise else math.inf


async def test_layers_are_ranked_by_the_sqnr_that_numpy_gives(both: tuple[Path, Path]) -> None:
    async with compared(*both) as app:
        rows = shown(app)
        assert len(rows) == 20
        truth = {name: sqnr(*tensors(both, name)) for _, name in rows}
        assert [name for _, name in rows] == sorted(truth, key=lambda name: truth[name])
        for text, name in rows:
            assert float(text) == pytest.approx(truth[name], abs=0.006)
        assert "20 pairs, 0 only in a, 28 only in b" in app.line("#compare-line")
        assert "a resnet8.pt PyTorch" in app.line("#compare-line")
        assert "b resnet8_int8.pt TorchScript" in app.line("#compare-line")


@pytest.mark.parametrize("name", ["conv2d_1.weight", "conv2d_8.weight", "conv2d_9.bias"])
async def test_the_numbers_of_a_pair_are_those_of_numpy(both: tuple[Path, Path], name: str) -> None:
    a, b = tensors(both, name)
    async with compared(*both) as app:
        await go_to(app, name)
        for label, measure in (
            ("min", np.min),
            ("max ", np.max),
            ("mean", np.mean),
            ("std", np.std),
        ):
            assert pair_of(app, label) == pytest.approx((measure(a), measure(b)), rel=5e-5)
        assert pair_of(app, "zeros") == ((a == 0).sum(), (b == 0).sum())
        delta = b - a
        assert number_of(app, "max |b-a|") == pytest.approx(np.abs(delta).max(), rel=5e-5)
        relative = np.linalg.norm(delta) / np.linalg.norm(a)
        assert number_of(app, "rel. error") == pytest.approx(relative, rel=5e-5)
        cosine = (a * b).sum() / np.linalg.norm(a) / np.linalg.norm(b)
        assert number_of(app, "cosine") == pytest.approx(cosine, abs=1e-8)
        ratio = np.linalg.norm(b) / np.linalg.norm(a)
        assert number_of(app, "L2 ratio") == pytest.approx(ratio, rel=1e-6)
        assert number_of(app, "changed") == pytest.approx(100 * (a != b).mean(), abs=0.01)


async def go_to(app: DrivenApp, name: str) -> None:
    """Move the cursor of the list to a tensor."""
    await app.press("home")
    while app.chosen()[1:] != tuple(name.rsplit(".", 1)):
        place = app.main.query_one(PairList).chosen
        await app.press("j")
        assert app.main.query_one(PairList).chosen > place


async def test_histograms_channels_and_steps_are_those_of_numpy(both: tuple[Path, Path]) -> None:
    name = "conv2d_8.weight"
    a, b = tensors(both, name)
    tensor = next(each for each in open_model(both[1]).tensors if each.name == name)
    assert tensor.quantization is not None
    scale = tensor.quantization.scales()
    async with compared(*both) as app:
        await go_to(app, name)
        found = view(app)
        edges = found.histograms[0].edges.values
        for histogram, values in zip(found.histograms, (a, b), strict=True):
            assert histogram.edges.values is edges
            assert np.array_equal(histogram.counts, np.histogram(values, edges)[0])
        delta = (b - a).reshape(-1)
        counts = np.histogram(delta, found.detail.edges.values)[0]
        assert np.array_equal(found.detail.counts, counts)
        assert found.detail.channels is not None
        rows = (b - a).reshape(len(a), -1), a.reshape(len(a), -1)
        relative = np.linalg.norm(rows[0], axis=1) / np.linalg.norm(rows[1], axis=1)
        np.testing.assert_allclose(found.detail.channels.relative, relative, rtol=1e-12)
        worst = int(relative.argmax())
        assert f"worst {worst}: {relative[worst]:.3g}" in app.text()
        steps = np.abs(rows[0]) / scale[:, None]
        assert number_of(app, "largest") == pytest.approx(steps.max(), rel=2e-4)
        assert number_of(app, "mean      ") == pytest.approx(steps.mean(), rel=2e-3)
        words = re.sub(" +", " ", numbers(app))
        assert "over 0.5 none" in words
        assert f"clipped 0 of {a.size:,}" in words


async def test_the_rule_and_the_order_of_axes_are_said(shared_data: Path, samples: Path) -> None:
    keras = shared_data / "tiny" / "pretrainedResnet.h5"
    seed = shared_data / "seed" / "resnet8.pt"
    async with compared(seed, keras) as app:
        assert "OIHW to HWIO" in app.text()
        assert "matched by" in app.text()
        await app.press("x")
        assert app.chosen()[0] == "pretrainedResnet.h5"
        assert "HWIO to OIHW" in app.text()
        assert "a pretrainedResnet.h5" in app.line("#compare-line")


async def test_the_list_is_ranked_by_other_measures(both: tuple[Path, Path]) -> None:
    async with compared(*both) as app:
        names = [name for _, name in shown(app)]
        relative, largest = {}, {}
        for name in names:
            a, b = tensors(both, name)
            relative[name] = np.linalg.norm(b - a) / np.linalg.norm(a)
            largest[name] = np.abs(b - a).max()
        for measure, heading in ((relative, "rel. error"), (largest, "max |b-a|")):
            await app.press("o")
            assert str(app.main.query_one(PairList).border_title).startswith(heading)
            rows = shown(app)
            ranked = sorted(measure, key=lambda name: -measure[name])
            assert [name for _, name in rows] == ranked
            for text, name in rows:
                assert float(text) == pytest.approx(measure[name], rel=5e-3)
        await app.press("o")
        pairs = [each.name for each in open_model(both[0]).tensors if each.name in names]
        assert [name for _, name in shown(app)] == pairs
        await app.press("o")
        assert [name for _, name in shown(app)] == names


async def test_the_list_and_the_menus_follow_each_other(both: tuple[Path, Path]) -> None:
    async with compared(*both) as app:
        assert app.chosen()[1:] == ("conv2d_1", "weight")
        await app.press("n")
        assert app.main.query_one(PairList).chosen == 5
        assert "conv2d_2.weight" in str(app.main.query_one(PairChart).border_title)
        await app.press("end")
        assert app.chosen()[1:] == ("dense", "bias")
        await app.press("home", "down")
        assert app.chosen()[1:] == ("conv2d_7", "weight")
        await app.press("up", "pagedown", "pageup", "space", "k")
        await app.press("1")
        assert app.subject() == ".".join(app.chosen()[1:])
        await app.press("7")
        await app.press("t")
        assert app.chosen()[2] == "weight"


async def test_tensors_without_a_partner_have_a_list(both: tuple[Path, Path]) -> None:
    async with compared(*both) as app:
        await app.press("u")
        assert "28 tensors without a partner" in app.text()
        assert "b  input scale" in app.text()
        assert "conv2d_1_input_scale_0" in app.text()
        await app.press("j", "j", "y")
        assert app.app.clipboard.count("\n") == 29
        await app.press("escape")
        assert "20 pairs" in app.text()
        await app.press("u", "u")
        assert len(shown(app)) == 20
        await app.press("x")
        assert app.chosen()[0] == "resnet8_int8.pt"
        assert "28 only in a" in app.text()
        await app.press("/", *"relu_3", "enter")
        assert "relu_3_scale_0 has no partner in b" in app.text()


async def test_bins_copying_and_the_command(both: tuple[Path, Path]) -> None:
    async with compared(*both) as app:
        assert view(app).histograms[0].counts.size == 50
        await app.press("+", "+")
        assert view(app).histograms[0].counts.size == 60
        await app.press("-", "y")
        assert view(app).histograms[0].counts.size == 55
        rows = [line.split("\t") for line in app.app.clipboard.splitlines()]
        assert rows[0][:4] == ["a", "b", "matched by", "SQNR dB"]
        for row in rows[1:21]:
            assert float(row[3]) == pytest.approx(sqnr(*tensors(both, row[0])), rel=1e-5)
        await app.press("Y")
        assert shlex.split(app.app.clipboard) == ["tensorpeek", "diff", *map(str, both)]


async def test_another_file_is_chosen_from_a_list(samples: Path) -> None:
    async with compared(samples / "resnet8.pt", *sorted(samples.glob("resnet8_*"))[::-1]) as app:
        assert "b resnet8_uint8_qoperator.onnx" in app.line("#compare-line")
        await app.press("b")
        assert "3 files" in app.text()
        await app.press(*"qdq", "enter")
        assert "b resnet8_int8_qdq.onnx" in app.line("#compare-line")
        await app.press("b")
        await app.press("escape")
        await app.press("]")
        assert app.chosen()[0] == "resnet8_uint8_qoperator.onnx"
        assert "b resnet8_int8_qdq.onnx" in app.line("#compare-line")
        await app.press("[", "R")
        assert "b resnet8_int8_qdq.onnx" in app.line("#compare-line")
        assert view(app).comparison.pair.first.name == "conv2d_1.weight"


async def test_files_that_do_not_open_or_match_are_passed_over(
    samples: Path, tmp_path: Path
) -> None:
    broken, alien = tmp_path / "broken.pt", tmp_path / "alien.pt"
    broken.write_bytes(b"no model")
    torch.save({"else.weight": torch.ones(3, 5, 7)}, alien)
    async with compared(samples / "resnet8.pt", broken, alien, samples / "resnet8.onnx") as app:
        assert "b resnet8.onnx" in app.line("#compare-line")
        await app.press("b", *"broken", "enter")
        assert "broken.pt: not a model file" in app.text()
        assert "b chooses another file" in app.text()
    async with compared(samples / "resnet8.pt", alien) as app:
        assert "No other file has tensors that match" in app.text()


async def test_one_file_compares_two_marked_tensors(samples: Path) -> None:
    path = samples / "resnet8.pt"
    a, b = (tensors((path, path), f"conv2d_{index}.weight")[0] for index in (2, 3))
    async with compared(path) as app:
        assert "There is one file only" in app.text()
        assert "mark them: m" in app.text()
        await app.press("b", "M")
        assert any("mark two tensors first" in note for note in app.notes())
        await app.press("n", "m")
        assert "marked: conv2d_2.weight (m marks another one)" in app.line("#compare-line")
        await app.press("m")
        assert "marked" not in app.line("#compare-line")
        await app.press("m", "n", "m")
        assert "conv2d_2.weight, conv2d_3.weight (M compares them)" in app.line("#compare-line")
        await app.press("M")
        assert "marked by hand" in str(app.main.query_one(PairChart).border_subtitle)
        assert number_of(app, "max |b-a|") == pytest.approx(np.abs(b - a).max(), rel=5e-5)
        assert [name for _, name in shown(app)] == ["conv2d_2.weight"]
        await app.press("escape")
        assert "There is one file only" in app.text()
        await app.press("m", "n", "m", "M")
        subtitle = str(app.main.query_one(PairChart).border_subtitle)
        assert subtitle.startswith("marked by hand · shapes differ: ")
        assert "max |b-a|" not in app.text()
        assert "b float32   50 bins, percent" in app.text()


async def test_narrow_screens_turn_the_page(both: tuple[Path, Path]) -> None:
    async with compared(*both, size=NARROW) as app:
        assert "relative error by channel" in app.text()
        await app.press("s")
        assert "relative error by channel" not in app.text()
        assert number_of(app, "cosine") > 0.99
        await app.press("s")
        assert "b − a, up to" in app.text()


async def test_without_colors_bars_and_lines_differ(
    both: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with compared(*both, ascii_only=True) as app:
        assert app.text().isascii()
        picture = "\n".join(app.region("#pair-chart")[1:])
        assert "## a float32" in app.text()
        assert "oo b int8" in app.text()
        assert "###" in picture
        assert "o" in picture


async def test_what_cannot_be_read_is_at_the_top(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def named(name: str, values: np.ndarray, error: str | None = None) -> Tensor:
        tensor = tensor_of(values, name=f"{name}.weight")
        object.__setattr__(tensor, "layer", name)
        object.__setattr__(tensor, "error", error)
        return tensor

    ones = np.ones((3, 4), np.float32)
    bad = "[bold]damaged[/] at byte 7"
    first = [named("good", ones), named("bad", ones, bad), named("odd", ones)]
    second = [named("good", 2 * ones), named("bad", ones), named("odd", np.full((3, 4), np.nan))]
    paths = tmp_path / "a.pt", tmp_path / "b.pt"
    put_models(
        monkeypatch,
        {path: model_at(path, each) for path, each in zip(paths, (first, second), strict=True)},
    )
    async with compared(*paths) as app:
        assert shown(app) == [("error", "bad.weight"), ("–", "odd.weight"), ("0.00", "good.weight")]
        await app.press("home")
        assert bad in app.text()
        await app.press("j")
        assert "one NaN/inf" in numbers(app)
        await app.press("j")
        assert number_of(app, "L2 ratio") == 2


async def test_leaving_stops_and_coming_back_goes_on(
    both: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    from tensorpeek.analysis import comparison as comparing

    real, held, entered = comparing.compare, threading.Event(), threading.Event()
    stopped = threading.Event()

    def slow(pair, *, stop, progress=lambda _: None):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        if pair.first.name == "conv2d_7.weight" and not held.is_set():
            entered.set()
            while not stop() and not held.is_set():
                threading.Event().wait(0.01)
            stopped.set()
        return real(pair, stop=stop, progress=progress)

    monkeypatch.setattr(comparing, "compare", slow)
    async with driven(*both) as app:
        app.send("7")
        await app.until(lambda: entered.is_set() and "compared" in app.text())
        assert "of 20 pairs" in app.text()
        await app.press("1")
        await app.until(stopped.is_set)
        held.set()
        await app.press("7")
        assert len([text for text, _ in shown(app) if text != "…"]) == 20
