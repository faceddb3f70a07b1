"""Parts of quantized weights among other tensors, and what the files beside them say."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hf_files import only_weight, open_written, write_model

from tensorpeek.analysis import DistributionCache, measure
from tensorpeek.loaders import Tensor, open_model
from tensorpeek.loaders.hf_quantization.join import join_parts


def fp8_parts(name: str = "layer") -> dict[str, Any]:
    return {
        f"{name}.weight": torch.ones(4, 6).to(torch.float8_e4m3fn),
        f"{name}.weight_scale": torch.ones(4, 1),
    }


def gptq_parts(name: str = "layer") -> dict[str, Any]:
    return {
        f"{name}.qweight": torch.ones(4, 32, dtype=torch.int32),
        f"{name}.qzeros": torch.ones(1, 4, dtype=torch.int32),
        f"{name}.scales": torch.ones(1, 32, dtype=torch.float16),
    }


def test_a_weight_stands_where_its_first_part_stood(tmp_path: Path) -> None:
    parts = {"a.weight": torch.ones(2), **gptq_parts("b"), "c.weight": torch.ones(2)}
    model = open_written(tmp_path, parts)
    assert [tensor.name for tensor in model.tensors] == ["a.weight", "c.weight", "b.weight"] or [
        tensor.name for tensor in model.tensors
    ] == ["a.weight", "b.weight", "c.weight"]
    weight = only_weight(model, "b.weight")
    assert weight.nbytes == sum(part.nbytes for part in weight.parts) == 4 * 32 * 4 + 16 + 64
    assert weight.params == 32 * 32


def test_an_unknown_method_leaves_all_parts_and_is_named(tmp_path: Path) -> None:
    model = open_written(tmp_path, gptq_parts(), {"quant_method": "Quark\x1b[31m"})
    assert {tensor.label for tensor in model.tensors} == {"qweight", "qzeros", "scales"}
    (warning,) = model.warnings
    assert warning.startswith("quantization method quark")
    assert warning.endswith("is not known: its parts are shown as stored")
    assert "\x1b" not in warning


METHODS = ("quanto", "aqlm", "vptq", "eetq", "higgs", "spqr", "bitnet", "quark")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("suffix", ["safetensors", "bin"])
def test_methods_that_are_not_known_are_named(tmp_path: Path, method: str, suffix: str) -> None:
    model = open_written(tmp_path, gptq_parts(), {"quant_method": method})
    if suffix == "bin":
        torch.save(gptq_parts(), tmp_path / "model.bin")
        model = open_model(tmp_path / "model.bin")
    assert model.warnings == (
        f"quantization method {method} is not known: its parts are shown as stored",
    )
    assert {tensor.name for tensor in model.tensors} == gptq_parts().keys()


WORDS = torch.zeros(4, 64, dtype=torch.int32)
HALVES = torch.ones(2, 32, dtype=torch.float16)
UNKNOWN: dict[str, tuple[dict[str, torch.Tensor], dict[str, Any] | None, str]] = {
    "Marlin by its parts": (
        {"layer.B": WORDS, "layer.s": HALVES, "layer.workspace": WORDS[0]},
        *(None, "GPTQ Marlin"),
    ),
    "GPTQ for Marlin by its format": (
        {"layer.qweight": WORDS, "layer.scales": HALVES},
        {"quant_method": "gptq", "checkpoint_format": "marlin", "bits": 4},
        "GPTQ Marlin",
    ),
    "AWQ for Marlin by its version": (
        {"layer.qweight": WORDS, "layer.scales": HALVES, "layer.qzeros": WORDS},
        {"quant_method": "awq", "version": "marlin"},
        "AWQ Marlin",
    ),
    "Marlin with 2:4 sparsity": (
        {"layer.weight_packed": WORDS, "layer.scale_packed": HALVES, "layer.meta": WORDS.short()},
        {"quant_method": "compressed-tensors", "format": "marlin-24"},
        "compressed-tensors marlin-24",
    ),
    "floats of 6 bits": (
        {"layer.weight_packed": WORDS.byte(), "layer.weight_scale": WORDS[:, :2].byte()},
        {"quant_method": "compressed-tensors", "format": "mxfp6-pack-quantized"},
        "compressed-tensors mxfp6-pack-quantized",
    ),
    "quanto by its parts": (
        {"layer.weight._data": WORDS.to(torch.int8), "layer.weight._scale": HALVES},
        *(None, "quanto"),
    ),
    "AQLM by its parts": (
        {"layer.codes": WORDS, "layer.codebooks": HALVES, "layer.scales": HALVES[:1]},
        *(None, "AQLM"),
    ),
}


@pytest.mark.parametrize(("parts", "config", "scheme"), UNKNOWN.values(), ids=UNKNOWN)
def test_schemes_that_are_not_known_are_named(
    tmp_path: Path, parts: dict[str, torch.Tensor], config: dict[str, Any] | None, scheme: str
) -> None:
    model = open_written(tmp_path, {name: part.clone() for name, part in parts.items()}, config)
    assert model.warnings == (
        f"quantization scheme {scheme} is not known: its parts are shown as stored",
    )
    assert {tensor.name for tensor in model.tensors} == parts.keys()


@pytest.mark.parametrize(
    ("file", "text"),
    [
        pytest.param("config.json", "{", id="a damaged config.json"),
        pytest.param("config.json", "[1, 2]", id="a list"),
        pytest.param("config.json", "[" * 100_000, id="a list of endless depth"),
        pytest.param("quantize_config.json", '{"bits": ' + "9" * 5000 + "}", id="endless digits"),
        pytest.param("hf_quant_config.json", " " * (5 << 20), id="five megabytes"),
    ],
)
def test_a_configuration_that_cannot_be_read_is_a_warning(
    tmp_path: Path, file: str, text: str
) -> None:
    path = write_model(tmp_path, fp8_parts())
    (tmp_path / file).write_text(text)
    model = open_model(path)
    assert model.warnings == (
        f"{file} beside it cannot be read: nothing is known of its quantization",
    )
    assert [tensor.label for tensor in model.tensors] == ["weight"]


@pytest.mark.parametrize(
    "config",
    [
        pytest.param({"quant_method": ["gptq"], "bits": "4", "group_size": 1e9}, id="types"),
        pytest.param({"config_groups": {"a": 3, "b": {"weights": []}}}, id="groups"),
        pytest.param({"config_groups": [1], "weight_block_size": [0, -1]}, id="blocks"),
        pytest.param({"bits": -1, "group_size": 0, "version": {}}, id="sizes"),
        pytest.param({"weight_block_size": ["a", None], "format": 3}, id="texts"),
    ],
)
def test_a_configuration_may_hold_anything(tmp_path: Path, config: dict[str, Any]) -> None:
    model = open_written(tmp_path, {**gptq_parts("a"), **fp8_parts("b")}, config)
    assert {tensor.name for tensor in model.tensors} == {"a.weight", "b.weight"}
    assert model.warnings == ()


@pytest.mark.parametrize(
    ("file", "content", "shown"),
    [
        pytest.param(
            "config.json",
            {"text_config": {"quantization_config": {"quant_method": "gptq", "bits": 4}}},
            {"quantization quant_method": "gptq", "quantization bits": "4"},
            id="the text model of a larger one",
        ),
        pytest.param(
            "quantize_config.json",
            {"bits": 4, "group_size": 32, "desc_act": False},
            {
                "quantization quant_method": "gptq",
                "quantization bits": "4",
                "quantization group_size": "32",
                "quantization desc_act": "False",
            },
            id="AutoGPTQ's own file",
        ),
        pytest.param(
            "quant_config.json",
            {"w_bit": 4, "version": "GEMM"},
            {"quantization quant_method": "awq", "quantization version": "GEMM"},
            id="AutoAWQ's own file",
        ),
        pytest.param(
            "hf_quant_config.json",
            {"quantization": {"quant_algo": "FP8"}},
            {"quantization quant_algo": "FP8"},
            id="ModelOpt's own file",
        ),
    ],
)
def test_the_files_of_each_library_are_read(
    tmp_path: Path, file: str, content: dict[str, Any], shown: dict[str, str]
) -> None:
    path = write_model(tmp_path, fp8_parts())
    (tmp_path / file).write_text(json.dumps(content))
    model = open_model(path)
    found = {key: text for key, text in model.metadata.items() if key.startswith("quantization")}
    assert found == shown
    assert model.warnings == ()


def test_a_set_of_files_is_joined_across_its_files(tmp_path: Path) -> None:
    library = pytest.importorskip("safetensors.torch")
    parts = gptq_parts()
    shards = {
        "a.safetensors": {"layer.qweight": parts["layer.qweight"]},
        "b.safetensors": {name: parts[name] for name in ("layer.qzeros", "layer.scales")},
    }
    for shard, tensors in shards.items():
        library.save_file(tensors, tmp_path / shard)
    index = {name: shard for shard, tensors in shards.items() for name in tensors}
    path = tmp_path / "model.safetensors.index.json"
    path.write_text(json.dumps({"weight_map": index}))
    weight = only_weight(open_model(path))
    assert weight.read().shape == (32, 32)
    (tmp_path / "b.safetensors").unlink()
    model = open_model(path)
    assert {tensor.label for tensor in model.tensors} == {"qweight", "qzeros", "scales"}
    assert any("cannot be read" in warning for warning in model.warnings)


def test_many_misfits_are_one_warning(tmp_path: Path) -> None:
    parts: dict[str, Any] = {}
    for index in range(5):
        parts |= {**gptq_parts(f"l{index}"), f"l{index}.scales": torch.ones(3, 3)}
    (warning,) = open_written(tmp_path, parts).warnings
    assert warning.startswith("5 quantized weights are shown as stored parts, such as l0.qweight")


def test_two_weights_do_not_share_a_part(tmp_path: Path) -> None:
    parts = fp8_parts() | {"layer.weight_scale_inv": torch.ones(1, 1)}
    model = open_written(tmp_path, parts)
    assert sorted(tensor.label for tensor in model.tensors) == ["weight", "weight_scale_inv"]
    assert "belong to another weight too" in model.warnings[0]


def test_a_joined_weight_survives_pickling_and_caching(tmp_path: Path) -> None:
    weight = only_weight(open_written(tmp_path, gptq_parts()))
    copy = pickle.loads(pickle.dumps(weight))
    np.testing.assert_array_equal(copy.read(), weight.read())
    cache = DistributionCache()
    for view in weight.views:
        cache.keep(weight, view, measure(weight, view))
        assert cache.find(copy, view) is not None


def test_tensors_without_values_are_listed_as_they_are() -> None:
    facts: Any = {"layer": "a", "role": "other", "shape": (4, 4), "dtype": "int32"}
    tensors = [
        Tensor(name=f"a.{label}", label=label, error="is missing", **facts)
        for label in ("qweight", "qzeros", "scales", "weight_packed", "weight_scale", "x_blocks")
    ]
    joined = join_parts(tensors, None)
    assert joined.tensors == tuple(tensors)


def test_nothing_is_said_of_a_model_without_quantization(tmp_path: Path) -> None:
    model = open_written(tmp_path, {"a.weight": torch.ones(3)}, None)
    (tmp_path / "config.json").write_text('{"time_step_limit": [0.0, Infinity]}')
    again = open_model(model.path)
    assert (again.warnings, dict(again.metadata)) == ((), {})
