"""Exported values, read back by the libraries that own the formats."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import ml_dtypes
import numpy as np
import onnx
import pytest
import torch
from command.in_memory import COMMAND, Run, make_tensor, run_command
from onnx import numpy_helper
from safetensors import safe_open
from safetensors.torch import save_file

from tensorpeek.loaders import LoadError, Tensor, open_model
from tensorpeek.tui.export import Item, export, export_problem
from tensorpeek.tui.export.arrays import member_name

rng = np.random.default_rng(3)

FLOATS = torch.tensor(rng.normal(size=(5, 3, 2)))
TYPES = {
    "float64": FLOATS,
    "float32": FLOATS.float(),
    "float16": FLOATS.half(),
    "bfloat16": FLOATS.bfloat16(),
    "float8_e4m3fn": FLOATS.to(torch.float8_e4m3fn),
    "float8_e5m2": FLOATS.to(torch.float8_e5m2),
    "int8": torch.arange(-15, 15, dtype=torch.int8).reshape(5, 3, 2),
    "int64": torch.arange(30).reshape(5, 3, 2) * 2**40,
    "bool": FLOATS > 0,
    "complex64": torch.complex(FLOATS.float(), -FLOATS.float()),
    "empty": torch.empty(0, 4),
    "scalar": torch.tensor(1.25),
    "nan and infinities": torch.tensor([np.nan, np.inf, -np.inf, -0.0]),
}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export") / "types.pt"
    torch.save(dict(TYPES), path)
    return path


def as_numpy(tensor: torch.Tensor) -> np.ndarray:
    """The values as NumPy has them, what it lacks as float32."""
    is_foreign = tensor.dtype == torch.bfloat16 or "float8" in str(tensor.dtype)
    return (tensor.float() if is_foreign else tensor).numpy()


def item(model: Path, name: str) -> Item:
    return Item(next(t for t in open_model(model).tensors if t.name == name), "dequantized")


@pytest.mark.parametrize("name", TYPES)
def test_numpy_reads_the_same_bits(model: Path, tmp_path: Path, name: str) -> None:
    true = as_numpy(TYPES[name])
    export([item(model, name)], tmp_path / "one.npy")
    read = np.load(tmp_path / "one.npy", allow_pickle=False)
    assert (read.dtype, read.shape) == (true.dtype, true.shape)
    assert read.tobytes() == true.tobytes()


def test_numpy_reads_many(model: Path, tmp_path: Path) -> None:
    path = tmp_path / "all.npz"
    export([item(model, name) for name in TYPES], path)
    with np.load(path, allow_pickle=False) as archive:
        assert set(archive.files) == set(TYPES)
        for name, tensor in TYPES.items():
            assert archive[name].tobytes() == as_numpy(tensor).tobytes()


def test_safetensors_reads_many_in_their_types(model: Path, tmp_path: Path) -> None:
    path = tmp_path / "all.safetensors"
    export([item(model, name) for name in TYPES], path)
    with safe_open(path, "pt") as file:
        assert set(file.keys()) == set(TYPES)
        for name, tensor in TYPES.items():
            read = file.get_tensor(name)
            assert (read.dtype, read.shape) == (tensor.dtype, tensor.shape)
            assert bytes(read.reshape(-1).view(torch.uint8)) == bytes(
                tensor.reshape(-1).view(torch.uint8)
            )


@pytest.mark.parametrize("name", [name for name in TYPES if name not in {"complex64", "empty"}])
def test_a_table_gives_every_value_back(model: Path, tmp_path: Path, name: str) -> None:
    path = tmp_path / "one.csv"
    export([item(model, name)], path)
    true = as_numpy(TYPES[name])
    rows = [line.split(",") for line in path.read_text().splitlines()]
    assert len(rows) == (true.shape[0] if true.ndim else 1)
    whole = true.dtype.kind in "ib"
    read = np.array([[int(word) if whole else float(word) for word in row] for row in rows])
    assert np.array_equal(read.astype(true.dtype).ravel(), true.ravel(), equal_nan=not whole)


def test_rows_of_a_table_run_over_chunks(tmp_path: Path) -> None:
    values = rng.integers(-9, 9, (700, 1001)).astype(np.int16)
    export([Item(make_tensor("w", values), "dequantized")], tmp_path / "w.csv")
    assert np.array_equal(np.loadtxt(tmp_path / "w.csv", delimiter=",", dtype=np.int16), values)


def test_both_views_of_quantized_weights(samples: Path, tmp_path: Path, run: Run) -> None:
    model = samples / "resnet8_int8_qdq.onnx"
    for view in ("raw", "dequantized"):
        output = tmp_path / f"{view}.npy"
        words = ("export", model, "conv2d_3.weight", "--view", view, "-o", output)
        assert run(*words).exit_code == 0
    raw, real = (np.load(tmp_path / f"{view}.npy") for view in ("raw", "dequantized"))
    stored = {
        entry.name: numpy_helper.to_array(entry) for entry in onnx.load(model).graph.initializer
    }
    assert np.array_equal(raw, stored["conv2d_3.weight_quantized"])
    scale = stored["conv2d_3.weight_scale"].reshape(-1, 1, 1, 1)
    assert np.array_equal(real, raw.astype(np.float32) * scale)


@pytest.mark.parametrize(
    ("name", "pattern", "reason"),
    [
        ("w.txt", "int8", "must end in one of .npy, .npz, .safetensors, .csv"),
        ("w.npy", "*", ".npy holds one tensor, these are 13: use .npz or .safetensors"),
        ("there.npy", "int8", "exists already; --force replaces it"),
        ("w.npy", "nothing like it", "no tensor matches"),
    ],
    ids=["an unknown ending", "several in one", "an existing file", "no match"],
)
def test_what_cannot_be_written_is_said(  # noqa: PLR0917 (fixtures)
    run: Run, model: Path, tmp_path: Path, name: str, pattern: str, reason: str
) -> None:
    (tmp_path / "there.npy").write_text("mine")
    result = run("export", model, "--match", pattern, "--all", "-o", tmp_path / name)
    assert result.exit_code == 2
    assert reason in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["there.npy"]
    assert (tmp_path / "there.npy").read_text() == "mine"


def test_force_replaces_a_file(run: Run, model: Path, tmp_path: Path) -> None:
    path = tmp_path / "there.npy"
    path.write_text("mine")
    assert run("export", model, "bfloat16", "--force", "-o", path).exit_code == 0
    assert np.load(path).shape == (5, 3, 2)


def test_a_folder_is_not_replaced(model: Path, tmp_path: Path) -> None:
    (tmp_path / "folder.npy").mkdir()
    problem = export_problem([item(model, "int8")], tmp_path / "folder.npy", force=True)
    assert problem == "is a folder"


def test_a_tensor_that_breaks_off_leaves_nothing(model: Path, tmp_path: Path) -> None:
    path = tmp_path / "copy.pt"
    path.write_bytes(model.read_bytes())
    broken: Tensor = item(path, "float64").tensor
    os.truncate(path, 100)
    with pytest.raises(LoadError):
        export([Item(broken, "dequantized")], tmp_path / "out.npy")
    assert [file.name for file in tmp_path.iterdir()] == ["copy.pt"]


def test_names_stay_inside_a_folder() -> None:
    assert member_name("../../etc/passwd") == "_/_/etc/passwd"
    assert member_name("/root") == "_/root"
    assert member_name("a.b/c") == "a.b/c"


def test_control_c_leaves_nothing_behind(tmp_path: Path) -> None:
    from safetensors_files import entry, file_of

    path = tmp_path / "large.safetensors"
    header = file_of({"w": entry("F32", [1 << 20, 1 << 10], 0, 1 << 32)})
    with path.open("wb") as file:
        file.write(header)
        file.truncate(len(header) + (1 << 32))
    output = tmp_path / "out"
    output.mkdir()
    process = subprocess.Popen([COMMAND, "export", path, "w", "-o", output / "w.csv"])
    while not any(output.iterdir()):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=120) == 130
    assert not any(output.iterdir())


def test_memory_is_that_of_a_chunk(tmp_path: Path) -> None:
    path = tmp_path / "large.safetensors"
    save_file({"w": torch.zeros(1 << 26, dtype=torch.bfloat16)}, path)
    code = f"""
