"""A diagnosis as the JSON object of one tensor under the schema ``tensorpeek.scan/1``."""

from __future__ import annotations

import dataclasses
from typing import Any

from tensorpeek.analysis.diagnosis import Diagnosis, Request
from tensorpeek.analysis.diagnosis.weight_matrix import channel_axis
from tensorpeek.loaders import Tensor
from tensorpeek.tui.command.document import Json, tensor_facts

RECORD_KEYS = (
    "name", "layer", "role", "dtype", "shape", "params", "output_axis", "view", "severity",
    "reasons", "advice", "basic", "histogram", "sparsity", "quantization", "spectral",
    "absent", "error",
)  # fmt: skip
"""What every record has, in order."""


def record_of(tensor: Tensor, request: Request, diagnosis: Diagnosis) -> Json:
    """Return what is known of a tensor as plain JSON values, those not finite as floats."""
    return {
        **tensor_facts(tensor),
        "output_axis": channel_axis(tensor),
        "view": request.view,
        "severity": diagnosis.health.severity,
        "reasons": list(diagnosis.health.reasons),
        "advice": list(diagnosis.health.advice),
        "basic": _basic(diagnosis),
        "histogram": list(diagnosis.histogram) or None,
        "sparsity": _sparsity(diagnosis),
        "quantization": _quantization(diagnosis),
        "spectral": _plain(diagnosis.spectrum),
        "absent": dict(diagnosis.absent),
        "error": diagnosis.error,
    }


def _basic(diagnosis: Diagnosis) -> Json | None:
    summary, shape, outliers = diagnosis.summary, diagnosis.shape, diagnosis.outliers
    if summary is None:
        return None
    facts: Json = {
        "finite": summary.finite,
        "zeros": summary.zeros,
        "nan": summary.nan,
        "inf": summary.positive_infinity + summary.negative_infinity,
        "min": summary.minimum,
        "max": summary.maximum,
        "mean": summary.mean,
        "std": summary.std,
        "absolute_mean": summary.absolute_mean,
        "l2_norm": summary.l2_norm,
        "quantiles": _keyed(summary.quantiles),
    }
    names = ("skewness", "excess_kurtosis", "zeros_percent")
    facts |= _plain(shape) or dict.fromkeys(names)
    ends = ("iqr", "mild_percent", "extreme_percent", "dynamic_range", "crest_factor")
    return facts | {"outliers": _plain(outliers) or dict.fromkeys(ends)}


def _sparsity(diagnosis: Diagnosis) -> Json | None:
    if diagnosis.sparsity is None:
        return None
    return {
        **(_plain(diagnosis.sparsity) or {}),
        "structure": _plain(diagnosis.structure),
        "near_duplicate_channels": diagnosis.duplicates,
    }


def _quantization(diagnosis: Diagnosis) -> Json | None:
    if not diagnosis.errors and diagnosis.grid_use is None:
        return None
    return {
        "grids": [_plain(error) for error in diagnosis.errors],
        "clipping": [_plain(clipping) for clipping in diagnosis.clipping],
        "use": _plain(diagnosis.grid_use),
    }


def _plain(measure: Any) -> Json | None:  # noqa: ANN401 (any dataclass of measures)
    """Return a dataclass as JSON, with keys of text."""
    if measure is None:
        return None
    facts = dataclasses.asdict(measure)
    return {
        name: _keyed(value) if isinstance(value, dict) else value for name, value in facts.items()
    }


def _keyed(values: Any) -> Json | None:  # noqa: ANN401 (any mapping)
    if values is None:
        return None
    return {f"{key:g}" if isinstance(key, float) else str(key): v for key, v in values.items()}
