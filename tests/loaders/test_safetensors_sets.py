"""Sets of safetensors files open as one model, with what is missing from them."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from safetensors_files import entry, file_of, write_index, write_set

from tensorpeek.loaders import LoadError, find_models, open_model

SETS = ("sharded", "sharded-missing")


@pytest.mark.parametrize("name", SETS)
def test_real_sets_agree_with_their_truth(name: str, shared_data: Path) -> None:
    folder = shared_data / "formats" / "safetensors" / name
    truth_folder = shared_data / "formats" / "truth" / "safetensors" / name
    index = "model.safetensors.index.json"
    truth = json.loads((truth_folder / f"{index}.json").read_text())
    model = open_model(folder / index)
    readable = [each for each in model.tensors if each.error is None]
    assert [each.name for each in readable] == [row["name"] for row in truth]
    for tensor, row in zip(readable, truth, strict=True):
        values = tensor.read()
        wide = values.astype(np.float64)
        assert (list(tensor.shape), tensor.dtype) == (row["shape"], row["dtype"])
        assert (values.min(), values.max()) == (row["min"], row["max"])
        assert wide.mean() == pytest.approx(row["mean"], rel=1e-9, abs=1e-12)
        assert wide.std() == pytest.approx(row["std"], rel=1e-9, abs=1e-12)
        assert Path(tensor.source).name == row["shard"]


def test_a_real_set_is_bit_for_bit_what_the_library_reads(shared_data: Path) -> None:
    folder = shared_data / "formats" / "safetensors" / "sharded"
    model = open_model(folder / "model.safetensors.index.json")
    theirs = {}
    for shard in folder.glob("*.safetensors"):
        theirs |= load_file(shard)
    assert {each.name: each.read().tobytes() for each in model.tensors} == {
        name: array.tobytes() for name, array in theirs.items()
    }
    assert (model.format, model.warnings) == ("safetensors", ())
    assert model.path == folder / "model.safetensors.index.json"


def test_a_real_set_without_one_file_lists_what_is_missing(shared_data: Path) -> None:
    folder = shared_data / "formats" / "safetensors" / "sharded-missing"
    model = open_model(folder / "model.safetensors.index.json")
    weight_map = json.loads(model.path.read_text())["weight_map"]
    absent = "model-00002-of-00003.safetensors"
    errors = {each.name: each.error for each in model.tensors if each.error}
    assert errors == {
        name: f"shard {absent} is missing" for name, shard in weight_map.items() if shard == absent
    }
    assert model.warnings == (f"shard {absent} is missing; it should hold 5 tensors",)
    first = next(each for each in model.tensors if each.error)
    with pytest.raises(LoadError, match=f"shard {absent} is missing"):
        first.read()


def test_a_folder_shows_a_set_once(tmp_path: Path) -> None:
    index = write_set(tmp_path, {"a.safetensors": {"x": b"1"}, "b.safetensors": {"y": b"2"}})
    other = tmp_path / "consolidated.safetensors"
    other.write_bytes(file_of({"x": entry("U8", [1], 0, 1)}, b"1"))
    assert find_models([tmp_path]) == ([other, index], [])
    [model] = [open_model(path) for path in find_models([tmp_path])[0] if path == index]
    assert [each.name for each in model.tensors] == ["x", "y"]


def test_a_file_of_a_set_opens_alone_when_asked_for(tmp_path: Path) -> None:
    write_set(tmp_path, {"a.safetensors": {"x": b"1"}, "b.safetensors": {"y": b"2"}})
    shard = tmp_path / "b.safetensors"
    assert find_models([shard]) == ([shard], [])
    assert [each.name for each in open_model(shard).tensors] == ["y"]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('{"weight_map": {"x": "a.safetensors"', id="a cut one"),
        pytest.param('{"weight_map": ["a.safetensors"]}', id="a list"),
        pytest.param("", id="an empty one"),
    ],
)
def test_a_damaged_index_hides_nothing(text: str, tmp_path: Path) -> None:
    index = write_set(tmp_path, {"a.safetensors": {"x": b"1"}})
    index.write_text(text)
    assert find_models([tmp_path])[0] == [tmp_path / "a.safetensors", index]
    with pytest.raises(LoadError):
        open_model(index)


def test_an_index_cannot_hide_other_models_or_itself(tmp_path: Path) -> None:
    index = write_set(tmp_path, {"a.safetensors": {"x": b"1"}})
    evil = tmp_path / "evil.pt"
    evil.write_bytes(b"pickle")
    write_index(tmp_path, {"x": "a.safetensors", "y": "evil.pt", "z": index.name})
    assert find_models([tmp_path])[0] == [evil, index]


@pytest.mark.parametrize(
    "shard",
    [
        pytest.param("/etc/secret.safetensors", id="an absolute path"),
        pytest.param("../secret.safetensors", id="a path upward"),
        pytest.param("sub/../../secret.safetensors", id="a path upward in the middle"),
        pytest.param("C:\\secret.safetensors", id="a drive"),
        pytest.param("..\\secret.safetensors", id="a path upward on Windows"),
        pytest.param("\0.safetensors", id="a null byte"),
        pytest.param("link.safetensors", id="a link out of the folder"),
        pytest.param("loop.safetensors", id="a link to itself"),
    ],
)
def test_files_outside_the_folder_are_not_opened(shard: str, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    secret = file_of({"secret": entry("U8", [1], 0, 1)}, b"1")
    (tmp_path / "secret.safetensors").write_bytes(secret)
    (folder / "link.safetensors").symlink_to(tmp_path / "secret.safetensors")
    (folder / "loop.safetensors").symlink_to(folder / "loop.safetensors")
    write_set(folder, {"a.safetensors": {"x": b"1"}})
    index = write_index(folder, {"x": "a.safetensors", "secret": shard})
    by_name = {each.name: each for each in open_model(index).tensors}
    assert by_name["x"].error is None
    error = by_name["secret"].error
    assert error is not None
    assert "leaves the folder of the index" in error or "cannot be read" in error
    assert by_name["secret"].storage is None


def test_the_hub_cache_keeps_its_files_beside_its_snapshots(tmp_path: Path) -> None:
    snapshot, blobs = tmp_path / "snapshots" / "0123", tmp_path / "blobs"
    snapshot.mkdir(parents=True)
    blobs.mkdir()
    index = write_set(snapshot, {"a.safetensors": {"x": b"1"}, "b.safetensors": {"y": b"2"}})
    for path in sorted(snapshot.iterdir()):
        path.rename(blobs / path.name)
        path.symlink_to(Path("../../blobs") / path.name)
    assert find_models([snapshot])[0] == [index]
    assert [each.read().tobytes() for each in open_model(index).tensors] == [b"1", b"2"]


def test_a_linked_blobs_folder_does_not_open_the_rest_of_the_disk(tmp_path: Path) -> None:
    cache, elsewhere = tmp_path / "cache", tmp_path / "elsewhere"
    snapshot = cache / "snapshots" / "0123"
    snapshot.mkdir(parents=True)
    elsewhere.mkdir()
    write_set(elsewhere, {"a.safetensors": {"x": b"1"}})
    (cache / "blobs").symlink_to(elsewhere)
    (snapshot / "a.safetensors").symlink_to(cache / "blobs" / "a.safetensors")
    [tensor] = open_model(write_index(snapshot, {"x": "a.safetensors"})).tensors
    assert tensor.error == "shard a.safetensors leaves the folder of the index"


def test_a_damaged_file_costs_its_own_tensors(tmp_path: Path) -> None:
    index = write_set(tmp_path, {"a.safetensors": {"x": b"1"}, "b.safetensors": {"y": b"23"}})
    os.truncate(tmp_path / "b.safetensors", (tmp_path / "b.safetensors").stat().st_size - 1)
    good, bad = open_model(index).tensors
    assert good.read().tobytes() == b"1"
    assert bad.error == "shard b.safetensors cannot be read: truncated: y ends at byte 2 of 1"


def test_what_index_and_files_say_differently_is_told(tmp_path: Path) -> None:
    write_set(tmp_path, {"a.safetensors": {"x": b"1", "stray": b"2"}, "b.safetensors": {"y": b"3"}})
    index = write_index(
        tmp_path,
        {"x": "a.safetensors", "gone": "a.safetensors", "y": "b.safetensors"},
        metadata={"total_size": 3},
    )
    model = open_model(index)
    assert [(each.name, each.error) for each in model.tensors] == [
        ("x", None),
        ("stray", None),
        ("gone", "shard a.safetensors does not hold it"),
        ("y", None),
    ]
    assert model.warnings == (
        "shard a.safetensors holds 1 tensor that the index does not place there, such as stray",
        "shard a.safetensors does not hold 1 tensor that the index places there, such as gone",
    )
    assert model.metadata == {"total_size": "3"}


def test_ten_thousand_missing_files_are_told_in_few_words(tmp_path: Path) -> None:
    index = write_index(tmp_path, {f"t{i}": f"{i:05}.safetensors" for i in range(8000)})
    model = open_model(index)
    assert len(model.tensors) == 8000
    assert len(model.warnings) == 21
    assert model.warnings[-1] == "and 7,980 more like this"
    write_index(tmp_path, {f"t{i}": f"{i:05}.safetensors" for i in range(10_000)})
    with pytest.raises(LoadError, match="more than 8,192 files"):
        open_model(index)


@pytest.mark.parametrize("spaces", [0, 5000, 100_000])
def test_the_weight_map_may_stand_anywhere(spaces: int, tmp_path: Path) -> None:
    index = write_set(tmp_path, {"a.safetensors": {"x": b"1"}})
    text = json.dumps({"metadata": {"note": "x" * spaces}, **json.loads(index.read_text())})
    index.write_text(text)
    assert [each.name for each in open_model(index).tensors] == ["x"]


def test_ten_thousand_tensors_of_twenty_gigabytes_are_listed_quickly(tmp_path: Path) -> None:
    weight_map, size = {}, 1 << 21
    for number in range(10):
        shard = f"model-{number:05}.safetensors"
        names = [f"layers.{number}.{index}.weight" for index in range(1000)]
        header = {
            name: entry("BF16", [1024, 1024], index * size, (index + 1) * size)
            for index, name in enumerate(names)
        }
        content = file_of(header)
        (tmp_path / shard).write_bytes(content)
        os.truncate(tmp_path / shard, len(content) + 1000 * size)
        weight_map |= dict.fromkeys(names, shard)
    index = write_index(tmp_path, weight_map)
    times = []
    for _ in range(3):
        start = time.process_time()
        model = open_model(index)
        times.append(time.process_time() - start)
    assert len(model.tensors) == 10_000
    assert sum(each.nbytes for each in model.tensors) == 10_000 * size
    assert min(times) < 3, "0.1 s on an idle machine"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ('{"weight_map": {', "damaged index: it is not JSON"),
        ('{"weight_map": {}}', "holds no tensors"),
        ('{"weight_map": 3}', "its weight_map is not an object"),
        ('{"weight_map": {"a": NaN}}', "it holds NaN, which is not JSON"),
    ],
    ids=["cut", "without files", "not a map", "not JSON"],
)
@pytest.mark.parametrize("name", ["model.safetensors.index.json", "pytorch_model.bin.index.json"])
def test_an_index_by_its_name_says_what_is_wrong(
    tmp_path: Path, name: str, content: str, reason: str
) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(LoadError, match=reason):
        open_model(tmp_path / name)
