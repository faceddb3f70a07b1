"""Values and facts of plain tensors, bit for bit those of torch.load."""

from __future__ import annotations

import pickle
import struct
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from tensorpeek.loaders import LoadError, open_model

NATIVE = [
    torch.float64,
    torch.float32,
    torch.float16,
    torch.int8,
    torch.int16,
    torch.int32,
    torch.int64,
    torch.uint8,
    torch.uint16,
    torch.uint32,
    torch.uint64,
    torch.bool,
    torch.complex64,
    torch.complex128,
]
EXTENDED = [
    torch.bfloat16,
    torch.float8_e4m3fn,
    torch.float8_e4m3fnuz,
    torch.float8_e5m2,
    torch.float8_e5m2fnuz,
    torch.float8_e8m0fnu,
]
# torch.load forgets to swap the storages of these types, whose type the storage does not tell
UNTYPED = [torch.uint16, torch.uint32, torch.uint64]


def random_bits(dtype: torch.dtype, count: int = 24) -> torch.Tensor:
    """Return a tensor of random bit patterns, NaN and infinities among them."""
    if dtype is torch.bool:
        return torch.arange(count) % 3 == 0
    generator = torch.Generator().manual_seed(7)
    size = count * torch.empty(0, dtype=dtype).element_size()
    return torch.randint(0, 256, (size,), generator=generator).to(torch.uint8).view(dtype)


def bits(tensor: torch.Tensor) -> bytes:
    """Return the elements of a tensor in row-major order, as bytes."""
    flat = tensor.contiguous().reshape(-1)
    return flat.view(torch.uint8).numpy().tobytes()


