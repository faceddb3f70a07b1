"""Every element type of ONNX, in every place where a TensorProto can keep its values."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx_models import model_of, named, open_onnx, save

from tensorpeek.loaders import LoadError

TYPES = [
    name
    for name, number in TensorProto.DataType.items()
    if name not in ("UNDEFINED", "STRING") and "FLOAT6" not in name and number <= 28
]


def _values(data_type: int, shape: tuple[int, ...]) -> np.ndarray:
    dtype = helper.tensor_dtype_to_np_dtype(data_type)
    generator = np.random.default_rng(3)
    if dtype.kind == "c":
        return (generator.normal(size=shape) + 1j * generator.normal(size=shape)).astype(dtype)
    if dtype == np.bool_:
        return generator.integers(0, 2, shape).astype(dtype)
    if dtype.kind in "iu" and dtype.itemsize > 1:
        limits = np.iinfo(dtype)
        return generator.integers(limits.min, limits.max, shape, dtype, endpoint=True)
    bits = 4 if "4" in dtype.name and "8" not in dtype.name else 2 if "int2" in dtype.name else 8
    if "int" in dtype.name:
        low = 0 if dtype.name.startswith("u") else -(1 << bits - 1)
        return generator.integers(low, low + (1 << bits), shape).astype(dtype)
    return np.abs(generator.normal(size=shape) + 1).astype(dtype)


def _same(got: np.ndarray, wanted: np.ndarray) -> bool:
    if wanted.dtype.name in ("int4", "uint4", "int2", "uint2"):
        return bool((got.astype(np.int64) == wanted.astype(np.int64)).all())
    return got.dtype == wanted.dtype and got.tobytes() == wanted.tobytes()


@pytest.mark.parametrize("shape", [(3, 5), (4, 8), (), (1,), (0, 3)], ids=str)
@pytest.mark.parametrize("raw", [True, False], ids=["raw data", "typed fields"])
@pytest.mark.parametrize("name", TYPES)
def test_values_are_those_onnx_reads(
    tmp_path: Path, name: str, raw: bool, shape: tuple[int, ...]
) -> None:
    data_type = TensorProto.DataType.Value(name)
    values = np.asarray(_values(data_type, shape)).reshape(-1)
    proto = helper.make_tensor("t", data_type, shape, values, raw)
    tensor = named(open_onnx(save(model_of([], [proto]), tmp_path / "m.onnx")), "t")
    assert tensor.error is None
    assert tensor.shape == shape
    assert _same(tensor.read(), numpy_helper.to_array(proto))


def test_negative_small_integers_in_int32_data_keep_their_sign(tmp_path: Path) -> None:
    proto = helper.make_tensor("t", TensorProto.INT8, [4], [-128, -1, 0, 127])
    assert proto.int32_data[0] == -128
    tensor = named(open_onnx(save(model_of([], [proto]), tmp_path / "m.onnx")), "t")
    assert tensor.read().tolist() == [-128, -1, 0, 127]


def test_a_long_varint_list_is_decoded_across_windows(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(-(2**62), 2**62, 300_000)
    proto = helper.make_tensor("t", TensorProto.INT64, values.shape, values)
    tensor = named(open_onnx(save(model_of([], [proto]), tmp_path / "m.onnx")), "t")
    assert (tensor.read() == values).all()


def _varint(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _wrap(tensor: bytes) -> bytes:
    graph = _field(2, b"g") + _field(5, tensor)
    return b"\x08\x0a" + _field(7, graph) + _field(8, b"\x10\x15")


INT_PARTS = b"\x28\x05" + _field(5, b"\x07\x09") + b"\x28\xff\xff\xff\xff\x0f"
FLOAT_PARTS = (
    b"\x25" + np.float32(1.5).tobytes() + _field(4, np.array([2, 3], "f4").tobytes())
)  # fmt: skip


@pytest.mark.parametrize(
    ("data_type", "dims", "parts"),
    [
        pytest.param(6, b"\x08\x04", INT_PARTS, id="single and packed integers mixed"),
        pytest.param(1, b"\x08\x03", FLOAT_PARTS, id="single and packed floats mixed"),
        pytest.param(6, _field(1, b"\x02\x02"), INT_PARTS, id="packed dims"),
    ],
)
def test_values_in_several_pieces_follow_one_another(
    tmp_path: Path, data_type: int, dims: bytes, parts: bytes
) -> None:
    message = dims + b"\x10" + bytes([data_type]) + parts + _field(8, b"t")
    path = tmp_path / "m.onnx"
    path.write_bytes(_wrap(message))
    wanted = numpy_helper.to_array(onnx.load(path).graph.initializer[0])
    got = named(open_onnx(path), "t").read()
    assert got.dtype == wanted.dtype
    assert got.tolist() == wanted.tolist()


def _raw(data_type: int, dims: list[int], raw: bytes) -> TensorProto:
    return TensorProto(name="t", data_type=data_type, dims=dims, raw_data=raw)


@pytest.mark.parametrize(
    ("proto", "reason"),
    [
        pytest.param(_raw(1, [3], b"1234"), "has 4 bytes of values", id="too few raw bytes"),
        pytest.param(_raw(1, [1], b"12345678"), "has 8 bytes of values", id="too many raw bytes"),
        pytest.param(_raw(1, [-2], b"12345678"), "negative size", id="a negative dimension"),
        pytest.param(_raw(1, [2**62, 4], b""), "impossible shape", id="a huge shape"),
        pytest.param(_raw(1, [1] * 40, b"1234"), "more than 32 dimensions", id="too many axes"),
        pytest.param(_raw(77, [1], b"1234"), "data type 77 is unknown", id="an unknown type"),
        pytest.param(_raw(0, [1], b"1234"), "has no data type", id="no type"),
        pytest.param(_raw(27, [4], b"123"), "FLOAT6E2M3 is not supported", id="6-bit floats"),
        pytest.param(TensorProto(name="t", data_type=1, dims=[2]), "has no values", id="no values"),
        pytest.param(
            helper.make_tensor("t", TensorProto.STRING, [1], ["word"]),
            "string tensor: has no numeric values",
            id="strings",
        ),
        pytest.param(
            TensorProto(name="t", data_type=1, dims=[3], float_data=[1, 2]),
            "has 8 bytes of values, its shape needs 12",
            id="too few floats",
        ),
        pytest.param(
            TensorProto(name="t", data_type=6, dims=[3], int32_data=[1, 2]),
            "its shape needs 3 numbers",
            id="too few integers",
        ),
        pytest.param(
            TensorProto(name="t", data_type=6, dims=[10**12], int32_data=[1, 2]),
            "its shape needs 1000000000000 numbers",
            id="a bomb of integers",
        ),
    ],
)
def test_a_bad_tensor_is_listed_with_its_error_beside_a_good_one(
    tmp_path: Path, proto: TensorProto, reason: str
) -> None:
    good = numpy_helper.from_array(np.arange(3.0), "good")
    model = open_onnx(save(model_of([], [proto, good]), tmp_path / "m.onnx"))
    bad = named(model, "t")
    assert reason.replace(",", "") in (bad.error or "").replace(",", "")
    assert f"t: {bad.error}" in model.warnings
    with pytest.raises(LoadError, match="t: "):
        bad.read()
    assert named(model, "good").read().tolist() == [0, 1, 2]


def test_a_wrong_count_of_integers_is_an_error_when_they_are_read(tmp_path: Path) -> None:
    proto = TensorProto(name="t", data_type=6, dims=[3], int32_data=[1000, 1000])
    tensor = named(open_onnx(save(model_of([], [proto]), tmp_path / "m.onnx")), "t")
    with pytest.raises(LoadError, match="has 2 values, its shape needs 3"):
        tensor.read()
