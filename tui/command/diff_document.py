"""The comparison of two models as JSON."""

from __future__ import annotations

from collections.abc import Sequence

from tensorpeek.analysis.comparison import Comparison, Difference
from tensorpeek.loaders import Model, Tensor
from tensorpeek.tui.command.diff import ModelDiff
from tensorpeek.tui.command.document import Json, print_lists


def print_json(found: ModelDiff, errors: Sequence[Json]) -> None:
    """Print the comparison under the schema ``tensorpeek.diff/1``."""
    print_lists(
        "diff",
        {
            "a": _model(found.first),
            "b": _model(found.second),
            "tolerance": found.tolerance,
            "counts": {
                "pairs": len(found.comparisons),
                "differing": found.differing,
                "unmatched_a": len(found.only_first),
                "unmatched_b": len(found.only_second),
                "unreadable": found.unreadable,
            },
            "pairs": [_pair(one, found.tolerance) for one in found.comparisons],
            "unmatched_a": [_tensor(tensor) for tensor in found.only_first],
            "unmatched_b": [_tensor(tensor) for tensor in found.only_second],
            "errors": list(errors),
        },
    )


def _model(model: Model) -> Json:
    return {"path": str(model.path), "format": model.format}


def _tensor(tensor: Tensor) -> Json:
    return {
        "name": tensor.name,
        "role": tensor.role,
        "dtype": tensor.dtype,
        "shape": list(tensor.shape),
    }


def _pair(one: Comparison, tolerance: float) -> Json:
    alignment = one.alignment
    return {
        "a": _tensor(one.pair.first),
        "b": _tensor(one.pair.second),
        "rule": one.pair.rule,
        "layout": alignment.name,
        "permutation": list(alignment.permutation) if alignment.permutation else None,
        "differs": one.differs(tolerance),
        **_measures(one.difference),
        "note": one.note,
        "error": one.error,
    }


def _measures(difference: Difference | None) -> Json:
    names = (
        *("count", "changed", "changed_share", "both_nan", "not_finite", "max_delta"),
        *("relative_error", "sqnr", "cosine", "l2_ratio"),
    )
    measures: Json = {name: getattr(difference, name, None) for name in names}
    worst = difference.worst_channel if difference is not None else None
    measures["worst_channel"] = worst and {
        "axis": worst.axis,
        "index": worst.index,
        "relative_error": worst.relative_error,
    }
    return measures
