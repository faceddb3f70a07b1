"""The lines under a title: which file, which tensor, which values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tensorpeek.tui.number_text import number, size

if TYPE_CHECKING:
    from tensorpeek.analysis import Summary
    from tensorpeek.loaders import Model, Tensor, View


def tensor_facts(tensor: Tensor, view: View | None, model: Model | None) -> str:
    """Return file, type, shape and size of a tensor; ``view`` None is both of them."""
    sides = " × ".join(str(side) for side in tensor.shape) or "scalar"
    facts = [] if model is None else [model.name]
    kind = tensor.dtype
    if tensor.quantization is not None:
        kind += f" {view or 'raw and dequantized'}"
    facts += [kind, sides, f"{tensor.params:,} parameter{'' if tensor.params == 1 else 's'}"]
    return "  ·  ".join(facts)


def model_facts(model: Model) -> str:
    """Return format and size of a model."""
    total = sum(tensor.nbytes for tensor in model.tensors)
    facts = (model.format, f"{model.params:,} parameters", size(total))
    return "  ·  ".join(facts)


def summary_words(summary: Summary) -> str:
    """Return the measures of a summary in one line."""
    measures = {
        "min": summary.minimum,
        "max": summary.maximum,
        "mean": summary.mean,
        "std": summary.std,
    }
    words = [f"{name} {number(value, 5)}" for name, value in measures.items()]
    words.append(f"zeros {summary.zeros:,}")
    infinite = summary.positive_infinity + summary.negative_infinity
    words += [
        f"{name} {count:,}" for name, count in (("NaN", summary.nan), ("Inf", infinite)) if count
    ]
    return "   ".join(words)
