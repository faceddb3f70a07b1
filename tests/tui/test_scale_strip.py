"""The strip of scales comes and goes with its key and its tensor, and tells what NumPy computes."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from driven_app import NARROW, WIDE, DrivenApp, driven, model_at, put_models
from made_tensors import quantized
from numpy.typing import NDArray
from onnx import numpy_helper

from tensorpeek import analysis
from tensorpeek.analysis import ScaleStrip, scale_strip
from tensorpeek.loaders import LoadError, Tensor
from tensorpeek.tui.bar_columns import LEFT
from tensorpeek.tui.histogram.scale_strip_plot import ScaleStripPlot
from tensorpeek.tui.histogram.scaled_screen import CRAMPED


def strip_of(app: DrivenApp) -> ScaleStripPlot:
    return app.main.query_one(ScaleStripPlot)


def title(app: DrivenApp) -> str:
    """The words on the border over the strip."""
    region = strip_of(app).region
    line = app.lines()[region.y][region.x : region.right]
    return line.strip("╭╮─ ")


def drawn(app: DrivenApp) -> list[str]:
    """The lines of the strip, empty while it is hidden."""
    return app.region("#scales") if strip_of(app).display else []


# When it is there


async def test_the_key_takes_the_strip_away_and_brings_it_back(samples: Path) -> None:
    async with driven(samples / "resnet8_int8.pt") as app:
        before = app.text()
        assert len(drawn(app)) == 4
        assert "c scales" in app.line("#keys")
        await app.press("c")
        assert not drawn(app)
        assert "median 0.0" not in app.text()
        await app.press("c")
        assert app.text() == before


async def test_the_histogram_and_the_statistics_keep_their_room(samples: Path) -> None:
    async with driven(samples / "resnet8_int8.pt") as app:
        assert len(app.region("#plot")) - 2 >= 16
        assert app.statistics()["saturated"]
        panel = app.main.query_one("#statistics")
        assert panel.size.height >= panel.virtual_size.height


async def test_what_was_chosen_stays_for_other_tensors_and_models(samples: Path) -> None:
    async with driven(samples) as app:
        await app.press("]", "]")
        await app.press("c")
        assert app.menu("model") == "resnet8_int8.pt"
        assert not drawn(app)
        for key in ("n", "v", "]", "p"):
            await app.press(key)
            assert not drawn(app)
        await app.press("[")
        await app.press("c")
        assert drawn(app)


async def test_low_screens_show_it_only_when_it_is_asked_for(samples: Path) -> None:
    async with driven(samples / "resnet8_int8.pt", size=NARROW) as app:
        assert not drawn(app)
        await app.press("c")
        assert len(drawn(app)) == 4
        assert len(app.region("#plot")) >= 10
        assert "▲" in "\n".join(app.region("#plot"))
        await app.press("s")
        assert "most saturated" not in app.text()
        assert app.statistics()["params"] == "432"
        await app.press("s", "n")
        assert len(drawn(app)) == 4
        await app.press("c")
        assert not drawn(app)


async def test_it_follows_the_height_until_it_was_chosen(samples: Path) -> None:
    async with driven(samples / "resnet8_int8.pt") as app:
        for size, shown in (((120, 35), False), (WIDE, True), (NARROW, False), ((80, 36), True)):
            await app.pilot.resize_terminal(*size)
            await app.settle()
            assert bool(drawn(app)) is shown
        await app.pilot.resize_terminal(*NARROW)
        await app.press("c")
        await app.pilot.resize_terminal(80, CRAMPED - 1)
        await app.settle()
        assert not drawn(app)
        await app.press("c")
        assert not drawn(app)
        assert f"needs {CRAMPED} lines" in app.notes()[0]


@pytest.mark.parametrize("keys", ["", "c", "cc"], ids=["at first", "the key", "the key twice"])
async def test_float_tensors_have_none(samples: Path, keys: str) -> None:
    async with driven(samples / "resnet8.onnx") as app:
        before = app.text()
        assert "scales" not in app.line("#keys")
        await app.press(*keys)
        assert not drawn(app)
        assert app.text() == before


async def test_one_scale_needs_no_strip(samples: Path) -> None:
    async with driven(samples / "resnet8_uint8_qoperator.onnx") as app:
        assert app.statistics()["scheme"] == "per-tensor"
        assert not drawn(app)


async def test_it_goes_and_comes_back_from_tensor_to_tensor(samples: Path) -> None:
    async with driven(samples / "resnet8_int8.pt", samples / "resnet8.onnx") as app:
        before = drawn(app)
        await app.press("]")
        assert not drawn(app)
        await app.press("[")
        assert drawn(app) == before


# What it tells


def check_numbers(app: DrivenApp, scales: NDArray[np.float64], codes: NDArray[np.int64]) -> None:
    """``codes`` have the channels as their first axis."""
    low, median, high = scales.min(), np.median(scales), scales.max()
    assert title(app) == (
        f"scales {low:.3g} … {high:.3g}, median {median:.3g}, largest: channel {scales.argmax()}"
    )
    rows = codes.reshape(len(codes), -1)
    saturated = ((rows == -128) | (rows == 127)).sum(axis=1)
    channel, most = int(saturated.argmax()), int(saturated.max())
    words = re.search(r"saturated: channel (\d+).*?, (\d+) of (\d+)", drawn(app)[-1])
    assert words is not None, drawn(app)
    assert [int(word) for word in words.groups()] == [channel, most, rows.shape[1]]
    others = int((saturated == most).sum()) - 1
    assert ("other" in drawn(app)[-1]) is bool(others)
    assert drawn(app)[-1].lstrip().startswith("channel 0  ")
    assert drawn(app)[-1].endswith(f" {len(scales) - 1}")
    check_bars(app, scales, channel)


def check_bars(app: DrivenApp, scales: NDArray[np.float64], channel: int) -> None:
    """Each channel has a bar of its own: eighths of two lines, from 0 to the largest scale."""
    upper, lower, axis, _ = drawn(app)
    each = strip_of(app).columns // len(scales)
    heights = np.maximum(np.rint(scales / scales.max() * 16), 1).astype(int)
    eighths = " ▁▂▃▄▅▆▇█"
    for index, height in enumerate(heights):
        column = LEFT + index * each
        assert upper.ljust(200)[column] == eighths[max(height - 8, 0)]
        assert lower[column] == eighths[min(height, 8)]
    assert (axis.index("▲") - LEFT) // each == channel


@pytest.mark.filterwarnings("ignore")  # TorchScript and quantized tensors are deprecated
async def test_torch_channels_show_what_torch_unpacks(samples: Path) -> None:
    path = samples / "resnet8_int8.pt"
    module = torch.jit.load(path)
    async with driven(path) as app:
        for name in ("conv2d_1", "conv2d_2", "conv2d_3", "conv2d_4", "conv2d_5"):
            assert app.menu("layer") == name
            weight, _ = torch.ops.quantized.conv2d_unpack(getattr(module, name)._packed_params)
            scales = weight.q_per_channel_scales().numpy()
            check_numbers(app, scales, weight.int_repr().long().numpy())
            before = drawn(app)
            await app.press("v")
            assert drawn(app) == before
            await app.press("n")


async def test_onnx_channels_show_what_onnx_reads(samples: Path) -> None:
    path = samples / "resnet8_int8_qdq.onnx"
    graph = onnx.load(path).graph
    arrays = {entry.name: numpy_helper.to_array(entry) for entry in graph.initializer}
    async with driven(path, size=(80, 40)) as app:
        await app.press("n", "n", "n")
        scales = arrays["conv2d_4.weight_scale"].astype(np.float64)
        check_numbers(app, scales, arrays["conv2d_4.weight_quantized"].astype(np.int64))


async def test_another_width_gathers_the_scales_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scales = np.random.default_rng(3).random(1000) + 0.5
    tensor = channels("wide.weight", scales)
    put_models(monkeypatch, {tmp_path / "m.pt": model_at(tmp_path / "m.pt", [tensor])})
    async with driven(tmp_path / "m.pt") as app:
        for size in (WIDE, (200, 40), NARROW, (60, 40)):
            await app.pilot.resize_terminal(*size)
            await app.settle()
            if size == NARROW:
                await app.press("c")
            strip = strip_of(app)._strip
            assert strip is not None
            group = -(-1000 // strip_of(app).columns)
            assert strip.channels_per_column == group
            medians = [np.median(scales[start : start + group]) for start in range(0, 1000, group)]
            np.testing.assert_allclose(strip.middle, medians, rtol=1e-6)
            assert drawn(app)[-1].endswith(" 999")


# In the background


def channels(name: str, scales: NDArray[np.float64]) -> Tensor:
    codes = np.tile([1, -2, 3], (scales.size, 1))
    tensor = quantized(codes, "int8", scale=scales, scheme="per-channel", axis=0)
    object.__setattr__(tensor, "name", name)
    object.__setattr__(tensor, "layer", name.split(".", maxsplit=1)[0])
    return tensor


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Holds the gathering of scales back until it is set, at the end of a test at the latest."""
    gate = threading.Event()

    def slowly(tensor: Tensor, columns: int, **rest: object) -> ScaleStrip:
        gate.wait(timeout=120)
        return scale_strip(tensor, columns)

    monkeypatch.setattr(analysis, "scale_strip", slowly)
    yield gate
    gate.set()


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model of two layers with three and with four scales."""
    path = tmp_path / "two.pt"
    tensors = [channels("a.weight", np.arange(1, 4)), channels("b.weight", np.arange(5, 9))]
    put_models(monkeypatch, {path: model_at(path, tensors)})
    return path


async def test_the_histogram_does_not_wait_for_the_scales(two: Path, gate: threading.Event) -> None:
    async with driven(two, settled=False) as app:
        await app.until(lambda: app.statistics().get("in range") is not None)
        assert app.histogram.total == 9
        await app.until(lambda: "gathering …" in drawn(app)[0])
        app.send("+")
        await app.until(lambda: app.field("bins") == "55")
        gate.set()
        await app.settle()
        assert title(app) == "scales 1 … 3, median 2, largest: channel 2"
        assert "no channel has saturated codes" in drawn(app)[-1]


async def test_scales_of_an_older_choice_are_never_shown(two: Path, gate: threading.Event) -> None:
    async with driven(two, settled=False) as app:
        await app.until(lambda: app.statistics().get("in range") is not None)
        app.send("n")
        await app.until(lambda: app.subject() == "b.weight")
        gate.set()
        await app.settle()
        assert title(app) == "scales 5 … 8, median 6.5, largest: channel 3"
        await app.press("p")
        assert title(app) == "scales 1 … 3, median 2, largest: channel 2"


async def test_scales_are_gathered_once_for_both_views_and_any_bins(
    two: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def counted(tensor: Tensor, columns: int, **rest: object) -> ScaleStrip:
        asked.append(tensor.name)
        return scale_strip(tensor, columns)

    monkeypatch.setattr(analysis, "scale_strip", counted)
    async with driven(two) as app:
        for key in ("v", "+", "g", "d", "v", "c", "c"):
            await app.press(key)
        assert asked == ["a.weight"]
        await app.press("n")
        assert asked == ["a.weight", "b.weight"]


async def test_scales_that_cannot_be_read_say_why(
    two: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(tensor: Tensor, columns: int, **rest: object) -> ScaleStrip:
        raise LoadError("two.pt", "the [bold]disk[/] is gone")

    monkeypatch.setattr(analysis, "scale_strip", failing)
    async with driven(two) as app:
        assert "the [bold]disk[/] is gone" in drawn(app)[0]
        assert app.histogram.total == 9


async def test_a_tensor_without_numbers_has_no_strip(
    two: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(tensor: Tensor, *_: object, **__: object) -> object:
        raise LoadError("two.pt", "damaged")

    monkeypatch.setattr(analysis, "quantization_facts", failing)
    async with driven(two) as app:
        assert "a.weight: damaged" in app.note()
        assert not drawn(app)
        await app.press("c")
        assert not drawn(app)
        monkeypatch.undo()


async def test_without_color_and_without_unicode_bars_are_characters(
    samples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with driven(samples / "resnet8_int8.pt") as app:
        assert "█" in drawn(app)[1]
        assert "▲" in drawn(app)[2]
    async with driven(samples / "resnet8_int8.pt", size=NARROW, ascii_only=True) as app:
        await app.press("c")
        assert "\n".join(drawn(app)).isascii()
        assert "###" in drawn(app)[1]
        assert "^" in drawn(app)[2]


async def test_help_and_palette_offer_the_key(samples: Path) -> None:
    async with driven(samples / "resnet8_int8.pt") as app:
        commands = {
            command.title: command.help for command in app.app.get_system_commands(app.main)
        }
        assert commands["Scales of channels or blocks, under the histogram"] == "key c"
        await app.press("?")
        assert re.search(r"\bc +Scales of channels or blocks", app.text())
