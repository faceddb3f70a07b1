"""Real GGUF files: every tensor has the facts that libggml's own dequantization gives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tensorpeek.analysis import default_edges, measure, quantization_facts
from tensorpeek.loaders import Model, open_model

FILES = ["all-ggml-types", "stories260K-f16", "stories260K-q8_0"]
PLAIN = {"F32", "F16", "BF16", "F64", "I8", "I16", "I32", "I64"}


@pytest.fixture(params=FILES)
def known(request: pytest.FixtureRequest, shared_data: Path) -> tuple[Model, list[dict[str, Any]]]:
    folder = shared_data / "formats"
    truth = folder / "truth" / "gguf" / f"{request.param}.gguf.json"
    return open_model(folder / "gguf" / f"{request.param}.gguf"), json.loads(truth.read_text())


def test_names_shapes_and_types(known: tuple[Model, list[dict[str, Any]]]) -> None:
    model, truth = known
    assert model.warnings == ()
    assert [tensor.name for tensor in model.tensors] == [row["name"] for row in truth]
    for tensor, row in zip(model.tensors, truth, strict=True):
        assert tensor.error is None
        assert tensor.shape == tuple(row["shape"])
        source = tensor.quantization.source if tensor.quantization else None
        assert source == (None if row["dtype"] in PLAIN else f"GGUF {row['dtype']}")


def test_statistics_of_the_values(known: tuple[Model, list[dict[str, Any]]]) -> None:
    model, truth = known
    for tensor, row in zip(model.tensors, truth, strict=True):
        summary = measure(tensor).summary
        assert summary.count == row["numel"]
        assert (summary.minimum, summary.maximum) == (row["min"], row["max"]), tensor.name
        assert summary.mean == pytest.approx(row["mean"], rel=1e-9, abs=1e-12)
        assert summary.std == pytest.approx(row["std"], rel=1e-9)


def test_every_view_has_a_histogram(known: tuple[Model, list[dict[str, Any]]]) -> None:
    for tensor in known[0].tensors:
        for view in tensor.views:
            distribution = measure(tensor, view)
            edges = default_edges(tensor, view, distribution, 50)
            assert distribution.histogram(edges).counts.sum() == tensor.params


def test_facts_about_the_quantization(known: tuple[Model, list[dict[str, Any]]]) -> None:
    for tensor in known[0].tensors:
        if tensor.quantization is None:
            continue
        facts = quantization_facts(tensor, measure(tensor, "raw"))
        assert facts.block is not None
        assert facts.groups == tensor.params // facts.block
        assert 0 < facts.scale_mean < np.inf
        assert facts.raw_min is not None
        assert facts.raw_max is not None
        assert facts.code_low <= facts.raw_min < facts.raw_max <= facts.code_high
