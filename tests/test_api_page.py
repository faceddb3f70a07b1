"""The page about the Python API is a program that prints what it says."""

from __future__ import annotations

import contextlib
import importlib
import io
import re
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")

BLOCKS = re.findall(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", PAGE, re.DOTALL)
"""Each block of code, and the text after it that it prints, if there is one."""

PRINTED = re.compile(r" *print\(.*\)  # (.*)")


def told(code: str, text: str) -> list[str]:
    """What the page says that a block prints."""
    notes = [PRINTED.fullmatch(line) for line in code.splitlines()]
    return text.splitlines() or [note[1] for note in notes if note is not None]


def printed(code: str, names: dict[str, object]) -> list[str]:
    """What a block prints when it is run after those before it."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(compile(code, "docs/api.md", "exec"), names)
    return output.getvalue().splitlines()


def test_every_block_prints_what_stands_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "models").symlink_to(ROOT / "models")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for code, text in BLOCKS:
        assert "print(" in code
        assert printed(code, names) == told(code, text), code


def test_every_name_in_its_tables_is_public() -> None:
    for name, package in re.findall(r"^\| `(\w+Error)` \| `([\w.]+)` \|", PAGE, re.MULTILINE):
        assert name in importlib.import_module(package).__all__
    for package, names in re.findall(r"^from (tensorpeek[\w.]*) import (.+)$", PAGE, re.MULTILINE):
        assert set(names.split(", ")) <= set(importlib.import_module(package).__all__)


@pytest.mark.filterwarnings("ignore")  # TorchScript and quantized tensors are deprecated
def test_its_numbers_are_those_of_torch_and_numpy(samples: Path) -> None:
    packed = torch.jit.load(samples / "resnet8_int8.pt").conv2d_1._packed_params
    weight, _ = torch.ops.quantized.conv2d_unpack(packed)
    floats, codes = weight.dequantize().double().numpy(), weight.int_repr().numpy()
    inside = int(((floats >= -0.25) & (floats <= 0.25)).sum())
    for words in (
        f"# {round(floats.sum(), 4)}\n",
        f"# {floats.mean():.6f} {floats.std():.6f}\n",
        f"# {floats.size} {(floats == 0).sum()} 0\n",
        f"# {np.quantile(floats, 0.001):.4f}\n",
        f"# {inside} {floats.size} {100 * inside / floats.size:.1f} %\n",
        f"# {np.histogram(floats, 4, (-1, 1))[0]} {(floats < -1).sum()} {(floats > 1).sum()}\n",
        f"# {np.histogram(codes, 4, (-128.5, 127.5))[0]}\n",
        f"# {codes.min()} {codes.max()} {(codes == -128).sum()} {(codes == 127).sum()}\n",
    ):
        assert words in PAGE


def test_its_spectrum_and_its_rounding_are_those_of_numpy(samples: Path) -> None:
    graph = onnx.load(samples / "resnet8.onnx").graph
    arrays = {each.name: onnx.numpy_helper.to_array(each) for each in graph.initializer}
    matrix = arrays["conv2d_1.weight"].reshape(16, -1).astype(np.float64)
    assert f"# {np.linalg.norm(matrix, 2):.3f} of 16\n" in PAGE
    assert f"# {np.linalg.cond(matrix):.2f}\n" in PAGE
    for bits, axis in ((8, None), (4, 1)):
        scale = np.abs(matrix).max(axis, keepdims=True) / (2 ** (bits - 1) - 1)
        error = np.rint(matrix / scale) * scale - matrix
        assert f"# {20 * np.log10(np.linalg.norm(matrix) / np.linalg.norm(error)):.1f} dB\n" in PAGE
