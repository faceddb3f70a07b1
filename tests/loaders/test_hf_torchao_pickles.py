"""Tensor subclasses of torchao in pickles: their parts, and what the pickle says of them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from hf_files import only_weight, same_values
from torchao_files import FEATURES, OUT, drawn, plain, scales, spread

from tensorpeek.loaders import Model, open_model


class Saved:
    """Pickles as a tensor subclass of torchao does (``torch.Tensor.__reduce_ex__``)."""

    def __init__(self, kind: type, dtype: torch.dtype, shape: object, state: object) -> None:
        strides = (FEATURES, 1)
        facts = (kind, dtype, shape, strides, 0, torch.strided, torch.device("cpu"), False)
        self.arguments = (torch._utils._rebuild_wrapper_subclass, kind, facts, state)

    def __reduce_ex__(self, _: object) -> tuple[object, tuple[object, ...]]:
        return torch._tensor._rebuild_from_type_v2, self.arguments


def _pickled(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    state: object,
    *,
    shape: object = (OUT, FEATURES),
) -> Model:
    module = ModuleType("torchao.quantization")
    cls = type(kind, (), {"__module__": module.__name__})
    setattr(module, kind, cls)
    monkeypatch.setitem(sys.modules, "torchao", ModuleType("torchao"))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    saved = Saved(cls, torch.bfloat16, shape, state)
    torch.save({"layer.weight": saved, "layer.bias": torch.zeros(OUT)}, folder / "model.bin")
    return open_model(folder / "model.bin")


@pytest.mark.parametrize("config", [None, {"quant_method": "torchao"}], ids=["alone", "told"])
def test_a_pickle_holds_the_parts_and_what_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: dict[str, Any] | None
) -> None:
    codes, scale, point = drawn(OUT, FEATURES), scales(OUT, 4), drawn(OUT, 4, low=-9, high=9)
    if config is not None:
        (tmp_path / "config.json").write_text(json.dumps({"quantization_config": config}))
    state = {
        "qdata": codes,
        "scale": scale,
        "block_size": [1, 16],
        "zero_point": point,
        "act_quant_scale": None,
        "reduce_range": False,
    }
    model = _pickled(tmp_path, monkeypatch, "Int8Tensor", state)
    weight = only_weight(model)
    difference = codes.bfloat16() - spread(point, codes.shape).bfloat16()
    values = (difference * spread(scale, codes.shape)).bfloat16()
    same_values(weight, codes, plain(values))
    assert {tensor.name for tensor in model.tensors} == {"layer.weight", "layer.bias"}
    assert [part.label for part in weight.parts] == ["torchao", "qdata", "scale", "zero_point"]


def test_a_pickle_of_integers_of_4_bits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    codes = drawn(OUT, FEATURES, low=-8, high=7)
    scale = scales(2, OUT, dtype=torch.bfloat16)
    state = {
        "qdata": codes[:, ::2] & 15 | codes[:, 1::2] << 4,
        "scale": scale,
        "zero_point": scale - 0.05,
        "block_size": (1, 32),
    }
    model = _pickled(tmp_path, monkeypatch, "Int4Tensor", state)
    steps, shifts = (spread(each.T, codes.shape).float() for each in (scale, scale - 0.05))
    values = (codes.float() * steps + shifts).bfloat16()
    same_values(only_weight(model), codes, plain(values))


PICKLED: dict[str, tuple[str, Any, Any]] = {
    "an unknown class": ("AffineQuantizedTensor", {"qdata": drawn(4, 8)}, (4, 8)),
    "no block": ("Int8Tensor", {"qdata": drawn(4, 8), "scale": scales(4, 1)}, (4, 8)),
    "a block of text": ("Int8Tensor", {"qdata": drawn(4, 8), "block_size": "x"}, (4, 8)),
    "a block of blocks": ("Int8Tensor", {"qdata": drawn(4, 8), "block_size": [[1], [2]]}, (4, 8)),
    "a block of thousands": ("Int8Tensor", {"qdata": drawn(4, 8), "block_size": [1] * 9999}, 3),
    "a long name": ("X" * 300, {"qdata": drawn(4, 8)}, (4, 8)),
    "a shape of huge sizes": (
        "Int4Tensor",
        {part: drawn(4, 8) for part in ("qdata", "scale", "zero_point")},
        (1 << 62, 1 << 62),
    ),
}


@pytest.mark.parametrize(("kind", "state", "shape"), PICKLED.values(), ids=PICKLED)
def test_pickles_that_fit_nothing_show_their_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, state: dict[str, Any], shape: object
) -> None:
    held = {key: value.clone() if key != "block_size" else value for key, value in state.items()}
    model = _pickled(tmp_path, monkeypatch, kind, held, shape=shape)
    assert len(model.warnings) == 1
    names = {tensor.name for tensor in model.tensors}
    assert {"layer.weight.qdata", "layer.bias"} <= names
    for tensor in model.tensors:
        tensor.read()
