"""The screen of risk of a driven app, and a model that is worth looking at there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from driven_app import DrivenApp, model_at, put_models
from made_tensors import tensor_of

from tensorpeek.loaders import Model, Tensor
from tensorpeek.tui.risk.screen import RiskScreen

RNG = np.random.default_rng(8)


def named(name: str, array: np.ndarray, dtype: str) -> Tensor:
    tensor = tensor_of(array, dtype, name=name)
    object.__setattr__(tensor, "layer", name.removesuffix(".weight"))
    return tensor


def spiked(share: float, size: float) -> np.ndarray:
    array = RNG.normal(size=(40, 64))
    flat = array.reshape(-1)
    flat[: round(share * flat.size)] *= size
    return array


def risky(path: Path) -> Model:
    """A model of five matrices, one of them with an infinity, and a vector of NaN."""
    broken = RNG.normal(size=(40, 64))
    broken[0, 0] = np.inf
    tensors = [
        named("calm.weight", RNG.uniform(-1, 1, (40, 64)), "float16"),
        named("normal.weight", RNG.normal(size=(40, 64)), "bfloat16"),
        named("spiked.weight", spiked(0.02, 60.0), "float32"),
        named("broken.weight", broken, "float32"),
        named("flat.weight", np.outer(RNG.normal(size=40), RNG.normal(size=64)), "float64"),
        named("norm.weight", np.full(64, np.nan), "float32"),
    ]
    return model_at(path, tensors)


def put_risky(monkeypatch: pytest.MonkeyPatch, path: Path) -> Path:
    """Let the app open the model of :func:`risky` at a path."""
    put_models(monkeypatch, {path: risky(path)})
    return path


def risk_screen(app: DrivenApp) -> RiskScreen:
    assert isinstance(app.main, RiskScreen), app.text()
    return app.main