def rewrite(source: Path, target: Path, change: Callable[[str, bytes], bytes | None]) -> None:
    """Copy a zip file; ``change(name, content)`` returns the new content of a member, or None."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            content = change(name, old.read(name))
            if content is not None:
                new.writestr(name, content)


@pytest.mark.parametrize("dtype", NATIVE + EXTENDED, ids=str)
def test_every_element_type_reads_bit_for_bit(tmp_path: Path, dtype: torch.dtype) -> None:
    expected = random_bits(dtype).reshape(2, 3, 4)
    path = tmp_path / "one.pt"
    torch.save({"layer.weight": expected}, path)
    [tensor] = open_model(path).tensors
    assert tensor.dtype == str(dtype).removeprefix("torch.")
    assert tensor.shape == (2, 3, 4)
    assert tensor.read().tobytes() == bits(torch.load(path)["layer.weight"])
    assert tensor.nbytes == expected.nbytes
    assert tensor.views == ("dequantized",)


@pytest.mark.parametrize("dtype", [*NATIVE, torch.bfloat16], ids=str)
def test_big_endian_files_read_as_their_writer_meant(tmp_path: Path, dtype: torch.dtype) -> None:
    expected = random_bits(dtype)
    little, big = tmp_path / "little.pt", tmp_path / "big.pt"
    torch.save({"w": expected}, little)
    component = torch.empty(0, dtype=dtype).element_size()

    def swap(name: str, content: bytes) -> bytes:
        if name.endswith("byteorder"):
            return b"big"
        if "/data/" in name:
            # a complex number is swapped part by part
            width = component // 2 if dtype.is_complex else component
            return (
                np.frombuffer(content, f"V{width}")
                .view(np.uint8)
                .reshape(-1, width)[:, ::-1]
                .tobytes()
            )
        return content

    rewrite(little, big, swap)
    if dtype not in UNTYPED:
        assert bits(torch.load(big)["w"]) == bits(expected)
    assert open_model(big).tensors[0].read().tobytes() == bits(expected)


def test_views_of_one_storage_keep_their_offsets_and_strides(tmp_path: Path) -> None:
    base = torch.arange(2 * 3 * 4 * 5, dtype=torch.float32).reshape(2, 3, 4, 5)
    views = {
        "whole": base,
        "transposed": base.transpose(0, 3),
        "part": base[1, :, 1:3],
        "every_other": base.reshape(-1)[3::2],
        "expanded": base[0, 0, 0].expand(7, 5),
        "one": base[1, 2, 3, 4],
        "channels_last": torch.randn(2, 3, 4, 5).contiguous(memory_format=torch.channels_last),
        "empty": torch.empty(0, 3),
        "scalar": torch.tensor(2.5),
    }
    path = tmp_path / "views.pt"
    torch.save(views, path)
    model = open_model(path)
    loaded = torch.load(path)
    assert [tensor.name for tensor in model.tensors] == list(views)
    for tensor in model.tensors:
        expected = loaded[tensor.name]
        assert tensor.shape == tuple(expected.shape)
        assert tensor.layout.strides == expected.stride()
        np.testing.assert_array_equal(tensor.read(), expected.numpy(), strict=True)
        chunks = np.concatenate([*tensor.chunks(size=7), np.empty(0, np.float32)])
        assert sorted(chunks) == sorted(expected.reshape(-1).tolist())


def test_one_tensor_under_three_names_is_listed_once(tmp_path: Path) -> None:
    shared = torch.randn(4, 4)
    path = tmp_path / "tied.pt"
    torch.save({"embed.weight": shared, "head.weight": shared, "tied": shared, "t": shared.T}, path)
    model = open_model(path)
    assert [tensor.name for tensor in model.tensors] == ["embed.weight", "t"]
    assert model.tensors[0].aliases == ("head.weight", "tied")


@pytest.mark.filterwarnings("ignore:ComplexHalf:UserWarning")
@pytest.mark.parametrize(
    ("make", "dtype", "shape", "reason"),
    [
        (lambda: torch.zeros(4, 5, device="meta"), "float32", (4, 5), "meta tensor: has no values"),
        (lambda: torch.zeros(4, dtype=torch.complex32), "complex32", (4,), "complex32"),
        (lambda: torch.ones(4, dtype=torch.complex64).conj(), "complex64", (4,), "conjugated"),
        (lambda: torch.ones(4, dtype=torch.complex64).conj().imag, "float32", (4,), "negated"),
        (torch.nn.parameter.UninitializedParameter, "uint8", (), "not initialized"),
    ],
    ids=["meta", "complex32", "conjugate", "negative", "not initialized"],
)
def test_a_tensor_without_readable_values_is_listed_with_its_reason(
    tmp_path: Path,
    make: Callable[[], torch.Tensor],
    dtype: str,
    shape: tuple[int, ...],
    reason: str,
) -> None:
    path = tmp_path / "odd.pt"
    torch.save({"odd": make(), "good": torch.ones(2)}, path)
    odd, good = open_model(path).tensors
    assert (odd.dtype, odd.shape) == (dtype, shape)
    assert reason in odd.error
    with pytest.raises(LoadError, match=reason):
        odd.read()
    assert good.read().tolist() == [1, 1]


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_nested_tensors_are_listed_with_a_reason(tmp_path: Path) -> None:
    path = tmp_path / "nested.pt"
    torch.save(torch.nested.nested_tensor([torch.ones(2), torch.ones(3)]), path)
    [tensor] = open_model(path).tensors
    assert "nested" in tensor.error


def test_float4_pairs_are_spelled_out_low_nibble_first(tmp_path: Path) -> None:
    path = tmp_path / "float4.pt"
    packed = torch.tensor([0x10, 0x32, 0xF7], dtype=torch.uint8)
    torch.save({"w": packed.view(torch.float4_e2m1fn_x2)}, path)
    [tensor] = open_model(path).tensors
    assert (tensor.dtype, tensor.shape, tensor.nbytes) == ("float4_e2m1fn", (6,), 3)
    # the eight magnitudes of E2M1 are 0, 0.5, 1, 1.5, 2, 3, 4, 6 (OCP MX specification)
    assert tensor.read().astype(np.float32).tolist() == [0, 0.5, 1, 1.5, 6, -6]


class Tagged(torch.Tensor):
    """A subclass that no reader knows."""


def test_wrappers_around_tensors_are_seen_through(tmp_path: Path) -> None:
    tagged = torch.nn.Parameter(torch.ones(2))
    tagged.note = "kept"
    with_attribute = torch.full((2,), 3.0)
    with_attribute.note = "kept"
    path = tmp_path / "wrapped.pt"
    torch.save(
        {
            "parameter": torch.nn.Parameter(torch.zeros(2)),
            "with_state": tagged,
            "subclass": torch.full((2,), 2.0).as_subclass(Tagged),
            "with_attribute": with_attribute,
        },
        path,
    )
    values = {tensor.name: tensor.read().tolist() for tensor in open_model(path).tensors}
    assert values == {
        "parameter": [0, 0],
        "with_state": [1, 1],
        "subclass": [2, 2],
        "with_attribute": [3, 3],
    }


def test_numpy_arrays_in_a_checkpoint_are_listed(tmp_path: Path) -> None:
    arrays = {
        "c": np.arange(6, dtype=np.float32).reshape(2, 3),
        "fortran": np.asfortranarray(np.arange(6, dtype=np.int16).reshape(2, 3)),
        "big": np.arange(3, dtype=">i4"),
        "half": np.ones(2, np.float16),
    }
    path = tmp_path / "arrays.pt"
    torch.save(arrays, path)
    tensors = {tensor.name: tensor for tensor in open_model(path).tensors}
    for name, expected in arrays.items():
        np.testing.assert_array_equal(tensors[name].read(), expected)


def test_the_old_rebuild_function_is_read(tmp_path: Path) -> None:
    path, other = tmp_path / "new.pt", tmp_path / "old.pt"
    torch.save({"w": torch.arange(4.0)}, path)

    def old(name: str, content: bytes) -> bytes:
        if not name.endswith("data.pkl"):
            return content
        # _rebuild_tensor takes the first four of the arguments; more are not looked at
        return content.replace(b"_rebuild_tensor_v2", b"_rebuild_tensor")

    rewrite(path, other, old)
    assert open_model(other).tensors[0].read().tolist() == [0, 1, 2, 3]


def test_a_tensor_past_its_storage_or_without_one_spoils_only_itself(tmp_path: Path) -> None:
    path, cut = tmp_path / "whole.pt", tmp_path / "cut.pt"
    torch.save({"a": torch.ones(8), "b": torch.ones(4), "c": torch.ones(2)}, path)

    def change(name: str, content: bytes) -> bytes | None:
        if name.endswith("data/0"):
            return content[:12]
        return None if name.endswith("data/1") else content

    rewrite(path, cut, change)
    a, b, c = open_model(cut).tensors
    assert a.error == "reaches past its storage: needs 32 bytes of 12"
    assert b.error == "its storage 1 is missing"
    assert c.read().tolist() == [1, 1]


def test_a_compressed_checkpoint_reads_the_same(tmp_path: Path) -> None:
    path, packed = tmp_path / "plain.pt", tmp_path / "packed.pt"
    expected = torch.arange(5000, dtype=torch.float32)
    torch.save({"w": expected}, path)
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
    [tensor] = open_model(packed).tensors
    np.testing.assert_array_equal(tensor.read(), expected.numpy())


def test_sizes_beyond_belief_are_an_error_of_the_tensor(tmp_path: Path) -> None:
    path, huge = tmp_path / "small.pt", tmp_path / "huge.pt"
    torch.save({"w": torch.arange(300.0)[:256]}, path)
    size = b"M" + struct.pack("<H", 256)

    def change(name: str, content: bytes) -> bytes:
        if name.endswith("data.pkl"):
            assert content.count(size) == 1
            return content.replace(size, b"\x8a\x08" + b"\xff" * 7 + b"\x7f")
        return content

    rewrite(path, huge, change)
    [tensor] = open_model(huge).tensors
    assert tensor.error == "has an impossible shape" or "reaches past" in tensor.error


class OnDevice:
    """Pickles as tensors on accelerators do, through NumPy or through the CPU."""

    def __init__(self, function: Callable[..., torch.Tensor], data: object) -> None:
        self.function, self.data = function, data

    def __reduce__(self) -> tuple[object, ...]:
        return self.function, (self.data, torch.float32, "cpu", False)


def test_tensors_of_devices_are_read_from_what_stands_for_them(tmp_path: Path) -> None:
    through_numpy = torch._utils._rebuild_device_tensor_from_numpy
    through_cpu = torch._utils._rebuild_device_tensor_from_cpu_tensor
    path = tmp_path / "device.pt"
    torch.save(
        {
            "a": OnDevice(through_numpy, np.arange(3, dtype=np.float32)),
            "b": OnDevice(through_cpu, torch.arange(4.0)),
        },
        path,
    )
    a, b = open_model(path).tensors
    assert a.read().tolist() == [0, 1, 2]
    assert b.read().tolist() == [0, 1, 2, 3]


def test_two_thousand_tensors_are_listed_quickly(tmp_path: Path) -> None:
    path = tmp_path / "many.pt"
    torch.save({f"layers.{number}.weight": torch.zeros(2, 2) for number in range(2000)}, path)
    times = []
    for _ in range(5):
        start = time.process_time()
        model = open_model(path)
        times.append(time.process_time() - start)
    assert len(model.tensors) == 2000
    assert min(times) < 5  # 0.08 s where nothing else runs


def test_tensors_travel_to_other_processes(tmp_path: Path) -> None:
    path = tmp_path / "travel.pt"
    torch.save({"w": torch.arange(5.0)}, path)
    copies = pickle.loads(pickle.dumps(open_model(path).tensors))
    assert copies[0].read().tolist() == [0, 1, 2, 3, 4]
