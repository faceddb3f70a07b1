"""Damaged, cut and hostile ONNX files end in a model or a LoadError, soon."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper
from onnx_models import initializer, model_of, open_onnx, save

from tensorpeek.loaders import LoadError, Model
from tensorpeek.loaders.onnx_format import reader as onnx_file
from tensorpeek.loaders.onnx_format.wire import MAX_FIELDS
from tensorpeek.loaders.registry import LFS_POINTER, look_at

node = helper.make_node


def _sample() -> bytes:
    branch = helper.make_graph(
        [node("Constant", [], ["k"], value_ints=[1, 2, 3])], "branch", [], [], []
    )
    nodes = [
        node("DequantizeLinear", ["w", "s", "z"], ["d"], axis=0),
        node("Conv", ["x", "d", "b"], ["y"], "conv"),
        node("QLinearConv", ["y", "s1", "z1", "w", "s", "z", "s1", "z1", "qb"], ["v"], "q_quant"),
        node("MatMulNBits", ["v", "n", "ns"], ["m"], "nb", domain="com.microsoft", N=2, K=20,
             bits=4, block_size=16),
        node("If", ["m"], ["o"], "if", then_branch=branch, else_branch=branch),
    ]  # fmt: skip
    inits = [
        initializer("w", np.arange(8, dtype=np.int8).reshape(2, 4)),
        initializer("s", np.float32([1, 2])),
        initializer("z", np.int8([0, 1])),
        initializer("s1", np.float32(1)),
        initializer("z1", np.int8(1)),
        initializer("qb", np.int32([5, 6])),
        initializer("n", np.zeros((2, 2, 8), np.uint8)),
        initializer("ns", np.ones((2, 2), np.float32)),
        helper.make_tensor("b", TensorProto.FLOAT16, [2], [1.0, 2.0]),
        helper.make_tensor("i", TensorProto.INT64, [3], [1, -2, 3]),
    ]
    external = TensorProto(name="e", data_type=1, dims=[2], data_location=1)
    external.external_data.add(key="location", value="gone.bin")
    return model_of(nodes, [*inits, external]).SerializeToString()


SAMPLE = _sample()


def _try(path: Path, content: bytes) -> Model | LoadError:
    """Open and read everything; only these two outcomes are allowed."""
    path.write_bytes(content)
    try:
        model = open_onnx(path)
    except LoadError as error:
        return error
    for tensor in model.tensors:
        for view in tensor.views:
            try:
                tensor.read(view)
            except LoadError as error:
                assert str(error)  # noqa: PT017
    return model


def test_the_sample_opens(tmp_path: Path) -> None:
    model = _try(tmp_path / "m.onnx", SAMPLE)
    assert isinstance(model, Model)
    assert sum(each.quantization is not None for each in model.tensors) == 3
    assert pickle.loads(pickle.dumps(model.tensors))[0].name == model.tensors[0].name


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hostile") / "m.onnx"


def test_every_truncation_is_recognized_and_says_so(path: Path) -> None:
    for length in range(16, len(SAMPLE) - 1):
        outcome = _try(path, SAMPLE[:length])
        if isinstance(outcome, Model):
            assert length > len(SAMPLE) - 40  # the graph is whole
        else:
            assert "truncated" in outcome.reason


bytes_changed = st.lists(
    st.tuples(st.integers(0, len(SAMPLE) - 1), st.integers(0, 255)), min_size=1, max_size=6
)


@settings(max_examples=400, deadline=2000, suppress_health_check=list(HealthCheck))
@given(changes=bytes_changed, cut=st.integers(0, len(SAMPLE)))
def test_random_changes_give_a_model_or_a_load_error(
    path: Path, changes: list[tuple[int, int]], cut: int
) -> None:
    content = bytearray(SAMPLE)
    for place, byte in changes:
        content[place] = byte
    _try(path, bytes(content) if cut % 3 else bytes(content[: cut + 1]))


@settings(max_examples=200, deadline=2000, suppress_health_check=list(HealthCheck))
@given(content=st.binary(min_size=1, max_size=300) | st.text(min_size=1).map(str.encode))
def test_random_bytes_and_text_are_not_recognized(path: Path, content: bytes) -> None:
    path.write_bytes(b"\x01" + content if content.startswith(LFS_POINTER) else content)
    assert not onnx_file.recognizes(look_at(path))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"PK\x03\x04" + bytes(100), id="a zip archive"),
        pytest.param(b"\x80\x02}q\x00.", id="a pickle"),
        pytest.param(b'{"a": [1, 2]}', id="JSON"),
        pytest.param(b":::::: :: text\n" * 20, id="text of colons"),
        pytest.param(b"\x08\x01\x12\xff\x7f" + bytes(20000), id="a TensorFlow SavedModel"),
        pytest.param(b"\x0a\x10" + bytes(100), id="a TensorFlow graph"),
        pytest.param(bytes(1000), id="zeros"),
        pytest.param(b"\x08\x07", id="a version and nothing else"),
    ],
)
def test_other_files_are_not_recognized(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "m").write_bytes(content)
    assert not onnx_file.recognizes(look_at(tmp_path / "m"))


def _message(number: int, content: bytes) -> bytes:
    size, length = len(content), b""
    while size > 0x7F:
        length += bytes([size & 0x7F | 0x80])
        size >>= 7
    return bytes([number << 3 | 2]) + length + bytes([size]) + content


def _in_graph(content: bytes) -> bytes:
    return b"\x08\x0a" + _message(7, _message(2, b"g") + content) + _message(8, b"\x10\x15")


def _nested(depth: int) -> bytes:
    graph = _message(2, b"deep")
    for _ in range(depth):
        graph = _message(1, _message(5, _message(6, graph)))
    return graph


DAMAGED = {
    "a group": (b"\x0b\x0c", "wire type 3"),
    "field number 0": (b"\x02\x00", "field number 0"),
    "a varint without end": (b"\x08" + b"\xff" * 12, "more than 10 bytes"),
    "a node longer than the graph": (b"\x0a\x7f", "longer than what holds it"),
    "an initializer that is a number": (b"\x28\x05", "wire type 0"),
    "subgraphs without end": (_nested(200), "nested deeper"),
    "an enormous length": (b"\x0a" + b"\xff" * 8 + b"\x7f", "longer than what holds it"),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_damage_is_told_with_its_place(tmp_path: Path, case: str) -> None:
    content, reason = DAMAGED[case]
    (tmp_path / "m.onnx").write_bytes(_in_graph(content))
    with pytest.raises(LoadError, match=reason) as caught:
        open_onnx(tmp_path / "m.onnx")
    assert "damaged at byte" in str(caught.value) or "nested" in str(caught.value)


def test_a_flood_of_tiny_parts_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tensorpeek.loaders.onnx_format.wire.MAX_MESSAGES", 1000)
    (tmp_path / "m.onnx").write_bytes(_in_graph(b"\x0a\x00" * 5000))
    with pytest.raises(LoadError, match="more than 1,000 parts"):
        open_onnx(tmp_path / "m.onnx")
    assert MAX_FIELDS > 1_000_000


def test_cycles_and_long_chains_end(tmp_path: Path) -> None:
    chain = [node("Identity", [f"v{n}"], [f"v{n + 1}"]) for n in range(500)]
    cycle = [node("Identity", ["p"], ["q"]), node("Identity", ["q"], ["p"])]
    uses = [node("DequantizeLinear", ["p", "q"], ["r"]), node("MatMul", ["v500", "p"], ["y"])]
    inits = [initializer("v0", np.ones((2, 2), np.float32))]
    model = open_onnx(save(model_of([*chain, *cycle, *uses], inits), tmp_path / "m.onnx"))
    assert len(model.tensors) == 1


def test_listing_a_large_file_touches_none_of_its_values(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    size = 3 << 30
    tensor = b"\x08\x80\x80\x80\x80\x03\x10\x01\x42\x01w\x4a"  # dims 3 << 28, float, "w", raw_data
    head, total = _large_head(tensor, size)
    with path.open("wb") as file:
        file.write(head)
        file.truncate(total)
    (found,) = open_onnx(path).tensors
    assert (found.params, found.error) == (3 << 28, None)
    assert next(iter(found.chunks())).max() == 0


def _large_head(tensor: bytes, size: int) -> tuple[bytes, int]:
    def varint(value: int) -> bytes:
        return bytes([value & 0x7F | 0x80]) + varint(value >> 7) if value > 0x7F else bytes([value])

    message = tensor + varint(size)
    initializer_head = b"\x2a" + varint(len(message) + size) + message
    graph = b"\x3a" + varint(len(initializer_head) + size) + initializer_head
    head = b"\x08\x0a\x42\x02\x10\x15" + graph
    return head, len(head) + size


def test_onnx_is_never_imported(tmp_path: Path) -> None:
    path = save(model_of([], [initializer("w", np.ones(3, np.float32))]), tmp_path / "m.onnx")
    code = (
        "import sys; from tensorpeek.loaders import open_model;"
        "print([t.read().sum() for t in open_model(sys.argv[1]).tensors]);"
        "assert not {'onnx', 'torch', 'google.protobuf'} & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "3.0" in done.stdout
