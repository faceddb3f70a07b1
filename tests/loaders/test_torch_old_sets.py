"""Sets of PyTorch files that an index names, and TorchScript whose weights are constants."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from tensorpeek.loaders import LoadError, find_models, open_model

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")

INDEX = "pytorch_model.bin.index.json"
SHARDS = ("pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin")


@pytest.fixture
def written(tmp_path: Path) -> dict[str, torch.Tensor]:
    """Write a set of two files, as transformers does; return its tensors."""
    shared = torch.randn(3, 2)
    shards = [
        {"embed.weight": shared, "head.weight": shared},
        {"layer.weight": torch.randn(4), "layer.bias": torch.zeros(2)},
    ]
    weight_map = {}
    for name, tensors in zip(SHARDS, shards, strict=True):
        torch.save(tensors, tmp_path / name)
        weight_map |= dict.fromkeys(tensors, name)
    index = {"metadata": {"total_size": 1}, "weight_map": weight_map}
    (tmp_path / INDEX).write_text(json.dumps(index))
    return shards[0] | shards[1]


def test_a_set_is_one_model(written: dict[str, torch.Tensor], tmp_path: Path) -> None:
    assert find_models([tmp_path]) == ([tmp_path / INDEX], [])
    model = open_model(tmp_path / INDEX)
    assert model.format == "PyTorch"
    assert model.warnings == ()
    assert [tensor.name for tensor in model.tensors] == [
        "embed.weight",
        "layer.weight",
        "layer.bias",
    ]
    assert model.tensors[0].aliases == ("head.weight",)
    for tensor in model.tensors:
        np.testing.assert_array_equal(tensor.read(), written[tensor.name].numpy())


def test_a_missing_file_is_told(written: dict[str, torch.Tensor], tmp_path: Path) -> None:
    (tmp_path / SHARDS[1]).unlink()
    model = open_model(tmp_path / INDEX)
    assert model.warnings == (f"shard {SHARDS[1]} is missing; it should hold 2 tensors",)
    errors = {tensor.name: tensor.error for tensor in model.tensors if tensor.error}
    assert errors == dict.fromkeys(("layer.weight", "layer.bias"), f"shard {SHARDS[1]} is missing")


def test_a_set_of_streams_opens_too(tmp_path: Path) -> None:
    torch.save({"w": torch.ones(2)}, tmp_path / "a.bin", _use_new_zipfile_serialization=False)
    (tmp_path / INDEX).write_text(json.dumps({"weight_map": {"w": "a.bin", "v": "a.bin"}}))
    tensors = {tensor.name: tensor for tensor in open_model(tmp_path / INDEX).tensors}
    assert tensors["w"].read().tolist() == [1, 1]
    assert tensors["v"].error == "shard a.bin does not hold it"


@pytest.mark.parametrize("shard", ["../a.bin", "/a.bin", INDEX, "./a.bin", "link.bin"])
def test_a_set_stays_in_its_folder_and_reads_each_file_once(shard: str, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    torch.save({"w": torch.ones(2)}, folder / "a.bin")
    torch.save({"v": torch.ones(2)}, tmp_path / "a.bin")
    (folder / "link.bin").symlink_to(tmp_path / "a.bin")
    (folder / INDEX).write_text(json.dumps({"weight_map": {"w": "a.bin", "v": shard}}))
    model = open_model(folder / INDEX)
    assert [tensor.name for tensor in model.tensors if tensor.error is None] == ["w"]
    reasons = {"./a.bin": "named twice", INDEX: "is an index itself"}
    assert any(reasons.get(shard, "leaves the folder") in line for line in model.warnings)


class Net(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 4, 3)
        self.second = torch.nn.Conv2d(4, 4, 1, bias=False)
        self.norm = torch.nn.LayerNorm(2)
        self.linear = torch.nn.Linear(4, 2)
        self.factor = torch.nn.Parameter(torch.randn(2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.second(torch.relu(self.conv(x))).mean([2, 3])
        return self.norm(self.linear(y)) * self.factor


@pytest.mark.parametrize("mobile", [False, True], ids=["frozen", "frozen for mobile"])
def test_constants_are_named_for_what_uses_them(mobile: bool, tmp_path: Path) -> None:
    net, path = Net().eval(), tmp_path / "net.ptl"
    frozen = torch.jit.freeze(torch.jit.script(net), optimize_numerics=False)
    if mobile:
        frozen._save_for_lite_interpreter(str(path))
    else:
        frozen.save(str(path))
    found = {tensor.name: tensor for tensor in open_model(path).tensors}
    wanted = {
        "conv2d_1.weight": net.conv.weight,
        "conv2d_1.bias": net.conv.bias,
        "conv2d_2.weight": net.second.weight,
        "linear_1.weight": net.linear.weight,
        "linear_1.bias": net.linear.bias,
        "layer_norm_1.weight": net.norm.weight,
        "layer_norm_1.bias": net.norm.bias,
    }
    for name, parameter in wanted.items():
        assert found[name].role == name.partition(".")[2]
        np.testing.assert_array_equal(found[name].read(), parameter.detach().numpy())
    [rest] = [tensor for name, tensor in found.items() if name not in wanted]
    assert (rest.layer, rest.role) == ("constants", "constant")
    np.testing.assert_array_equal(rest.read(), net.factor.detach().numpy())


def test_packed_parameters_that_were_hoisted_are_layers(tmp_path: Path) -> None:
    """Freezing moves them to attributes of the root, whose names have dots in them."""
    from torch.ao.quantization import default_qconfig
    from torch.ao.quantization.quantize_jit import quantize_jit

    net, path = Net().eval(), tmp_path / "hoisted.pt"
    script = torch.jit.script(net)
    inputs = torch.randn(2, 3, 8, 8)
    quantized = quantize_jit(script, {"": default_qconfig}, lambda model, x: model(x), [inputs])
    torch.jit.save(quantized, path)
    model = open_model(path)
    weights = [tensor for tensor in model.tensors if tensor.role == "weight"]
    originals = [net.conv.weight, net.second.weight, net.linear.weight]
    assert len(weights) == 3
    for tensor, original in zip(weights, originals, strict=True):
        assert tensor.layer.startswith("quantized_forward._jit_pass_packed_weight_")
        assert tensor.role == "weight"
        step = tensor.quantization.scales().max()
        assert np.abs(tensor.read() - original.detach().numpy()).max() <= 0.51 * step


def test_a_mobile_module_keeps_its_names(tmp_path: Path) -> None:
    net, path = Net().eval(), tmp_path / "net.ptl"
    torch.jit.script(net)._save_for_lite_interpreter(str(path))
    found = {tensor.name: tensor.read() for tensor in open_model(path).tensors}
    assert found.keys() == net.state_dict().keys()
    for name, value in net.state_dict().items():
        np.testing.assert_array_equal(found[name], value.numpy())


def test_an_index_of_nothing_is_an_error(tmp_path: Path) -> None:
    (tmp_path / INDEX).write_text('{"weight_map": {"w": "a.bin"')
    with pytest.raises(LoadError, match="damaged index"):
        open_model(tmp_path / INDEX)
