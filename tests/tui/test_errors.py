"""What cannot be read is said in one clause, and the app goes on."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from driven_app import DrivenApp, driven, model_at, put_models
from made_tensors import tensor_of
from onnx import TensorProto, helper, numpy_helper

from tensorpeek.loaders import LoadError, open_model
from tensorpeek.loaders.storage import FileIdentity, FileSpan
from tensorpeek.tui.screens.choosing_screen import PATIENCE
from tensorpeek.tui.tabs import TABS

SAMPLE = Path(__file__).resolve().parents[2] / "models" / "resnet8.pt"


def reason(path: Path) -> str:
    """Why the loader does not open a file."""
    with pytest.raises(LoadError) as caught:
        open_model(path)
    return caught.value.reason


async def check_goes_on(app: DrivenApp) -> None:
    """Another model can be chosen, and q quits."""
    await app.press("]")
    assert app.menu("model") == "good.onnx"
    assert app.subject() == f"{app.menu('layer')}.weight"
    assert app.statistics()["dtype"].startswith("float32")
    await app.ended_by("q")


@pytest.fixture
def good(samples: Path, tmp_path: Path) -> Path:
    """A file that opens, to go on with."""
    path = tmp_path / "good.onnx"
    path.write_bytes((samples / "resnet8.onnx").read_bytes())
    return path


def without_end(content: bytes) -> bytes:
    return content[: len(content) * 2 // 3]


def without_directory(content: bytes) -> bytes:
    start = content.index(b"PK\x01\x02")
    return content[:start] + b"\0" * 64 + content[start + 64 :]


BAD: dict[str, Callable[[bytes], bytes]] = {
    "an empty file": lambda _: b"",
    "a text": lambda _: b"# notes\nnothing of weight here\n",
    "random bytes": lambda _: np.random.default_rng(0).bytes(9000),
    "a zip that breaks off": without_end,
    "a zip with a damaged central directory": without_directory,
    "a git-lfs pointer": lambda _: (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"
    ),
}


@pytest.mark.parametrize("damage", BAD.values(), ids=BAD)
async def test_a_file_that_does_not_open_says_why(
    tmp_path: Path, good: Path, damage: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "bad.pt"
    path.write_bytes(damage(SAMPLE.read_bytes()))
    async with driven(path, good) as app:
        assert app.note() == f"bad.pt: {reason(path)}"
        assert app.note().split(": ")[1].split()[0] in app.text()
        assert "bad.pt  not opened" in app.line("#title")
        assert app.chosen()[1:] == ("…", "…")
        await app.press(*"ntv+gdyY/m0")
        await app.press("w")
        await app.press("w")
        await check_goes_on(app)


async def test_a_file_that_is_missing_or_unreadable_says_why(tmp_path: Path, good: Path) -> None:
    missing = tmp_path / "missing.pt"
    async with driven(missing, good) as app:
        assert app.note() == "missing.pt: no such file"
        await check_goes_on(app)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
async def test_a_file_without_permission_says_so(tmp_path: Path, good: Path) -> None:
    path = tmp_path / "secret.pt"
    path.write_bytes(SAMPLE.read_bytes())
    path.chmod(0)
    async with driven(path, good) as app:
        assert app.note() == "secret.pt: no permission to read it"
        await check_goes_on(app)


async def test_a_folder_without_models_says_so(tmp_path: Path, good: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    async with driven(empty) as app:
        assert "no models in this folder" in app.note()
        await app.press(*"ntv+gdyYR]/m0")
        await app.press("w")
        await app.press("w")
        await app.ended_by("q")
    async with driven(empty, good) as app:
        assert "no models in this folder" in "".join(app.notes())
        assert app.subject() == "conv2d_1.weight"


async def test_a_file_that_is_replaced_says_so_and_opens_again(
    tmp_path: Path, good: Path, samples: Path
) -> None:
    path = tmp_path / "changing.onnx"
    path.write_bytes((samples / "resnet8.onnx").read_bytes())
    async with driven(path, good) as app:
        fresh = tmp_path / "fresh"
        fresh.write_bytes((samples / "resnet8_int8_qdq.onnx").read_bytes())
        fresh.replace(path)
        await app.press("n")
        assert "replaced or changed since it was opened" in app.note()
        assert "replaced or changed" in "".join(app.region("#statistics-table"))
        await app.press("R")
        assert app.subject() == "conv2d_2.weight"
        assert app.statistics()["dtype"].startswith("int8")
        path.unlink()
        await app.press("n")
        assert "no such file" in app.note()
        await app.press("R")
        assert app.note() == "changing.onnx: no such file"
        await check_goes_on(app)


async def test_a_tensor_whose_file_shrinks_says_so(
    tmp_path: Path, good: Path, samples: Path
) -> None:
    path = tmp_path / "short.onnx"
    path.write_bytes((samples / "resnet8.onnx").read_bytes())
    async with driven(path, good) as app:
        os.truncate(path, 5000)
        await app.press("n")
        assert app.note() == "conv2d_2.weight: replaced or changed since it was opened"
        await app.pilot.pause(2 * PATIENCE)
        assert app.note() == "conv2d_2.weight: replaced or changed since it was opened"
        await check_goes_on(app)


async def test_a_tensor_without_its_external_file_is_listed_with_the_reason(
    tmp_path: Path, good: Path
) -> None:
    path = external_model(tmp_path)
    broken = next(tensor for tensor in open_model(path).tensors if tensor.error)
    async with driven(path, good) as app:
        assert set(app.entries("layer")) == {"here", "gone"}
        await app.press("/", *"gone", "enter")
        assert app.note() == f"gone.weight: {broken.error}"
        assert app.field("low") == app.field("high") == ""
        await app.press("y", "Y", "+", "d", "g", "m", "v", "home")
        await app.press("n")
        assert app.subject() == "here.weight"
        assert app.statistics()["params"] == "6"
        await check_goes_on(app)


def external_model(folder: Path) -> Path:
    """An ONNX file with one weight inside and one in a file that is not there."""
    here = numpy_helper.from_array(np.arange(6, dtype=np.float32).reshape(2, 3), "here.weight")
    gone = TensorProto(name="gone.weight", data_type=TensorProto.FLOAT, dims=[2, 3])
    gone.data_location = TensorProto.EXTERNAL
    gone.external_data.add(key="location", value="missing.bin")
    nodes = [
        helper.make_node("MatMul", ["x", "here.weight"], ["y"]),
        helper.make_node("MatMul", ["x", "gone.weight"], ["z"]),
    ]
    graph = helper.make_graph(nodes, "graph", [], [], [here, gone])
    path = folder / "external.onnx"
    path.write_bytes(helper.make_model(graph).SerializeToString())
    assert onnx.load(path, load_external_data=False).graph.initializer[1].name == "gone.weight"
    return path


async def test_a_tensor_past_the_end_of_its_storage_says_so(
    tmp_path: Path, good: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "past.pt"
    whole = tensor_of(np.ones(4, np.float32), name="whole.weight")
    outside = tensor_of(np.ones(4, np.float32), name="outside.weight")
    model = model_at(path, [whole, outside])
    put_models(monkeypatch, {path: model})
    span = FileSpan(str(path), 10, 16, FileIdentity.of(path.stat()))
    outside = dataclasses.replace(outside, storage=span)
    object.__setattr__(model, "tensors", (whole, outside))
    async with driven(path, good) as app:
        await app.press("t")
        assert app.note() == "outside.weight: became shorter while it was read"
        await app.press("t")
        assert app.statistics()["mean"] == "1"
        await check_goes_on(app)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([], "no finite values to draw"),
        ([np.nan, np.inf, -np.inf], "no finite values to draw"),
        ([np.nan, 1.0, 1.0], None),
        ([0.0], None),
        ([3e38, -3e38], None),
        ([5e-324, 0.0], None),
        ([1e16, 1e16 + 2], None),
    ],
    ids=[
        "empty",
        "nothing finite",
        "one value and NaN",
        "a single zero",
        "the largest floats",
        "the smallest float",
        "values without room between",
    ],
)
async def test_unusual_values_are_shown(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    values: list[float],
    words: str | None,
) -> None:
    path = tmp_path / "odd.pt"
    tensor = tensor_of(np.array(values, np.float64), "float64", name="odd.weight")
    put_models(monkeypatch, {path: model_at(path, [tensor])})
    async with driven(path) as app:
        finite = np.isfinite(values)
        assert app.statistics()["params"] == str(len(values))
        if words is None:
            assert app.histogram.counts.sum() == finite.sum()
        else:
            assert app.note() == words
        await app.press("g", "+", "home", "right", "y", "Y", "d")
        await app.press("r", *"0,1", "enter")
        await app.press("2")
        await app.press("1", "m")
        assert app.app.is_running
        if words is None:
            assert app.histogram.selection == (0, 1)
        if np.isnan(values).any():
            assert app.statistics()["NaN"] == str(int(np.isnan(values).sum()))


async def test_a_model_without_tensors_says_so_on_every_screen(
    tmp_path: Path, good: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "empty.pt"
    put_models(monkeypatch, {path: model_at(path, [])})
    async with driven(path, good) as app:
        for tab in TABS:
            await app.press(tab.key)
            assert app.menu("layer") in {"", "…"}
            await app.press(*"ntv+gyY")
        await app.press("1")
        assert app.note() == "holds no tensors"
        assert "there is nothing to copy yet" in app.notes()
        await app.dismiss_notes()
        await check_goes_on(app)
