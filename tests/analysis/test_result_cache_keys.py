"""A result on disk is found for the same bytes only."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from made_tensors import quantized, tensor_of
from safetensors.numpy import save_file

from tensorpeek.analysis.result_cache import ResultCache
from tensorpeek.analysis.result_cache import result_keys as key_module
from tensorpeek.analysis.result_cache.result_keys import result_key
from tensorpeek.loaders import Tensor, open_model

OPTIONS = {"command": "scan", "bits": [8]}


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trust files that were written a moment ago."""
    monkeypatch.setattr(key_module, "SETTLED_NS", 0)


def only_tensor(path: Path, value: float = 1.0) -> Tensor:
    save_file({"a.weight": np.full((4, 4), value, np.float32)}, path)
    return open_model(path).tensors[0]


def rewritten(path: Path) -> None:
    """Write other bytes into a file, as many, until its time of change differs."""
    content, before = path.read_bytes(), path.stat().st_mtime_ns
    while path.stat().st_mtime_ns == before:
        with path.open("r+b") as stream:
            stream.seek(-4, os.SEEK_END)
            stream.write(np.float32(7).tobytes())
    assert len(path.read_bytes()) == len(content)


@pytest.mark.usefixtures("settled")
def test_every_circumstance_is_part_of_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tensor = only_tensor(tmp_path / "a.safetensors")
    other = only_tensor(tmp_path / "b.safetensors")
    save_file({n: np.ones((2, 8), np.float32) for n in ("x.weight", "y.weight")}, tmp_path / "c")
    two = open_model(tmp_path / "c").tensors
    codes = np.arange(8).reshape(2, 4)
    scaled = [quantized(codes, "int8", scale=scale) for scale in (1.0, 2.0)]
    memory = [tensor_of(np.arange(4.0)), tensor_of(np.arange(1, 5.0)), *scaled]
    keys = [result_key(one, OPTIONS) for one in (tensor, other, *two, *memory)]
    keys.append(result_key(tensor, OPTIONS | {"bits": [4]}))
    monkeypatch.setattr(key_module, "MEASURES", key_module.MEASURES + 1)
    keys.append(result_key(tensor, OPTIONS))
    monkeypatch.setattr(key_module, "package_version", lambda: "0.0.0")
    keys.append(result_key(tensor, OPTIONS))
    assert None not in keys
    assert len({key.digest for key in keys if key is not None}) == len(keys) == 11


@pytest.mark.usefixtures("settled")
def test_the_same_tensor_has_the_same_key_when_it_is_opened_again(samples: Path) -> None:
    for path in sorted(samples.glob("*.*t*")):
        if path.suffix not in {".pt", ".onnx"}:
            continue
        first, second = (
            [result_key(tensor, OPTIONS) for tensor in open_model(path).tensors] for _ in range(2)
        )
        assert first == second
        assert None not in first


@pytest.mark.usefixtures("settled")
def test_a_path_may_be_written_in_any_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = result_key(only_tensor(tmp_path / "a.safetensors"), OPTIONS)
    monkeypatch.chdir(tmp_path)
    short = result_key(open_model(Path("a.safetensors")).tensors[0], OPTIONS)
    assert whole is not None
    assert short is not None
    assert whole.digest == short.digest
    monkeypatch.chdir("/")
    assert short.is_current()


@pytest.mark.usefixtures("settled")
def test_a_file_that_is_rewritten_in_place_has_no_old_result(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    before = result_key(only_tensor(path), OPTIONS)
    assert before is not None
    assert before.is_current()
    rewritten(path)
    assert not before.is_current()
    after = result_key(open_model(path).tensors[0], OPTIONS)
    assert after is not None
    assert after.digest != before.digest


@pytest.mark.usefixtures("settled")
def test_turning_back_the_time_of_change_does_not_help(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    before, status = result_key(only_tensor(path), OPTIONS), path.stat()
    assert before is not None
    rewritten(path)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert path.stat().st_mtime_ns == status.st_mtime_ns
    assert not before.is_current()
    after = result_key(open_model(path).tensors[0], OPTIONS)
    assert after is not None
    assert after.digest != before.digest


@pytest.mark.usefixtures("settled")
@pytest.mark.parametrize("change", [rewritten, Path.unlink, lambda path: path.write_bytes(b"")])
def test_what_changed_while_it_was_measured_is_not_kept(
    tmp_path: Path, change: Callable[[Path], object]
) -> None:
    path = tmp_path / "a.safetensors"
    key = result_key(only_tensor(path), OPTIONS)
    with ResultCache(tmp_path / "cache", pytest.fail) as cache:
        change(path)
        cache.keep(key, {"max": 1.0})
        assert cache.find(key) is None


def test_a_tensor_that_may_change_unseen_has_no_key(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    tensor = only_tensor(path)
    assert result_key(tensor, OPTIONS) is None  # written within the last tick of a coarse clock
    gone = open_model(path).tensors[0]
    path.unlink()
    assert result_key(gone, OPTIONS) is None


def test_a_tensor_that_cannot_be_read_has_no_key() -> None:
    broken = tensor_of(np.ones(3))
    object.__setattr__(broken, "error", "reaches past its storage")
    assert result_key(broken, OPTIONS) is None
