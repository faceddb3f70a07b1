"""The header of a GGUF file: versions, byte orders, metadata, the list of tensors."""

from __future__ import annotations

import struct
from pathlib import Path

import gguf
import numpy as np
import pytest
from gguf_files import (
    ARRAY,
    BF16,
    BOOL,
    F16,
    F32,
    FLOAT32,
    FLOAT64,
    INT8,
    INT16,
    INT32,
    INT64,
    Q4_0,
    STRING,
    UINT8,
    UINT16,
    UINT32,
    UINT64,
    V3,
    Entry,
    Format,
    open_bytes,
)

from tensorpeek.loaders import LoadError, open_model

FORMATS = [Format(version, order) for version in (1, 2, 3) for order in ("little", "big")]


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: f"v{form.version} {form.byteorder}")
def test_every_version_in_both_byte_orders(tmp_path: Path, form: Format) -> None:
    numbers = np.arange(6, dtype=f"{'<' if form.byteorder == 'little' else '>'}f4")
    pairs = [
        form.pair("general.name", STRING, form.text("tiny")),
        form.pair("tiny.block_count", UINT32, form.pack("I", 7)),
        form.pair("tiny.names", ARRAY, form.array(STRING, 2, form.text("a") + form.text("b"))),
    ]
    content = form.file(pairs, [Entry("blk.0.w.weight", [3, 2], F32, 0)], numbers.tobytes())
    model = open_bytes(tmp_path, content)
    ending = ", big-endian" if form.byteorder == "big" else ""
    assert model.format == f"GGUF v{form.version}{ending}"
    assert model.metadata == {
        "general.name": "tiny",
        "tiny.block_count": "7",
        "tiny.names": "[a, b]",
    }
    assert model.warnings == ()
    np.testing.assert_array_equal(model.tensors[0].read(), np.arange(6).reshape(2, 3))


@pytest.mark.parametrize(
    "order", [gguf.GGUFEndian.LITTLE, gguf.GGUFEndian.BIG], ids=["little-endian", "big-endian"]
)
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i1", "i2", "i4", "i8"])
def test_plain_tensors_of_gguf_py(tmp_path: Path, dtype: str, order: gguf.GGUFEndian) -> None:
    values = np.arange(-12, 12).reshape(2, 3, 4).astype(dtype)
    path = tmp_path / "plain.gguf"
    writer = gguf.GGUFWriter(path, "llama", endianess=order)
    writer.add_tensor("blk.1.ffn_up.weight", values.copy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    tensor = open_model(path).tensors[0]
    assert (tensor.layer, tensor.label, tensor.role) == ("blk.1.ffn_up", "weight", "weight")
    assert tensor.shape == (2, 3, 4)
    assert tensor.views == ("dequantized",)
    assert tensor.quantization is None
    np.testing.assert_array_equal(tensor.read(), values)
    assert tensor.read().dtype == values.dtype


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: f"v{form.version} {form.byteorder}")
def test_bfloat16_in_both_byte_orders(tmp_path: Path, form: Format) -> None:
    patterns = np.array([0x3F80, 0xC000, 0x7F80], np.uint16)  # 1, -2 and infinity
    stored = patterns.astype("<u2" if form.byteorder == "little" else ">u2").tobytes()
    tensor = open_bytes(tmp_path, form.file((), [Entry("w", [3], BF16, 0)], stored)).tensors[0]
    assert tensor.dtype == "bfloat16"
    np.testing.assert_array_equal(tensor.read().astype(np.float32), [1, -2, np.inf])


SCALARS = {
    "an unsigned byte": (UINT8, "B", 200, "200"),
    "a signed byte": (INT8, "b", -100, "-100"),
    "an unsigned 16-bit number": (UINT16, "H", 60000, "60000"),
    "a signed 16-bit number": (INT16, "h", -30000, "-30000"),
    "an unsigned 32-bit number": (UINT32, "I", 1 << 31, "2147483648"),
    "a signed 32-bit number": (INT32, "i", -5, "-5"),
    "a 32-bit float, as short as it can be": (FLOAT32, "f", 1e-5, "1e-05"),
    "true": (BOOL, "B", 1, "true"),
    "false": (BOOL, "B", 0, "false"),
    "an unsigned 64-bit number": (UINT64, "Q", 1 << 63, "9223372036854775808"),
    "a signed 64-bit number": (INT64, "q", -(1 << 63), "-9223372036854775808"),
    "a 64-bit float": (FLOAT64, "d", 0.1, "0.1"),
}


@pytest.mark.parametrize(("kind", "code", "value", "text"), SCALARS.values(), ids=SCALARS)
def test_metadata_values(tmp_path: Path, kind: int, code: str, value: float, text: str) -> None:
    model = open_bytes(tmp_path, V3.file([V3.pair("k", kind, V3.pack(code, value))]))
    assert model.metadata == {"k": text}


ARRAYS = {
    "short ones are told": (V3.array(INT32, 3, V3.pack("3i", 1, -2, 3)), "[1, -2, 3]"),
    "truth values": (V3.array(BOOL, 2, b"\1\0"), "[true, false]"),
    "long ones are counted": (V3.array(FLOAT32, 1000, bytes(4000)), "[1,000 float32 values]"),
    "many strings are counted": (V3.array(STRING, 40, V3.text("tok") * 40), "[40 strings]"),
    "empty ones": (V3.array(STRING, 0, b""), "[]"),
    "nested ones": (V3.array(ARRAY, 2, V3.array(UINT8, 3, b"abc") * 2), "[2 arrays]"),
}


