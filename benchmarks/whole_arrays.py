"""Measure a model by whole arrays, one tensor and one call after the other. Prints JSON.

Run as a script: ``python benchmarks/whole_arrays.py FILE [--no-spectra]``. This is how other tools
do it: torch.linalg.svd with vectors, one numpy.percentile for each percentile, float32 throughout.
"""

from __future__ import annotations

import argparse
import json
import math
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file


def main() -> None:
    """Measure every tensor of a file."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("file")
    parser.add_argument("--no-spectra", action="store_true")
    options = parser.parse_args()
    found = {}
    for name, tensor in load_file(options.file).items():
        values = tensor.detach().float()
        found[name] = _basic(values) | _sparsity(values) | _quantization(values)
        if not options.no_spectra and values.ndim > 1:
            found[name] |= _spectral(values)
    print(json.dumps(found))


def _basic(values: torch.Tensor) -> dict[str, Any]:
    standard = (values - values.mean()) / values.std()
    return {
        "mean": values.mean().item(),
        "std": values.std().item(),
        "min": values.min().item(),
        "max": values.max().item(),
        "l2_norm": torch.norm(values).item(),
        "zeros_percent": 100 * (values == 0).sum().item() / values.numel(),
        "skewness": (standard**3).mean().item(),
        "excess_kurtosis": (standard**4).mean().item() - 3,
    }


def _sparsity(values: torch.Tensor) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for limit in (0.0, 1e-6, 1e-4, 1e-2):
        found[f"near_zero_{limit}"] = (values.abs() <= limit).sum().item() / values.numel()
    if values.ndim == 2:
        found["dead_rows"] = (values.abs() <= 1e-6).all(dim=1).sum().item()
        found["dead_columns"] = (values.abs() <= 1e-6).all(dim=0).sum().item()
    magnitudes = values.abs().numpy()
    for percent in (10, 25, 50, 75, 90):
        found[f"magnitude_p{percent}"] = float(np.percentile(magnitudes, percent))
    return found | {"absolute_mean": float(np.mean(magnitudes))}


def _quantization(values: torch.Tensor) -> dict[str, Any]:
    flat = values.flatten()
    first, third = (float(np.percentile(flat.numpy(), percent)) for percent in (25, 75))
    apart = third - first
    found: dict[str, Any] = {}
    for far in (1.5, 3.0):
        outside = (flat < first - far * apart) | (flat > third + far * apart)
        found[f"outliers_{far}"] = outside.sum().item() / flat.numel()
    largest = flat.abs().max().item()
    found["dynamic_range"] = largest / (flat.abs().mean().item() + 1e-10)
    scale = largest / 127
    rounded = torch.round(flat / scale).clamp(-127, 127) * scale
    found["int8 symmetric"] = _errors(flat, rounded)
    low, high = min(flat.min().item(), 0), max(flat.max().item(), 0)
    scale = (high - low) / 255
    point = round(-low / scale)
    rounded = (torch.round(flat / scale + point).clamp(0, 255) - point) * scale
    found["int8 asymmetric"] = _errors(flat, rounded)
    return found


def _errors(values: torch.Tensor, rounded: torch.Tensor) -> dict[str, float]:
    mse = ((values - rounded) ** 2).mean().item()
    return {
        "mse": mse,
        "mae": (values - rounded).abs().mean().item(),
        "cosine": torch.nn.functional.cosine_similarity(values[None], rounded[None]).item(),
        "sqnr_db": 10 * math.log10((values**2).mean().item() / mse),
    }


def _spectral(values: torch.Tensor) -> dict[str, Any]:
    _, singular, _ = torch.linalg.svd(values, full_matrices=False)
    top, energy = singular[0].item(), singular**2
    shares = singular / singular.sum()
    return {
        "largest": top,
        "smallest": singular[-1].item(),
        "condition": top / singular[-1].item(),
        "stable_rank": energy.sum().item() / top**2,
        "effective_rank": int((singular > 0.01 * top).sum()),
        "entropy_rank": math.exp(-(shares * torch.log(shares)).sum().item()),
        "nuclear_norm": singular.sum().item(),
        "energy": [(energy[:count].sum() / energy.sum()).item() for count in (1, 8, 32, 128)],
    }


if __name__ == "__main__":
    main()