import resource
from pathlib import Path
from tensorpeek.loaders import open_model
from tensorpeek.tui.export import Item, export
(tensor,) = open_model(Path({str(path)!r})).tensors
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
export([Item(tensor, "dequantized")], Path({str(tmp_path / "w.npy")!r}))
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""
    from command.in_memory import run_python

    done = run_python(code)
    assert done.stderr == ""
    assert int(done.stdout) < 40
    assert np.load(tmp_path / "w.npy", mmap_mode="r").shape == (1 << 26,)


def test_the_installed_command_says_what_became_float32(model: Path, tmp_path: Path) -> None:
    done = run_command("export", model, "bfloat16", "-o", tmp_path / "w.npy")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "tensorpeek: bfloat16: bfloat16 written as float32, exactly\n"
    assert ml_dtypes.bfloat16(np.load(tmp_path / "w.npy").flat[0]) == float(
        TYPES["bfloat16"].flatten()[0]
    )


def test_a_file_that_cannot_be_written_is_named(model: Path, tmp_path: Path) -> None:
    output = tmp_path / f"{'n' * 300}.npy"
    done = run_command("export", model, "bfloat16", "-o", output)
    assert done.returncode == 3
    assert done.stderr.startswith("tensorpeek: ")
    assert done.stderr.endswith("n.npy: file name too long\n") or "n…: file name" in done.stderr
    assert list(tmp_path.iterdir()) == []
