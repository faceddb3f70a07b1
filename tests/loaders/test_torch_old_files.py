"""What PyTorch wrote before 1.6, as streams, tar archives and plain pickles, against torch."""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from torch_files import write_tar

from tensorpeek.loaders import LoadError, Model, open_model

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")

Write = Callable[[object, Path], None]


def write_stream(value: object, path: Path, protocol: int = 2) -> None:
    torch.save(value, path, pickle_protocol=protocol, _use_new_zipfile_serialization=False)


def write_pickle(value: object, path: Path, protocol: int | None = None) -> None:
    with path.open("wb") as file:
        pickle.dump(value, file, protocol)


def write_zip(value: object, path: Path, protocol: int = 2) -> None:
    torch.save(value, path, pickle_protocol=protocol)


WRITERS: dict[str, Write] = {
    "a stream": write_stream,
    "a plain pickle": write_pickle,
    "a zip": write_zip,
    **{f"a plain pickle of protocol {n}": partial(write_pickle, protocol=n) for n in range(1, 6)},
    **{f"a stream of protocol {n}": partial(write_stream, protocol=n) for n in (1, 3, 4, 5)},
    **{f"a zip of protocol {n}": partial(write_zip, protocol=n) for n in (1, 3, 4, 5)},
}
ways = pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS.keys())


def state() -> dict[str, torch.Tensor]:
    base = torch.randn(6, 5)
    return {
        "float": base,
        "row": base[2],
        "columns": base[:, 1:3],
        "transposed": base.t(),
        "half": base.half(),
        "brain": base.bfloat16(),
        "double": base.double(),
        "long": torch.arange(7),
        "bool": base > 0,
        "byte": torch.arange(9, dtype=torch.uint8),
        "complex": torch.randn(3, dtype=torch.complex64),
        "scalar": torch.tensor(2.5),
        "empty": torch.empty(0, 3),
        "parameter": torch.nn.Parameter(torch.randn(2, 2)),
    }


