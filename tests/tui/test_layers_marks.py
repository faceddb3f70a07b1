"""What is done with the tensors that are marked in the table: saving and comparing them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from driven_app import driven
from onnx import numpy_helper
from safetensors.numpy import load_file

FLOAT, CODES = "resnet8.onnx", "resnet8_int8_qdq.onnx"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def stored(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an ONNX file, read by its own library."""
    return {one.name: numpy_helper.to_array(one) for one in onnx.load(path).graph.initializer}


async def test_the_marked_tensors_are_saved_in_one_file(samples: Path, here: Path) -> None:
    async with driven(samples / FLOAT) as app:
        await app.press("2")
        await app.press("m", "m")
        assert "2 marked: E saves them, C compares" in app.line("#layers-totals")
        for _ in range(2):
            await app.press("E")
        assert app.notes()[-1] == "resnet8-marked-1.safetensors"
    values = stored(samples / FLOAT)
    for name in ("resnet8-marked.safetensors", "resnet8-marked-1.safetensors"):
        saved = load_file(here / name)
        assert sorted(saved) == ["conv2d_1.bias", "conv2d_1.weight"]
        for tensor, array in saved.items():
            assert np.array_equal(array, values[tensor]), tensor


async def test_marked_codes_are_saved_as_the_view_says(samples: Path, here: Path) -> None:
    async with driven(samples / CODES) as app:
        await app.press("2")
        await app.press("m", "m", "v", "E")
    saved, values = load_file(here / "resnet8_int8_qdq-marked.safetensors"), stored(samples / CODES)
    assert np.array_equal(saved["conv2d_1.weight"], values["conv2d_1.weight_quantized"])
    assert saved["conv2d_1.weight"].dtype == np.int8


async def test_without_two_marks_the_tensor_at_the_cursor_is_saved(
    samples: Path, here: Path
) -> None:
    async with driven(samples / FLOAT) as app:
        await app.press("2")
        await app.press("m", "E")
    assert [path.name for path in here.iterdir()] == ["conv2d_1.bias.npy"]


async def test_a_module_at_the_cursor_is_saved(samples: Path, here: Path) -> None:
    async with driven(samples / FLOAT) as app:
        await app.press("2")
        await app.press("g", "left", "E")
        assert app.notes() == ["resnet8-conv2d_1.safetensors"]
    values = stored(samples / FLOAT)
    saved = load_file(here / "resnet8-conv2d_1.safetensors")
    assert sorted(saved) == ["conv2d_1.bias", "conv2d_1.weight"]
    assert all(np.array_equal(array, values[name]) for name, array in saved.items())


async def test_two_marked_tensors_are_compared(samples: Path) -> None:
    async with driven(samples / FLOAT) as app:
        await app.press("2")
        await app.press("C")
        assert app.notes()[-1] == "mark two tensors first, with m"
        await app.press("/", *"conv2d_*.weight", "enter")
        await app.press("n", "m", "m", "C")
        assert "two marked tensors, Esc: back" in app.line("#compare-line")
        assert "conv2d_2.weight → conv2d_3.weight" in app.text()
        assert "─ 1 pair ─" in app.text()
        await app.press("2")
        await app.press("home", "m", "C")
        assert "conv2d_3.weight → conv2d_1.weight" in app.text()
        assert "shapes differ: (16, 16, 3, 3) and (16, 3, 3, 3)" in app.text()


async def test_the_marked_may_be_of_two_models(samples: Path) -> None:
    async with driven(samples / FLOAT, samples / CODES) as app:
        await app.press("2")
        await app.press("m", "]")
        await app.press("/", *"conv2d_1.weight", "enter")
        await app.press("home", "m", "C")
        line = app.line("#compare-line")
        assert line.startswith(f"a {FLOAT} ")
        assert f"b {CODES} " in line
        assert "two marked tensors, Esc: back" in line
        assert "float32 → int8" in app.text()
