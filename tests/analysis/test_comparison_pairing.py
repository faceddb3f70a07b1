"""Which tensors of two models are taken for the same ones, and by which rule."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from made_tensors import tensor_of

from tensorpeek.analysis.comparison import pair_tensors
from tensorpeek.analysis.comparison.names import bare_name, hugging_face_name
from tensorpeek.loaders import Tensor, open_model
from tensorpeek.loaders.naming import role_of, split_name


def named(name: str, *shape: int, **facts: object) -> Tensor:
    layer, label = split_name(name)
    facts = {"role": role_of(label), **facts}
    plain = tensor_of(np.zeros(shape, np.float32), name=name)
    return dataclasses.replace(plain, layer=layer, label=label, **facts)  # type: ignore[arg-type]


def rules(first: list[Tensor], second: list[Tensor]) -> dict[tuple[str, str], str]:
    found = pair_tensors(first, second)
    assert len(found.pairs) + len(found.only_first) == len(first)
    assert len(found.pairs) + len(found.only_second) == len(second)
    return {(pair.first.name, pair.second.name): pair.rule for pair in found.pairs}


@pytest.mark.parametrize(
    ("name", "bare"),
    [
        ("model.layers.0.weight", "layers.0.weight"),
        ("module.model.fc.weight", "fc.weight"),
        ("_orig_mod.fc.weight", "fc.weight"),
        ("layers.0._orig_mod.fc.weight", "layers.0.fc.weight"),
        ("model", "model"),
        ("model.model", "model"),
        ("fc.weight", "fc.weight"),
    ],
)
def test_names_without_what_holds_the_model(name: str, bare: str) -> None:
    assert bare_name(name) == bare


LLAMA = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
    "output.weight": "lm_head.weight",
    "blk.3.attn_norm.weight": "model.layers.3.input_layernorm.weight",
    "blk.3.attn_q.weight": "model.layers.3.self_attn.q_proj.weight",
    "blk.3.attn_k.bias": "model.layers.3.self_attn.k_proj.bias",
    "blk.3.attn_v.weight": "model.layers.3.self_attn.v_proj.weight",
    "blk.3.attn_output.weight": "model.layers.3.self_attn.o_proj.weight",
    "blk.3.ffn_norm.weight": "model.layers.3.post_attention_layernorm.weight",
    "blk.3.ffn_gate.weight": "model.layers.3.mlp.gate_proj.weight",
    "blk.3.ffn_up.weight": "model.layers.3.mlp.up_proj.weight",
    "blk.13.ffn_down.weight": "model.layers.13.mlp.down_proj.weight",
}


def test_names_of_llama_in_gguf_and_hugging_face_files() -> None:
    first = [named(name, 4, 4) for name in LLAMA]
    second = [named(name, 4, 4) for name in reversed(LLAMA.values())]
    assert rules(first, second) == dict.fromkeys(LLAMA.items(), "GGUF name")
    assert rules(second, first) == dict.fromkeys(((b, a) for a, b in LLAMA.items()), "GGUF name")


def test_names_of_llama_agree_with_the_gguf_library() -> None:
    gguf = pytest.importorskip("gguf")
    mapping = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, 16)
    for stored, original in LLAMA.items():
        assert mapping.get_name(original, try_suffixes=(".weight", ".bias")) == stored
        assert hugging_face_name(stored) == original.removeprefix("model.")


def test_exact_names_come_first_also_where_shapes_differ() -> None:
    first = [named("fc.weight", 2, 3), named("model.fc.weight", 2, 3)]
    second = [named("fc.weight", 9, 9), named("module.fc.weight", 2, 3)]
    assert rules(first, second) == {
        ("fc.weight", "fc.weight"): "same name",
        ("model.fc.weight", "module.fc.weight"): "name without prefixes",
    }


def test_an_ambiguous_name_is_paired_by_no_name() -> None:
    first = [named("model.fc.weight", 2, 3), named("module.fc.weight", 2, 3)]
    assert rules(first, [named("fc.weight", 2, 3)]) == {}


def test_aliases() -> None:
    tied = named("embed.weight", 5, 5, aliases=("head.weight",))
    assert rules([tied], [named("head.weight", 5, 5)]) == {
        ("embed.weight", "head.weight"): "another name in the file"
    }


def keras(layer: str, label: str, *shape: int) -> Tensor:
    tensor = named(f"{layer}.{label}", *shape)
    return dataclasses.replace(tensor, name=f"{layer}/{label}:0")


def test_labels_of_keras_and_pytorch() -> None:
    first = [
        keras("bn", label, 8) for label in ("gamma", "beta", "moving_mean", "moving_variance")
    ] + [keras("conv", "kernel", 3, 3, 4, 8)]
    second = [named(f"bn.{label}", 8) for label in ("weight", "bias", "running_mean")]
    second += [named("bn.running_var", 8), named("model/conv/Conv2D.weight", 8, 4, 3, 3)]
    found = rules(first, second)
    assert found == {
        ("bn/gamma:0", "bn.weight"): "layer and label",
        ("bn/beta:0", "bn.bias"): "layer and label",
        ("bn/moving_mean:0", "bn.running_mean"): "layer and label",
        ("bn/moving_variance:0", "bn.running_var"): "layer and label",
        ("conv/kernel:0", "model/conv/Conv2D.weight"): "layer and label",
    }


def test_a_layer_of_the_same_name_that_does_not_fit_is_another_one() -> None:
    # Names that moved by one: the bias alone would fit the wrong layer.
    first = [keras("conv", "kernel", 3, 3, 4, 8), keras("conv", "bias", 8)]
    first += [keras("conv_1", "kernel", 3, 3, 8, 8), keras("conv_1", "bias", 8)]
    second = [named("m/conv_1.weight", 8, 4, 3, 3), named("m/conv_1.bias", 8)]
    second += [named("m/conv_2.weight", 8, 8, 3, 3), named("m/conv_2.bias", 8)]
    second = [dataclasses.replace(one, layer=one.layer.replace("m/", "model/")) for one in second]
    assert rules(first, second) == {
        ("conv/kernel:0", "m/conv_1.weight"): "shape and order",
        ("conv/bias:0", "m/conv_1.bias"): "layer of a matched weight",
        ("conv_1/kernel:0", "m/conv_2.weight"): "shape and order",
        ("conv_1/bias:0", "m/conv_2.bias"): "layer of a matched weight",
    }


def test_shape_and_order_need_as_many_on_both_sides() -> None:
    first = [named("a.weight", 4, 4), named("b.weight", 4, 4)]
    second = [named("x.weight", 4, 4), named("y.weight", 4, 4)]
    found = pair_tensors(first, second)
    assert [(one.first.name, one.second.name) for one in found.pairs] == [
        ("a.weight", "x.weight"),
        ("b.weight", "y.weight"),
    ]
    assert all(pair.alone for pair in found.pairs)
    assert rules(first, second[:1]) == {}
    assert rules(first, [*second, named("z.weight", 4, 4)]) == {}


def test_vectors_are_paired_by_shape_only_where_they_are_alone() -> None:
    assert rules([named("a.bias", 9)], [named("x", 9, role="other")]) == {
        ("a.bias", "x"): "only one of its shape"
    }
    assert rules([named("a.bias", 9), named("b.bias", 9)], [named("x.bias", 9)] * 1) == {}


def test_optimizer_state_and_scales_are_never_paired_by_shape() -> None:
    for role in ("optimizer state", "output scale"):
        assert rules([named("a", 9, 9, role=role)], [named("x", 9, 9, role=role)]) == {}


def test_many_layers_are_paired_quickly() -> None:
    first = [named(f"h.{place}.weight", 8, place % 50 + 1) for place in range(3000)]
    second = [named(f"model/h/{place}.weight", 8, place % 50 + 1) for place in range(3000)]
    assert len(pair_tensors(first, second).pairs) == 3000


@pytest.mark.parametrize("other", ["resnet8_int8.pt", "resnet8.onnx", "resnet8_int8_qdq.onnx"])
def test_every_weight_of_the_samples_is_paired_by_name(samples: Path, other: str) -> None:
    first, second = open_model(samples / "resnet8.pt"), open_model(samples / other)
    found = pair_tensors(first.tensors, second.tensors)
    assert found.only_first == ()
    assert {pair.rule for pair in found.pairs} == {"same name"}
    assert all("scale" in one.role or "zero point" in one.role for one in found.only_second)