def expected(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().to(torch.float32 if tensor.dtype == torch.bfloat16 else None).numpy()


@ways
def test_every_tensor_has_the_values_that_torch_wrote(write: Write, tmp_path: Path) -> None:
    written, path = state(), tmp_path / "file"
    write(written, path)
    model = open_model(path)
    assert [tensor.name for tensor in model.tensors] == list(written)
    assert model.warnings == ()
    for tensor, want in zip(model.tensors, written.values(), strict=True):
        assert tensor.error is None
        assert (tensor.shape, tensor.dtype) == (tuple(want.shape), str(want.dtype)[6:])
        np.testing.assert_array_equal(tensor.read().astype(expected(want).dtype), expected(want))


@ways
def test_quantized_and_sparse_tensors_are_read(write: Write, tmp_path: Path) -> None:
    weight = torch.randn(4, 3)
    scales, points = torch.rand(4).double() + 0.1, torch.arange(4)
    written = {
        "q": torch.quantize_per_tensor(weight, 0.1, 5, torch.quint8),
        "c": torch.quantize_per_channel(weight, scales, points, 0, torch.qint8),
        "coo": weight.relu().to_sparse(),
        "csr": weight.relu().to_sparse_csr(),
        "csc": weight.relu().to_sparse_csc(),
    }
    path = tmp_path / "file"
    write(written, path)
    model = open_model(path)
    found = {tensor.name: tensor for tensor in model.tensors}
    for name in ("q", "c"):
        np.testing.assert_array_equal(found[name].read("raw"), written[name].int_repr().numpy())
        np.testing.assert_array_equal(found[name].read(), written[name].dequantize().numpy())
    for name, part in {
        "coo.indices": written["coo"].coalesce().indices(),
        "coo.values": written["coo"].coalesce().values(),
        "csr.crow_indices": written["csr"].crow_indices(),
        "csr.col_indices": written["csr"].col_indices(),
        "csr.values": written["csr"].values(),
        "csc.ccol_indices": written["csc"].ccol_indices(),
        "csc.row_indices": written["csc"].row_indices(),
        "csc.values": written["csc"].values(),
    }.items():
        assert found[name].layer == name.partition(".")[0]
        np.testing.assert_array_equal(found[name].read(), part.numpy())
    assert model.metadata["sparse tensors"] == (
        "sparse_coo (4, 3), sparse_csr (4, 3), sparse_csc (4, 3)"
    )


@ways
def test_pickled_modules_keep_their_parameters_and_buffers(write: Write, tmp_path: Path) -> None:
    layers = OrderedDict(conv=torch.nn.Conv2d(3, 2, 1), norm=torch.nn.BatchNorm2d(2))
    module, path = torch.nn.Sequential(layers), tmp_path / "file"
    write({"model": module, "epoch": 7}, path)
    model = open_model(path)
    roles = {tensor.name: tensor.role for tensor in model.tensors}
    assert list(roles) == list(module.state_dict())
    assert roles["norm.running_var"] == "running variance"
    assert model.metadata["epoch"] == "7"
    for tensor in model.tensors:
        np.testing.assert_array_equal(tensor.read(), module.state_dict()[tensor.name].numpy())


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_numpy_arrays_are_read_from_any_protocol(protocol: int, tmp_path: Path) -> None:
    written = {
        "short": np.arange(3, dtype=np.float32),
        "long": np.random.default_rng(0).standard_normal((40, 50)),
        "columns first": np.asfortranarray(np.arange(600, dtype=np.int16).reshape(20, 30)),
        "big-endian": np.arange(500, dtype=">i4"),
    }
    path = tmp_path / "arrays.pkl"
    path.write_bytes(pickle.dumps(written, protocol))
    model = open_model(path)
    assert model.format == "pickle"
    for tensor, want in zip(model.tensors, written.values(), strict=True):
        np.testing.assert_array_equal(tensor.read(), want)


def test_strings_of_python_2_hold_arrays(tmp_path: Path) -> None:
    array = np.arange(300, dtype=np.float32)
    raw, path = array.tobytes(), tmp_path / "python2.pkl"
    path.write_bytes(
        b"\x80\x02}U\x01wcnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85U\x01btR"
        b"(K\x01M\x2c\x01\x85cnumpy\ndtype\nU\x02f4K\x00K\x01\x87R"
        b"(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89"
        b"T" + struct.pack("<i", len(raw)) + raw + b"tbs."
    )
    [tensor] = open_model(path).tensors
    np.testing.assert_array_equal(tensor.read(), array)


def test_views_of_storages_start_where_they_say(tmp_path: Path) -> None:
    """Old streams may refer to parts of a storage; torch reads the file back the same way."""
    base, path = torch.arange(10.0), tmp_path / "views.pt"
    write_stream({"w": base[:4]}, path)
    content = path.read_bytes()
    key = str(base.untyped_storage()._cdata).encode()
    old = b"K\x0aNtq"
    assert content.count(old) == 1
    view = b"K\x0a(X\x01\x00\x00\x00vK\x03K\x04tt"
    path.write_bytes(content.replace(old, view.replace(b"X\x01\x00\x00\x00v", text(key)) + b"q"))
    [tensor] = open_model(path).tensors
    # the view's first element is the storage's fourth
    assert tensor.read().tolist() == [3, 4, 5, 6]


def text(value: bytes) -> bytes:
    return b"X" + struct.pack("<i", len(value)) + value


def test_the_tar_archives_of_version_0_1_are_read_as_torch_reads_them(tmp_path: Path) -> None:
    base, path = torch.randn(4, 6), tmp_path / "model.tar"
    write_tar({"a.weight": base, "a.bias": base[1, 2:], "t": base.t(), "n": torch.arange(5)}, path)
    theirs = torch.load(path, weights_only=False)
    model = open_model(path)
    assert model.format == "PyTorch 0.1"
    assert [tensor.name for tensor in model.tensors] == list(theirs)
    for tensor in model.tensors:
        np.testing.assert_array_equal(tensor.read(), theirs[tensor.name].numpy())


def cut_at(content: bytes, keep: float) -> bytes:
    return content[: int(len(content) * keep)]


@pytest.mark.parametrize("keep", [0.02, 0.2, 0.4, 0.6, 0.8, 0.99])
@pytest.mark.parametrize("write", [write_stream, write_pickle, write_tar])
def test_a_cut_file_says_so_or_lists_what_is_left(
    write: Write, keep: float, tmp_path: Path
) -> None:
    path = tmp_path / "cut"
    write({"a": torch.randn(30, 30), "b": torch.randn(30, 30)}, path)
    path.write_bytes(cut_at(path.read_bytes(), keep))
    model = opened(path)
    if model is None:
        return
    for tensor in model.tensors:
        if tensor.error is None:
            assert tensor.read().shape == tensor.shape
        else:
            assert "storage" in tensor.error


def opened(path: Path) -> Model | None:
    try:
        return open_model(path)
    except LoadError:
        return None


def test_many_numbers_in_lists_do_not_count(tmp_path: Path) -> None:
    path = tmp_path / "indices.pt"
    torch.save({"w": torch.ones(2), "indices": list(range(2_000_000))}, path)
    [tensor] = open_model(path).tensors
    assert tensor.read().tolist() == [1, 1]


@pytest.mark.parametrize(
    "content",
    [
        b"\x80\x02\x00\x00\x00\x00\x00\x00{",
        b"\x80\x02" + bytes(range(256)),
        b"\x80\x02\x80\x02\xff\xff",
        b"\x08\x07\x12\x07pytorch",
        bytes(600),
    ],
    ids=["a safetensors header", "any bytes", "half a pickle", "ONNX", "zeros"],
)
def test_other_files_are_not_taken_for_pickles(content: bytes, tmp_path: Path) -> None:
    from tensorpeek.loaders.registry import look_at
    from tensorpeek.loaders.torch_format.reader import recognizes

    path = tmp_path / "other.bin"
    path.write_bytes(content)
    assert not recognizes(look_at(path))


def test_a_pickle_without_tensors_says_what_it_names(tmp_path: Path) -> None:
    path = tmp_path / "evil.pkl"
    path.write_bytes(b"\x80\x02cos\nsystem\nX\x02\x00\x00\x00id\x85R.")
    with pytest.raises(LoadError, match=r"holds no tensors; names the global os\.system"):
        open_model(path)


def test_text_pickles_are_read_but_for_long_values(tmp_path: Path) -> None:
    path = tmp_path / "text.pkl"
    written = {"w": torch.arange(6.0).reshape(2, 3), "b": torch.tensor([0.0, -1.5, torch.nan])}
    write_pickle(written, path, 0)
    for tensor in open_model(path).tensors:
        np.testing.assert_array_equal(tensor.read(), written[tensor.name].numpy())
    write_pickle({"w": torch.randn(3000)}, path, 0)
    with pytest.raises(LoadError, match="texts of more than 4,096 bytes in protocol 0"):
        open_model(path)


def test_persistent_ids_of_protocol_0_name_no_storage(tmp_path: Path) -> None:
    path = tmp_path / "zip.pt"
    write_zip({"w": torch.ones(2)}, path, 0)
    with pytest.raises(AssertionError, match="saved_id must be a tuple"):
        torch.load(path, weights_only=False)
    [tensor] = open_model(path).tensors
    assert tensor.error == "does not name its storage"


def long_storage(path: Path) -> bytes:
    """A pickle of protocol 2 with one float32 tensor of 30,000 values; written to ``path``."""
    write_pickle({"w": torch.linspace(-1, 1, 30_000)}, path, 2)
    return path.read_bytes()


def test_a_storage_in_a_text_is_read_only_when_it_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "text.pkl"
    content = long_storage(path)
    values = torch.linspace(-1, 1, 30_000).numpy()
    np.testing.assert_array_equal(open_model(path).tensors[0].read(), values)
    damaged = bytearray(content)
    middle = next(at for at in range(len(content) // 2, len(content)) if content[at] < 0x80)
    damaged[middle] = 0xFF
    path.write_bytes(damaged)
    [tensor] = open_model(path).tensors
    with pytest.raises(LoadError, match="text does not stand for bytes"):
        tensor.read()


def test_a_zip_in_a_byte_string_is_told(tmp_path: Path) -> None:
    whole, path = io.BytesIO(), tmp_path / "nested.pkl"
    torch.save(torch.ones(4).untyped_storage(), whole)
    content = pickle.dumps({"w": torch.ones(4)}, 4)
    start = content.index(b"\x80\x02\x8a\x0a")
    length = int.from_bytes(content[start - 4 : start], "little")
    replaced = content[: start - 4] + struct.pack("<I", len(whole.getvalue())) + whole.getvalue()
    path.write_bytes(b"\x80\x04" + (replaced + content[start + length :])[11:])
    [tensor] = open_model(path).tensors
    assert tensor.error == "its bytes are a zip archive, which is not read"


def test_more_tensors_than_any_file_may_have_are_read_where_storages_pay(tmp_path: Path) -> None:
    path, count = tmp_path / "many.pt", 36_000
    written = {f"layers.{n}.expert.weight": torch.tensor([n]) for n in range(count)}
    torch.save(written, path)
    model = open_model(path)
    assert [tensor.name for tensor in model.tensors] == list(written)
    assert model.warnings == ()
    assert [model.tensors[n].read().item() for n in (0, 17_003, count - 1)] == [0, 17_003, 35_999]
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(tmp_path / "bare.pt", "w") as bare:
        for name in ("many/data.pkl", "many/data/0"):
            bare.writestr(name, archive.read(name))
    bare_model = open_model(tmp_path / "bare.pt")
    [warning] = bare_model.warnings
    assert warning.startswith(f"only the first {len(bare_model.tensors):,} tensors are listed")
    assert "some objects were not searched" in warning
