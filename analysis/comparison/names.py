"""The names of a tensor that mean the same in different frameworks and formats."""

from __future__ import annotations

import re

from tensorpeek.loaders import Tensor

WRAPPERS = frozenset({"_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"})
"""Parts of names that torch.compile, FSDP and checkpointing add anywhere."""

PREFIXES = frozenset(
    {"model", "module", "state_dict", "base_model", "transformer", "network", "_forward_module"}
)
"""First parts of names that say only what holds the model; also ``model_1`` and the like."""

_OPERATORS = frozenset({"BiasAdd", "Conv2D", "Conv1D", "MatMul", "Conv", "Gemm", "Add"})

_LABELS = {
    "kernel": "weight",
    "depthwise_kernel": "weight",
    "embeddings": "weight",
    "embedding": "weight",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}

_GGUF = {
    "token_embd": "embed_tokens",
    "output_norm": "norm",
    "output": "lm_head",
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_qkv": "self_attn.qkv_proj",
    "attn_output": "self_attn.o_proj",
    "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
    "ffn_gate_inp": "mlp.gate",
}
"""Layers of llama-like models in GGUF and in Hugging Face files (llama.cpp's tensor_mapping)."""

_BLOCK = re.compile(r"blk\.(\d+)\.(\w+)\.(\w+)")
_OUTSIDE = re.compile(r"(token_embd|output_norm|output)\.(\w+)")
_HOLDER = re.compile(r"model_\d+")


def bare_name(name: str) -> str:
    """Return a dotted name without wrappers and without what holds the model."""
    parts = [part for part in name.split(".") if part not in WRAPPERS]
    while len(parts) > 1 and parts[0] in PREFIXES:
        parts = parts[1:]
    return ".".join(parts)


def layer_key(tensor: Tensor) -> str:
    """Return a tensor's layer, split at dots and slashes, without holders and a last operator."""
    if tensor.layer == tensor.name:  # a name without a layer
        return bare_name(tensor.name)
    parts = [part for part in re.split(r"[./]", tensor.layer) if part not in WRAPPERS]
    while len(parts) > 1 and (parts[0] in PREFIXES or _HOLDER.fullmatch(parts[0])):
        parts = parts[1:]
    if len(parts) > 1 and parts[-1] in _OPERATORS:
        parts = parts[:-1]
    return ".".join(parts)


def label_key(tensor: Tensor) -> str:
    """Return a tensor's label in PyTorch's words: ``weight`` for a Keras ``kernel``."""
    return _LABELS.get(tensor.label, tensor.label)


def hugging_face_name(name: str) -> str:
    """Return the name, without ``model.``, that Hugging Face files of llama-like models use.

    ``blk.3.attn_q.weight`` becomes ``layers.3.self_attn.q_proj.weight``; names that are not
    GGUF's lose only wrappers and holders.
    """
    block = _BLOCK.fullmatch(name)
    if block is not None and block[2] in _GGUF:
        return f"layers.{block[1]}.{_GGUF[block[2]]}.{block[3]}"
    outside = _OUTSIDE.fullmatch(name)
    return f"{_GGUF[outside[1]]}.{outside[2]}" if outside is not None else bare_name(name)