@pytest.mark.parametrize(("value", "text"), ARRAYS.values(), ids=ARRAYS)
def test_metadata_arrays(tmp_path: Path, value: bytes, text: str) -> None:
    pairs = [V3.pair("before", ARRAY, value), V3.pair("after", UINT8, b"\x07")]
    assert open_bytes(tmp_path, V3.file(pairs)).metadata == {"before": text, "after": "7"}


def test_texts_are_bounded_and_safe_to_show(tmp_path: Path) -> None:
    pairs = [
        V3.pair("template", STRING, V3.text("é" * 100_000)),
        V3.pair("steered\x1b[2J", STRING, V3.text("\x1b]0;x\x07")),
        V3.pair("no UTF-8", STRING, V3.text(b"\xff\xfe")),
    ]
    metadata = open_bytes(tmp_path, V3.file(pairs)).metadata
    assert metadata["template"] == "é" * 512 + "…"
    assert metadata["steered\\x1b[2J"] == "\\x1b]0;x\\x07"
    assert metadata["no UTF-8"] == "\\xff\\xfe"


def test_strings_that_cross_the_read_windows(tmp_path: Path) -> None:
    generator = np.random.default_rng(3)
    lengths = [int(length) for length in generator.integers(0, 2000, 1000)] + [900_000, 0, 5]
    strings = b"".join(V3.text(b"x" * length) for length in lengths)
    pairs = [
        V3.pair("tokens", ARRAY, V3.array(STRING, len(lengths), strings)),
        V3.pair("after", STRING, V3.text("here")),
    ]
    model = open_bytes(tmp_path, V3.file(pairs))
    assert model.metadata == {"tokens": "[1,003 strings]", "after": "here"}


def test_another_alignment_moves_the_data(tmp_path: Path) -> None:
    pairs = [V3.pair("general.alignment", UINT32, V3.pack("I", 4096))]
    values = np.arange(4, dtype="<f4")
    content = V3.file(pairs, [Entry("w", [4], F32, 0)], values.tobytes(), alignment=4096)
    np.testing.assert_array_equal(open_bytes(tmp_path, content).tensors[0].read(), values)


@pytest.mark.parametrize("alignment", [0, 3, 48])
def test_an_alignment_that_is_no_power_of_two_is_damage(tmp_path: Path, alignment: int) -> None:
    pairs = [V3.pair("general.alignment", UINT32, V3.pack("I", alignment))]
    with pytest.raises(LoadError, match="not a power of two"):
        open_bytes(tmp_path, V3.file(pairs))


def test_a_scalar_and_a_vector(tmp_path: Path) -> None:
    entries = [Entry("s", [], F32, 0), Entry("v", [2], F16, 32)]
    content = struct.pack("<f", 2.5) + bytes(28) + np.array([1, 2], "<f2").tobytes()
    scalar, vector = open_bytes(tmp_path, V3.file((), entries, content)).tensors
    assert scalar.shape == ()
    assert scalar.read() == 2.5
    np.testing.assert_array_equal(vector.read(), [1, 2])


def test_names_that_come_again_are_told_apart(tmp_path: Path) -> None:
    entries = [Entry("w", [1], F32, 0), Entry("w", [1], F32, 4), Entry("", [1], F32, 8)]
    model = open_bytes(tmp_path, V3.file((), entries, np.arange(3, dtype="<f4").tobytes()))
    assert len({tensor.name for tensor in model.tensors}) == 3
    assert [float(tensor.read()[0]) for tensor in model.tensors] == [0, 1, 2]
    assert model.warnings == ("1 of 3 tensors have the name of another one",)


def test_keys_that_come_again_keep_their_first_value(tmp_path: Path) -> None:
    pairs = [V3.pair("k", UINT8, b"\1"), V3.pair("k", UINT8, b"\2")]
    model = open_bytes(tmp_path, V3.file(pairs))
    assert model.metadata == {"k": "1"}
    assert model.warnings == ("1 metadata keys occur again, such as k",)


BAD = {
    "an unknown type": (Entry("bad", [32], 99, 0), "unknown ggml type 99"),
    "a removed type": (Entry("bad", [32], 31, 0), "unknown ggml type 31"),
    "a row that is no whole number of blocks": (Entry("bad", [33], Q4_0, 0), "do not divide"),
    "a scalar of a block type": (Entry("bad", [], Q4_0, 0), "do not divide"),
    "data past the end": (Entry("bad", [1000], F32, 0), "past the end of the file"),
    "an offset past the end": (Entry("bad", [1], F32, 1 << 63), "past the end of the file"),
}


@pytest.mark.parametrize(("entry", "reason"), BAD.values(), ids=BAD)
def test_one_bad_tensor_does_not_spoil_the_model(tmp_path: Path, entry: Entry, reason: str) -> None:
    entries = [entry, Entry("good", [2], F32, 0)]
    content = V3.file((), entries, np.array([1, 2], "<f4").tobytes())
    bad, good = open_bytes(tmp_path, content).tensors
    assert bad.error is not None
    assert reason in bad.error
    with pytest.raises(LoadError, match=reason):
        bad.read()
    np.testing.assert_array_equal(good.read(), [1, 2])


def test_an_incomplete_download_is_told(tmp_path: Path) -> None:
    entries = [Entry("a", [8], F32, 0), Entry("b", [8], F32, 32)]
    model = open_bytes(tmp_path, V3.file((), entries, bytes(40)))
    assert [tensor.error is None for tensor in model.tensors] == [True, False]
    assert "1 of 2 tensors lie past the end of the file" in model.warnings[0]


def test_an_unknown_version_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="GGUF version 4 is not known"):
        open_bytes(tmp_path, Format(4).file())
