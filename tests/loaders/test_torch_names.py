"""Names, layers, roles, aliases and metadata of checkpoints and pickled modules."""

from __future__ import annotations

import sys
import types
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from tensorpeek.loaders import LoadError, open_model


def names_of(tmp_path: Path, root: object) -> list[str]:
    path = tmp_path / "checkpoint.pt"
    torch.save(root, path)
    return [tensor.name for tensor in open_model(path).tensors]


def weights(value: float = 0.0) -> dict[str, torch.Tensor]:
    return {"conv.weight": torch.full((2, 2), value), "conv.bias": torch.full((2,), value)}


@pytest.mark.parametrize(
    "key", ["state_dict", "model", "model_state_dict", "module", "net", "weights"]
)
def test_a_well_known_container_is_left_out_of_names(tmp_path: Path, key: str) -> None:
    assert names_of(tmp_path, {key: weights(), "epoch": 3}) == ["conv.weight", "conv.bias"]


@pytest.mark.parametrize(
    ("root", "expected"),
    [
        (weights(), ["conv.weight", "conv.bias"]),
        (OrderedDict(weights()), ["conv.weight", "conv.bias"]),
        ({"generator": weights()}, ["generator.conv.weight", "generator.conv.bias"]),
        ({"net": {"a": torch.ones(1)}, "weights": {"b": torch.ones(2)}}, ["a", "b"]),
        (
            {"net": {"a": torch.ones(1)}, "weights": {"a": torch.ones(2)}},
            ["net.a", "weights.a"],
        ),
        ({"net": {"a": torch.ones(1)}, "a": torch.ones(2)}, ["net.a", "a"]),
        (torch.ones(3), ["tensor"]),
        ([torch.ones(1), (torch.ones(2), {7: torch.ones(3)})], ["0", "1.0", "1.1.7"]),
        ({("a", 1): torch.ones(1), None: torch.ones(2)}, ["a,1", "None"]),
        ({"a.b": torch.ones(1), "a": {"b": torch.ones(2)}}, ["a.b", "a.b (2)"]),
        ({"model": torch.ones(1)}, ["model"]),
    ],
    ids=[
        "a bare state_dict",
        "an ordered one",
        "an unknown key stays",
        "two containers without a clash",
        "two containers that clash",
        "a container that clashes with the root",
        "a lone tensor",
        "lists and numbers",
        "odd keys",
        "equal names of different tensors are numbered",
        "a tensor named like a container",
    ],
)
def test_names_are_dotted_paths(tmp_path: Path, root: object, expected: object) -> None:
    assert names_of(tmp_path, root) == expected


def test_a_tensor_in_two_containers_is_listed_once_with_its_full_other_name(tmp_path: Path) -> None:
    shared = weights()
    path = tmp_path / "twice.pt"
    torch.save({"model": shared, "state_dict": dict(shared)}, path)
    first, second = open_model(path).tensors
    assert (first.name, first.aliases) == ("conv.weight", ("state_dict.conv.weight",))
    assert (second.name, second.aliases) == ("conv.bias", ("state_dict.conv.bias",))


def test_a_training_checkpoint_tells_weights_from_optimizer_state(tmp_path: Path) -> None:
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.25)
    net(torch.randn(5, 3)).sum().backward()
    optimizer.step()
    path = tmp_path / "lightning.ckpt"
    torch.save(
        {
            "epoch": 7,
            "global_step": 1234,
            "pytorch-lightning_version": "2.5.0",
            "state_dict": net.state_dict(),
            "loops": {"fit_loop": {"state_dict": {}}},
            "callbacks": {},
            "optimizer_states": [optimizer.state_dict()],
            "lr_schedulers": [],
            "hyper_parameters": {"lr": 0.25, "name": "tiny\x1b[31m"},
            "input_shape": torch.Size([1, 3]),
        },
        path,
    )
    model = open_model(path)
    roles = {tensor.name: tensor.role for tensor in model.tensors}
    assert roles["0.weight"] == "weight"
    assert roles["1.running_mean"] == "running mean"
    assert roles["1.running_var"] == "running variance"
    assert roles["1.num_batches_tracked"] == "buffer"
    assert roles["optimizer_states.0.state.0.exp_avg"] == "optimizer state"
    assert model.params == sum(parameter.numel() for parameter in net.parameters())
    assert model.metadata["epoch"] == "7"
    assert model.metadata["pytorch-lightning_version"] == "2.5.0"
    assert model.metadata["hyper_parameters.lr"] == "0.25"
    assert model.metadata["hyper_parameters.name"] == "tiny\\x1b[31m"
    assert model.metadata["input_shape"] == "(1, 3)"
    moment = {tensor.name: tensor for tensor in model.tensors}["optimizer_states.0.state.0.exp_avg"]
    expected = optimizer.state_dict()["state"][0]["exp_avg"]
    np.testing.assert_array_equal(moment.read(), expected.numpy())


@pytest.fixture
def vanishing() -> Iterator[types.ModuleType]:
    """A module of classes that is gone when the file is read."""
    module = types.ModuleType("vanishing_module")
    sys.modules["vanishing_module"] = module
    yield module
    sys.modules.pop("vanishing_module", None)


