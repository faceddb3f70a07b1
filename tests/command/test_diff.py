"""The command that compares models, against torch and NumPy on files that tests write."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from command.in_memory import Put, Run, make_tensor, per_channel
from safetensors.numpy import save_file

RNG = np.random.default_rng(5)
WEIGHT = RNG.normal(size=(6, 8)).astype(np.float32)
BIAS = RNG.normal(size=6).astype(np.float32)


def answer(run: Run, *words: object, code: int = 0) -> Any:  # noqa: ANN401
    result = run("diff", *words, "--json")
    assert result.exit_code == code, result.output
    document = json.loads(result.stdout, parse_constant=pytest.fail)
    assert document["schema"] == "tensorpeek.diff/1"
    return document


def by_name(document: Any) -> dict[str, Any]:  # noqa: ANN401
    return {pair["a"]["name"]: pair for pair in document["pairs"]}


@pytest.fixture
def first(tmp_path: Path) -> Path:
    path = tmp_path / "a.safetensors"
    save_file({"model.fc.weight": WEIGHT, "model.fc.bias": BIAS}, path)
    return path


@pytest.fixture
def second(tmp_path: Path) -> Path:
    """The same model in another format and precision, with one tensor more."""
    path = tmp_path / "b.pt"
    weight = torch.from_numpy(WEIGHT).to(torch.float16)
    extra = torch.ones(3, 3).cumsum(0)
    torch.save({"fc.weight": weight, "fc.bias": torch.from_numpy(BIAS), "x.weight": extra}, path)
    return path


def test_json(run: Run, first: Path, second: Path) -> None:
    document = answer(run, first, second)
    assert document["a"] == {"path": str(first), "format": "safetensors"}
    assert document["b"] == {"path": str(second), "format": "PyTorch"}
    assert document["counts"] == {
        "pairs": 2,
        "differing": 1,
        "unmatched_a": 0,
        "unmatched_b": 1,
        "unreadable": 0,
    }
    assert [one["name"] for one in document["unmatched_b"]] == ["x.weight"]
    weight, bias = document["pairs"]
    a = WEIGHT.astype(np.float64)
    delta = WEIGHT.astype(np.float16).astype(np.float64) - a
    assert weight["a"]["name"] == "model.fc.weight"
    assert weight["b"] == {
        "name": "fc.weight",
        "role": "weight",
        "dtype": "float16",
        "shape": [6, 8],
    }
    assert weight["rule"] == "name without prefixes"
    assert weight["max_delta"] == np.abs(delta).max()
    sqnr = 10 * math.log10((a**2).sum() / (delta**2).sum())
    assert weight["sqnr"] == pytest.approx(sqnr, rel=1e-12)
    assert weight["differs"]
    assert (bias["max_delta"], bias["sqnr"], bias["differs"]) == (0, "Infinity", False)


def test_text(run: Run, first: Path, second: Path) -> None:
    result = run("diff", first, second)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == f"a  {first}  safetensors"
    rows = [line for line in lines if "name without prefixes" in line]
    assert [row.split()[0] for row in rows] == ["model.fc.weight", "model.fc.bias"]
    assert "Only in b, b.pt: 1 without a partner" in result.stdout
    assert re.search(r"x\.weight +weight +float32 +\(3, 3\) +9", result.stdout)
    assert lines[-1] == "2 pairs compared, 1 differ; 0 only in a, 1 only in b"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        pytest.param([], 0, id="differences are no failure unless asked"),
        pytest.param(["--exit-code"], 1, id="a difference"),
        pytest.param(["--exit-code", "--tolerance", "1"], 1, id="an unmatched tensor"),
        pytest.param(["fc", "--exit-code", "--tolerance", "1"], 0, id="within tolerance"),
        pytest.param(["*bias", "--exit-code"], 0, id="a pattern that selects equal tensors"),
        pytest.param(["nothing"], 2, id="a pattern that selects nothing"),
        pytest.param(["--tolerance", "-1"], 2, id="a negative tolerance"),
        pytest.param(["--tolerance", "nan", "--exit-code"], 2, id="no number as tolerance"),
    ],
)
def test_exit_codes(run: Run, first: Path, second: Path, words: list[str], code: int) -> None:
    assert run("diff", first, second, *words).exit_code == code


def test_a_model_does_not_differ_from_itself(run: Run, samples: Path) -> None:
    for name in ("resnet8.pt", "resnet8_int8.pt", "resnet8_uint8_qoperator.onnx"):
        document = answer(run, samples / name, samples / name, "--exit-code")
        assert document["counts"]["differing"] == 0
        assert document["unmatched_a"] == document["unmatched_b"] == []
        assert all(pair["rule"] == "same name" for pair in document["pairs"])
        assert all(pair["changed"] == pair["max_delta"] == 0 for pair in document["pairs"])


def test_activation_scales_are_no_failure(run: Run, put: Put) -> None:
    plain = put(make_tensor("fc.weight", WEIGHT), name="a.pt")
    scale = make_tensor("fc.scale", np.ones(()), role="output scale")
    quantized = put(make_tensor("fc.weight", WEIGHT), scale, name="b.pt")
    result = run("diff", plain, quantized, "--exit-code")
    assert result.exit_code == 0
    assert "1 of the role output scale, not listed" in result.stdout


def test_shapes_that_differ_are_loud(run: Run, put: Put) -> None:
    one = put(make_tensor("fc.weight", WEIGHT), name="a.pt")
    other = put(make_tensor("fc.weight", WEIGHT[:5]), name="b.pt")
    result = run("diff", one, other, "--exit-code")
    assert result.exit_code == 1
    assert "shapes differ: (6, 8) and (5, 8)" in result.stdout
    (pair,) = answer(run, one, other)["pairs"]
    assert (pair["differs"], pair["max_delta"]) == (True, None)


def test_nan_is_loud(run: Run, put: Put) -> None:
    sick = WEIGHT.copy()
    sick[0, 0] = np.nan
    one = put(make_tensor("fc.weight", WEIGHT), make_tensor("z.weight", WEIGHT), name="a.pt")
    other = put(make_tensor("fc.weight", sick), make_tensor("z.weight", -WEIGHT), name="b.pt")
    result = run("diff", one, other)
    assert "NaN/inf" in result.stdout
    pairs = answer(run, one, other, "--tolerance", "100")["pairs"]
    assert [pair["a"]["name"] for pair in pairs] == ["fc.weight", "z.weight"]
    assert (pairs[0]["not_finite"], pairs[0]["differs"]) == (1, True)
    result = run("diff", other, other, "--exit-code")
    assert result.exit_code == 0
    assert "1 NaN in both" in result.stdout


def test_pairs_by_order_that_are_unlike_carry_a_remark(run: Run, put: Put) -> None:
    swapped = [make_tensor("x.weight", WEIGHT[::-1]), make_tensor("y.weight", WEIGHT)]
    first = [make_tensor("a.weight", WEIGHT), make_tensor("b.weight", WEIGHT[::-1])]
    stdout = run("diff", put(*first, name="a.pt"), put(*swapped, name="b.pt")).stdout
    assert stdout.count("perhaps not the same tensor") == 2


def test_unreadable_files_and_tensors(run: Run, put: Put, tmp_path: Path) -> None:
    good = put(make_tensor("fc.weight", WEIGHT), name="a.pt")
    assert run("diff", good, tmp_path / "none.pt").exit_code == 3
    document = answer(run, tmp_path / "none.pt", good, code=3)
    assert document["errors"][0]["reason"] == "no such file"
    bad = put(make_tensor("fc.weight", WEIGHT, error="is damaged"), name="b.pt")
    result = run("diff", good, bad)
    assert result.exit_code == 3
    assert f"tensorpeek: {bad}: fc.weight: is damaged" in result.stderr
    assert "fc.weight: is damaged" in result.stdout


def test_a_folder_of_several_models_is_refused(run: Run, first: Path, second: Path) -> None:
    result = run("diff", first.parent, second)
    assert result.exit_code == 2
    assert "holds 2 models" in result.stderr


def test_help_has_examples(run: Run) -> None:
    assert "Examples:\n    tensorpeek diff" in run("diff", "--help").output


def test_hostile_names(run: Run, put: Put) -> None:
    name = "a [/red]\\x1b.weight"
    one = put(make_tensor(name, WEIGHT), name="a.pt")
    assert "[/red]" in run("diff", one, one).stdout


def torch_sqnr(a: torch.Tensor, b: torch.Tensor) -> float:
    a, b = a.double(), b.double()
    return float(10 * torch.log10(a.square().sum() / (b - a).square().sum()))


def unpacked(module: Any, layer: str) -> torch.Tensor:  # noqa: ANN401
    """The quantized weight of a layer of the int8 sample."""
    child = getattr(module, layer)
    if layer == "dense":
        return torch.ops.quantized.linear_unpack(child._packed_params._packed_params)[0]
    return torch.ops.quantized.conv2d_unpack(child._packed_params)[0]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_sqnr_of_the_int8_sample_agrees_with_torch(run: Run, samples: Path) -> None:
    pairs = by_name(answer(run, samples / "resnet8.pt", samples / "resnet8_int8.pt"))
    floats = torch.load(samples / "resnet8.pt", weights_only=False)["state_dict"]
    module = torch.jit.load(samples / "resnet8_int8.pt")
    weights = [name for name in pairs if name.endswith(".weight")]
    assert len(weights) == 10
    for name in weights:
        a = floats[name]
        b = unpacked(module, name.removesuffix(".weight")).dequantize()
        assert pairs[name]["sqnr"] == pytest.approx(torch_sqnr(a, b), rel=1e-9)
        assert pairs[name]["max_delta"] == float((b.double() - a.double()).abs().max())
        errors = (b.double() - a.double()).flatten(1).norm(dim=1)
        relative = errors / a.double().flatten(1).norm(dim=1)
        assert pairs[name]["worst_channel"]["index"] == int(relative.argmax())


def test_onnx_holds_the_weights_of_the_checkpoint(run: Run, samples: Path) -> None:
    document = answer(run, samples / "resnet8.pt", samples / "resnet8.onnx", "--exit-code")
    assert document["counts"]["pairs"] == 20
    assert document["counts"]["differing"] == 0


def test_keras_kernels_are_those_of_the_converted_model(run: Run, shared_data: Path) -> None:
    keras = shared_data / "tiny" / "pretrainedResnet.h5"
    document = answer(run, keras, shared_data / "seed" / "resnet8.pt")
    pairs = by_name(document)
    kernels = [name for name in pairs if name.startswith("conv2d") and "kernel" in name]
    assert len(kernels) == 9
    for name in kernels:
        assert pairs[name]["layout"] == "HWIO to OIHW"
        assert pairs[name]["permutation"] == [3, 2, 0, 1]
    assert len(pairs) == 20
    assert all(pair["changed"] == 0 for pair in pairs.values())
    assert "dense/kernel:0" in pairs


def test_seed_files(run: Run, shared_data: Path) -> None:
    seed = shared_data / "seed"
    pairs = by_name(answer(run, seed / "resnet8.pt", seed / "resnet8_int8.pt", "*BiasAdd*"))
    weights = [pair for name, pair in pairs.items() if name.endswith(".weight")]
    assert len(weights) == 9
    for pair in weights:
        assert pair["b"]["dtype"] == "int8"
        assert 30 < pair["sqnr"] < 60


def test_gguf_precisions(run: Run, shared_data: Path) -> None:
    folder = shared_data / "formats" / "gguf"
    document = answer(run, folder / "stories260K-f16.gguf", folder / "stories260K-q8_0.gguf")
    assert document["counts"]["pairs"] == 48
    assert document["counts"]["unmatched_a"] == document["counts"]["unmatched_b"] == 0
    assert all(pair["cosine"] > 0.999 for pair in document["pairs"])


def llama(tmp_path: Path) -> tuple[Path, Path]:
    """A query and a value projection as Hugging Face and as llama.cpp store them."""
    query, value = RNG.normal(size=(2, 64, 32)).astype(np.float32)
    names = "model.layers.0.self_attn.{}_proj.weight"
    plain = tmp_path / "model.safetensors"
    save_file({names.format("q"): query, names.format("v"): value}, plain)
    # llama.cpp, convert_hf_to_gguf.py, LlamaModel.permute with 4 heads
    permuted = query.reshape(4, 2, 8, 32).swapaxes(1, 2).reshape(64, 32)
    gguf = pytest.importorskip("gguf")
    writer = gguf.GGUFWriter(tmp_path / "model.gguf", "llama")
    writer.add_tensor("blk.0.attn_q.weight", permuted)
    writer.add_tensor("blk.0.attn_v.weight", value.astype(np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return plain, tmp_path / "model.gguf"


def test_safetensors_against_gguf(run: Run, tmp_path: Path) -> None:
    plain, gguf = llama(tmp_path)
    pairs = {pair["b"]["name"]: pair for pair in answer(run, plain, gguf)["pairs"]}
    assert {pair["rule"] for pair in pairs.values()} == {"GGUF name"}
    query, value = pairs["blk.0.attn_q.weight"], pairs["blk.0.attn_v.weight"]
    assert query["layout"] == "rotary rows as GGUF orders them (16 a head)"
    assert query["changed"] == 0
    assert value["layout"] is None
    assert 0 < value["max_delta"] < 0.01


def test_quantized_in_memory(run: Run, put: Put) -> None:
    codes = RNG.integers(-128, 128, (6, 8)).astype(np.int8)
    scales = RNG.uniform(0.1, 1, 6).astype(np.float32)
    floats = put(make_tensor("fc.weight", codes * scales[:, None]), name="a.pt")
    stored = put(make_tensor("fc.weight", codes, quantization=per_channel(scales)), name="b.pt")
    assert answer(run, floats, stored, "--exit-code")["counts"]["differing"] == 0
