"""Models that are split over several GGUF files open as one."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
import pytest
from gguf_files import F32, STRING, UINT16, V3, Entry

from tensorpeek.loaders import find_models, open_model


def _part(number: int, count: int, pairs: list[bytes], total: int | None = None) -> bytes:
    """Return one part, which holds one tensor, ``blk.<number>.w.weight``, full of its number."""
    said = [
        V3.pair("split.no", UINT16, V3.pack("H", number)),
        V3.pair("split.count", UINT16, V3.pack("H", count)),
        V3.pair("split.tensors.count", UINT16, V3.pack("H", total or count)),
    ]
    values = np.full(4, number, "<f4").tobytes()
    return V3.file(pairs + said, [Entry(f"blk.{number}.w.weight", [4], F32, 0)], values)


@pytest.fixture
def parts(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"tiny-{number + 1:05}-of-00003.gguf" for number in range(3)]
    for number, path in enumerate(paths):
        named = [V3.pair("general.name", STRING, V3.text("tiny"))] if number == 0 else []
        path.write_bytes(_part(number, 3, named))
    return paths


@pytest.mark.parametrize("opened", [0, 1, 2], ids=["the first", "the second", "the last"])
def test_any_part_opens_the_whole_set(parts: list[Path], opened: int) -> None:
    model = open_model(parts[opened])
    assert model.path == parts[opened]
    assert model.warnings == ()
    assert model.metadata["general.name"] == "tiny"
    assert [tensor.name for tensor in model.tensors] == [f"blk.{n}.w.weight" for n in range(3)]
    for number, tensor in enumerate(model.tensors):
        assert tensor.source == str(parts[number])
        np.testing.assert_array_equal(tensor.read(), np.full(4, number))


def test_a_set_written_by_gguf_py(tmp_path: Path) -> None:
    writer = gguf.GGUFWriter(tmp_path / "set.gguf", "llama", split_max_tensors=2)
    values = {f"blk.{n}.ffn_up.weight": np.full((2, 3), n, np.float32) for n in range(5)}
    for name, tensor in values.items():
        writer.add_tensor(name, tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    model = open_model(tmp_path / "set-00001-of-00003.gguf")
    assert model.warnings == ()
    assert {tensor.name for tensor in model.tensors} == set(values)
    for found in model.tensors:
        np.testing.assert_array_equal(found.read(), values[found.name])


def test_a_missing_part_is_told_and_the_rest_opens(parts: list[Path]) -> None:
    parts[1].unlink()
    model = open_model(parts[0])
    assert [tensor.name for tensor in model.tensors] == ["blk.0.w.weight", "blk.2.w.weight"]
    assert "1 of 3 parts are missing: tiny-00002-of-00003.gguf" in model.warnings
    assert "2 of 3 tensors are listed in the parts that were found" in model.warnings


def test_a_damaged_part_is_told_and_the_rest_opens(parts: list[Path]) -> None:
    parts[2].write_bytes(parts[2].read_bytes()[:40])
    model = open_model(parts[0])
    assert len(model.tensors) == 2
    assert any("tiny-00003-of-00003.gguf cannot be read: trunc" in text for text in model.warnings)


def test_a_stranger_with_the_name_of_a_part_is_left_out(parts: list[Path]) -> None:
    parts[1].write_bytes(_part(7, 9, []))
    model = open_model(parts[0])
    assert len(model.tensors) == 2
    assert any("does not say that it is part 2 of 3" in text for text in model.warnings)


def test_a_folder_in_the_place_of_a_part_is_told(parts: list[Path]) -> None:
    parts[1].unlink()
    parts[1].mkdir()
    assert any("is a folder" in text for text in open_model(parts[0]).warnings)


def test_a_part_under_another_name_opens_alone(tmp_path: Path) -> None:
    path = tmp_path / "renamed.gguf"
    path.write_bytes(_part(0, 3, []))
    model = open_model(path)
    assert len(model.tensors) == 1
    assert "its name does not tell where the others are" in model.warnings[0]


def test_the_name_alone_makes_no_set(parts: list[Path]) -> None:
    parts[0].write_bytes(V3.file((), [Entry("w", [1], F32, 0)], bytes(4)))
    assert [tensor.name for tensor in open_model(parts[0]).tensors] == ["w"]


def test_a_set_of_far_too_many_parts_is_not_searched(tmp_path: Path) -> None:
    path = tmp_path / "tiny-00001-of-60000.gguf"
    path.write_bytes(_part(0, 60000, []))
    model = open_model(path)
    assert len(model.tensors) == 1
    assert len(model.warnings) == 1


def test_a_folder_lists_a_split_set_once(parts: list[Path], tmp_path: Path) -> None:
    (tmp_path / "other.gguf").write_bytes(parts[0].read_bytes())
    found, problems = find_models([tmp_path])
    assert [path.name for path in found] == ["other.gguf", parts[0].name]
    assert problems == []


def test_parts_without_the_first_are_listed(parts: list[Path], tmp_path: Path) -> None:
    parts[0].unlink()
    assert find_models([tmp_path])[0] == parts[1:]
