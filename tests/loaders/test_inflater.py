"""Compressed members read by position: equal to zlib, in bounded memory, and never for ever."""

from __future__ import annotations

import tracemalloc
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch

from tensorpeek.loaders import LoadError, open_model
from tensorpeek.loaders.inflater import MAX_RESTARTS, Inflater

CONTENT = np.random.default_rng(8).integers(0, 50, 3_000_000, np.uint8).tobytes()
ZEROS = 80_000_000


def deflated(content: bytes) -> bytes:
    machine = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return machine.compress(content) + machine.flush()


def reader(packed: bytes, nbytes: int) -> Inflater:
    return Inflater("x", lambda start, stop: packed[start:stop], len(packed), nbytes)


PACKED, PACKED_ZEROS = deflated(CONTENT), deflated(bytes(ZEROS))


@pytest.mark.parametrize("step", [1_000, 70_001, 1 << 20, 3_000_000])
def test_forward_reads_give_what_was_packed(step: int) -> None:
    inflater = reader(PACKED, len(CONTENT))
    starts = range(0, len(CONTENT), step)
    parts = [bytes(inflater.read(at, min(at + step, len(CONTENT)))) for at in starts]
    assert b"".join(parts) == CONTENT


def test_reads_in_any_order_give_what_was_packed() -> None:
    inflater = reader(PACKED, len(CONTENT))
    for start in np.random.default_rng(9).integers(0, len(CONTENT), 200):
        assert bytes(inflater.read(int(start), int(start) + 100)) == CONTENT[start : start + 100]


def test_zeros_are_read_forward_in_little_memory() -> None:
    inflater = reader(PACKED_ZEROS, ZEROS)
    tracemalloc.start()
    for start in range(0, ZEROS, 2_000_000):
        assert not any(inflater.read(start, start + 2_000_000)[::100_000])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10_000_000


def test_zeros_are_not_read_at_once_or_back_and_forth() -> None:
    inflater = reader(PACKED_ZEROS, ZEROS)
    with pytest.raises(LoadError, match="would take 80,000,000 of memory"):
        inflater.read(0, ZEROS)
    inflater.read(0, 10)
    for _ in range(MAX_RESTARTS):
        inflater.read(0, 10)
    with pytest.raises(LoadError, match="back and forth"):
        inflater.read(0, 10)


@pytest.mark.parametrize(
    ("packed", "nbytes"),
    [
        pytest.param(PACKED, len(CONTENT) + 1, id="less than stated"),
        pytest.param(PACKED, len(CONTENT) - 1, id="more than stated"),
        pytest.param(PACKED[:-5], len(CONTENT), id="cut"),
        pytest.param(b"", 5, id="nothing"),
        pytest.param(PACKED[:1000] + b"\xff" * 50, len(CONTENT), id="damaged"),
    ],
)
@pytest.mark.parametrize("step", [70_001, 4_000_000])
def test_damage_is_an_error(packed: bytes, nbytes: int, step: int) -> None:
    inflater = reader(packed, nbytes)
    starts = range(0, nbytes, step)
    with pytest.raises(LoadError, match="a compressed member"):
        _ = [inflater.read(start, min(start + step, nbytes)) for start in starts]


def compressed(tensors: dict[str, torch.Tensor], folder: Path) -> Path:
    """Write a file of PyTorch, then again with compressed members."""
    torch.save(tensors, folder / "stored.pt")
    path = folder / "deflated.pt"
    new = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
    with zipfile.ZipFile(folder / "stored.pt") as old, new:
        for member in old.namelist():
            new.writestr(member, old.read(member))
    return path


def test_a_large_compressed_storage_is_read_in_little_memory(tmp_path: Path) -> None:
    """As long as 80 MB of zeros are; one tensor in its order, one that would have to be turned."""
    base = torch.zeros(1000, 20_000)
    base[999, 19_999] = 1
    path = compressed({"rows": base, "columns": base.t()[:, ::2]}, tmp_path)
    rows, columns = open_model(path).tensors
    tracemalloc.start()
    total = sum(float(chunk.sum()) for chunk in rows.chunks())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert total == 1
    assert peak < 12_000_000
    with pytest.raises(LoadError, match="packed bytes would take"):
        next(columns.chunks())