def test_a_pickled_module_opens_without_its_classes(
    tmp_path: Path, vanishing: types.ModuleType
) -> None:
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(3, 3)
            self.register_buffer("table", torch.arange(4.0))
            self.plain = [torch.ones(5)]
            self.other = self.linear

    Block.__module__, Block.__qualname__ = "vanishing_module", "Block"
    vanishing.Block = Block
    net = nn.Sequential(Block(), nn.BatchNorm2d(2))
    path = tmp_path / "module.pt"
    torch.save(net, path)
    del sys.modules["vanishing_module"]
    model = open_model(path)
    tensors = {tensor.name: tensor for tensor in model.tensors}
    for name, value in net.state_dict().items():
        if "other" not in name:
            np.testing.assert_array_equal(tensors[name].read(), value.numpy())
    assert tensors["0.table"].role == "buffer"
    assert tensors["0.plain.0"].read().tolist() == [1] * 5
    assert tensors["0.linear.weight"].aliases == ("0.other.weight",)
    assert not model.warnings
    assert "vanishing_module.Block" in model.metadata["pickled classes (not imported)"]


def test_a_pickled_graph_module_opens_like_its_module(tmp_path: Path) -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.BatchNorm2d(4)).eval()
    path = tmp_path / "graph.pt"
    torch.save({"model": torch.fx.symbolic_trace(net), "note": "traced"}, path)
    model = open_model(path)
    expected = dict(net.state_dict())
    assert {tensor.name for tensor in model.tensors} == set(expected)
    for tensor in model.tensors:
        np.testing.assert_array_equal(tensor.read(), expected[tensor.name].numpy())
    assert model.metadata["note"] == "traced"


@pytest.mark.filterwarnings("ignore")
def test_a_compiled_module_has_the_names_of_its_state_dict(tmp_path: Path) -> None:
    compiled = torch.compile(nn.Sequential(nn.Linear(3, 4)))
    path = tmp_path / "compiled.pt"
    torch.save(compiled, path)
    assert [tensor.name for tensor in open_model(path).tensors] == list(compiled.state_dict())


def test_the_state_of_random_numbers_is_no_parameter(tmp_path: Path) -> None:
    path = tmp_path / "training.pt"
    torch.save({"model": weights(), "rng_state": torch.get_rng_state()}, path)
    model = open_model(path)
    assert model.params == 6
    assert model.tensors[-1].role == "buffer"


class Scripted(nn.Module):
    """Attributes of all kinds, for TorchScript."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(3, 3), nn.Linear(3, 3, bias=False)])
        self.norm = nn.BatchNorm1d(3)
        self.gain = nn.Parameter(torch.full((3,), 2.0))
        self.register_buffer("offset", torch.full((3,), 0.5))
        self.tables = {"first": torch.ones(2)}
        self.rows = [torch.zeros(2)]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            x = layer(x)
        return self.norm(x) * self.gain + self.offset + self.rows[0].sum()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("trace", [False, True], ids=["scripted", "traced"])
def test_torchscript_lists_what_torch_loads(tmp_path: Path, trace: bool) -> None:
    net = Scripted().eval()
    path = tmp_path / "script.pt"
    example = torch.randn(2, 3)
    made = torch.jit.trace(net, example) if trace else torch.jit.script(net)
    torch.jit.save(made, path)
    model = open_model(path)
    assert model.format == "TorchScript"
    tensors = {tensor.name: tensor for tensor in model.tensors}
    loaded = torch.jit.load(path)
    for name, value in loaded.state_dict().items():
        np.testing.assert_array_equal(tensors[name].read(), value.numpy(), strict=True)
    for name, _ in loaded.named_parameters():
        assert tensors[name].role in ("weight", "bias", "other")
    for name, _ in loaded.named_buffers():
        assert tensors[name].role in ("running mean", "running variance", "buffer")
    if not trace:
        assert tensors["tables.first"].read().tolist() == [1, 1]
        assert tensors["rows.0"].read().tolist() == [0, 0]
    assert not model.warnings


@pytest.mark.filterwarnings("ignore")
def test_constants_of_torchscript_are_listed(tmp_path: Path) -> None:
    class Shift(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + torch.tensor([1.0, 2.0, 4.0])

    path = tmp_path / "constant.pt"
    torch.jit.save(torch.jit.trace(Shift(), torch.zeros(3)), path)
    [tensor] = open_model(path).tensors
    assert (tensor.name, tensor.role) == ("constants.c0", "constant")
    assert tensor.read().tolist() == [1, 2, 4]


def test_names_from_the_file_are_made_safe(tmp_path: Path) -> None:
    hostile = {"a\x1b]0;owned\x07\nb": torch.ones(1), "x" * 5000: torch.ones(1), "": torch.ones(1)}
    path = tmp_path / "hostile.pt"
    torch.save(hostile, path)
    tensors = open_model(path).tensors
    assert tensors[0].name == "a\\x1b]0;owned\\x07\\x0ab"
    assert len(tensors[1].name) <= 600
    assert all(tensor.name.isprintable() and tensor.name for tensor in tensors)


def test_a_file_without_tensors_says_so(tmp_path: Path) -> None:
    path = tmp_path / "numbers.pt"
    torch.save({"epoch": 1}, path)
    with pytest.raises(LoadError, match="holds no tensors"):
        open_model(path)
