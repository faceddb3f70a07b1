"""Every element type of TFLite, where its bytes may lie, and which tensors are listed."""

from __future__ import annotations

import pickle
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from tflite_models import TYPES, Made, activation, constant, model_of, named, open_tflite, opened

from tensorpeek.loaders import LoadError, open_model


def _values(dtype: str) -> np.ndarray:
    kind = np.dtype(getattr(ml_dtypes, dtype, dtype))
    numbers = np.arange(24).reshape(2, 3, 4) - (12 if kind.kind not in "ub" else 0)
    return (numbers % 2 == 0) if kind.kind == "b" else numbers.astype(kind)


@pytest.mark.parametrize("dtype", TYPES, ids=lambda dtype: f"values of {dtype}")
def test_values_are_those_written(tmp_path: Path, dtype: str) -> None:
    values = _values(dtype)
    (tensor,) = opened(tmp_path, ([activation("x"), constant("c", values)], [])).tensors
    assert (tensor.name, tensor.shape, tensor.dtype) == ("c", (2, 3, 4), dtype)
    assert tensor.error is None
    assert tensor.quantization is None
    read = tensor.read()
    assert read.dtype == values.dtype
    assert read.tobytes() == values.tobytes()


@pytest.mark.parametrize(
    "packed",
    [(17, "int4", 4, -8), (19, "int2", 2, -2), (20, "uint4", 4, 0)],
    ids=["int4", "int2", "uint4"],
)
@pytest.mark.parametrize("count", [7, 8], ids=["a byte half full", "whole bytes"])
def test_packed_types_have_their_first_element_lowest(
    tmp_path: Path, packed: tuple[int, str, int, int], count: int
) -> None:
    number, dtype, bits, low = packed
    values = (np.arange(count) * 5 % (1 << bits)) + low
    whole = sum(
        (int(value) & ((1 << bits) - 1)) << bits * place for place, value in enumerate(values)
    )
    content = whole.to_bytes(-(-count * bits // 8), "little")
    (tensor,) = opened(tmp_path, ([Made("c", (count,), number, content)], [])).tensors
    assert tensor.dtype == dtype
    np.testing.assert_array_equal(tensor.read(), values)


@pytest.mark.parametrize(
    ("number", "reason"),
    [(5, "string"), (13, "resource"), (14, "variant"), (99, "type 99 is unknown")],
)
def test_types_without_numbers_are_listed_with_a_reason(
    tmp_path: Path, number: int, reason: str
) -> None:
    model = opened(tmp_path, ([Made("s", (1,), number, b"12345678")], []))
    assert reason in str(model.tensors[0].error)
    assert reason in model.warnings[0]
    with pytest.raises(LoadError, match=reason):
        model.tensors[0].read()


def test_a_scalar_has_one_element(tmp_path: Path) -> None:
    (tensor,) = opened(tmp_path, ([constant("c", np.float32(2.5))], [])).tensors
    assert tensor.shape == ()
    assert tensor.read() == np.float32(2.5)


def test_a_tensor_without_a_shape_is_a_scalar(tmp_path: Path) -> None:
    (tensor,) = opened(tmp_path, ([Made("c", None, 2, b"\x07\0\0\0")], [])).tensors
    assert tensor.read() == 7


def test_a_file_of_activations_holds_no_tensors(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="holds no tensors"):
        opened(tmp_path, ([activation("x"), activation("y")], []))


def test_values_may_lie_behind_the_flatbuffer(tmp_path: Path) -> None:
    first = np.linspace(-1, 1, 50, dtype=np.float32).reshape(5, 10)
    second = np.arange(6, dtype=np.int8)
    tensors = [constant("a", first, appended=True), constant("b", second, appended=True)]
    model = opened(tmp_path, (tensors, []))
    np.testing.assert_array_equal(named(model, "a").read(), first)
    np.testing.assert_array_equal(named(model, "b").read(), second)


def test_values_behind_the_end_of_the_file_spoil_their_tensor_only(tmp_path: Path) -> None:
    tensors = [
        constant("a", np.ones(4, np.float32)),
        constant("b", np.ones(4, np.float32), appended=True),
    ]
    path = tmp_path / "m.tflite"
    path.write_bytes(model_of((tensors, []))[:-4])
    model = open_tflite(path)
    assert named(model, "a").error is None
    assert "past the end of the file" in str(named(model, "b").error)


@pytest.mark.parametrize("size", [15, 17], ids=["a byte short", "a byte too many"])
def test_a_buffer_of_the_wrong_size_is_an_error_of_its_tensor(tmp_path: Path, size: int) -> None:
    model = opened(tmp_path, ([Made("c", (2, 2), 0, bytes(size))], []))
    assert model.tensors[0].error == f"has {size} bytes of values, its shape needs 16"


def test_a_negative_size_is_an_error_of_its_tensor(tmp_path: Path) -> None:
    model = opened(tmp_path, ([Made("c", (2, -2), 0, bytes(16))], []))
    assert "negative size" in str(model.tensors[0].error)


EXTERNAL = np.arange(12, dtype=np.float32).reshape(3, 4)


def _external(
    tmp_path: Path, group: str = "w.bin", packing: str = "unpacked", length: int = 48
) -> str:
    made = Made("e", (3, 4), 0, external=0x80000001)
    place = (0x80000001, 1, 64, length, packing)
    model = opened(tmp_path, ([made], []), groups=["other.bin", group], externals=[place])
    (tensor,) = model.tensors
    if tensor.error is None:
        np.testing.assert_array_equal(tensor.read(), EXTERNAL)
    return tensor.error or "read"


def test_values_may_lie_in_a_file_beside_the_model(tmp_path: Path) -> None:
    (tmp_path / "w.bin").write_bytes(bytes(64) + EXTERNAL.tobytes() + bytes(16))
    assert _external(tmp_path) == "read"
    assert _external(tmp_path, length=64) == "read"
    assert "needs 48" in _external(tmp_path, length=44)
    assert "too short" in _external(tmp_path, length=1000)
    assert "packed as zip" in _external(tmp_path, packing="zip")


@pytest.mark.parametrize("group", ["../w.bin", "/etc/passwd", "a/../../w.bin"])
def test_a_file_outside_the_folder_is_never_read(tmp_path: Path, group: str) -> None:
    (tmp_path / "w.bin").write_bytes(bytes(200))
    (tmp_path / "in").mkdir()
    assert "leaves the model's folder" in _external(tmp_path / "in", group)


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    assert _external(tmp_path, "gone.bin") == "external buffer missing: gone.bin"


def test_tensors_that_share_a_buffer_are_one_with_aliases(tmp_path: Path) -> None:
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    first = [constant("a", values), Made("b", (2, 3), 0, 0), Made("flat", (6,), 0, 0)]
    model = opened(tmp_path, (first, []), ([Made("again", (2, 3), 0, 0)], []))
    assert [each.name for each in model.tensors] == ["a", "flat"]
    assert set(model.tensors[0].aliases) == {"b", "again"}
    np.testing.assert_array_equal(named(model, "flat").read(), values.reshape(-1))


def test_tensors_are_picklable_and_found_by_content(tmp_path: Path) -> None:
    path = tmp_path / "weights.bin"
    path.write_bytes(model_of(([constant("c", np.ones((2, 2), np.float32))], [])))
    model = open_model(path)
    assert model.format == "TFLite"
    copy = pickle.loads(pickle.dumps(model.tensors[0]))
    np.testing.assert_array_equal(copy.read(), np.ones((2, 2), np.float32))
    assert model.metadata["description"] == "made by a test"


def test_names_are_safe_to_show(tmp_path: Path) -> None:
    model = opened(tmp_path, ([constant("a\x1b[31m", np.ones(2, np.float32))], []))
    assert model.tensors[0].name == "a\\x1b[31m"
