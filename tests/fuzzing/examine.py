"""Open a model and read all of it: there may be a LoadError, and nothing else may go wrong."""

from __future__ import annotations

import pickle
from pathlib import Path

from tensorpeek.analysis import measure, quantization_facts
from tensorpeek.loaders import LoadError, Model, Tensor, find_models, open_model
from tensorpeek.loaders.clean import clean

BUDGET = 1 << 26
"""Bytes that are read of one model; tensors that claim more than is left are skipped."""

MEASURED = 4
MEASURED_SIZE = 1 << 14


def examine(path: Path) -> str:
    """Return ``refused`` or ``opened``. Raises whatever else the readers raise, which is a defect.

    An AssertionError tells of values that are not as the tensor says.
    """
    find_models([path.parent])
    try:
        model = open_model(path)
    except LoadError as error:
        _check_text(str(error))
        return "refused"
    _check_model(model)
    left = BUDGET
    for tensor in model.tensors:
        left -= sum(_read(each, left) for each in (tensor, *tensor.parts))
    small = [tensor for tensor in model.tensors if tensor.params <= MEASURED_SIZE]
    for tensor in small[:MEASURED]:
        _measure(tensor)
    return "opened"


def _check_text(text: str) -> None:
    assert clean(text, 1 << 20) == text, f"text that is not clean: {text!r}"


def _check_model(model: Model) -> None:
    names = [tensor.name for tensor in model.tensors]
    assert len(set(names)) == len(names), "a name comes twice"
    assert sum(len(group) for group in model.layers.values()) == len(names)
    assert model.params >= 0
    for text in (model.format, *model.warnings, *model.metadata, *model.metadata.values()):
        _check_text(text)
    for tensor in model.tensors:
        for text in (tensor.name, tensor.layer, tensor.label, tensor.error or "", *tensor.aliases):
            _check_text(text)
        assert min(tensor.shape, default=0) >= 0
        assert tensor.nbytes >= 0


def _read(tensor: Tensor, budget: int) -> int:
    """Read all views; return the bytes that they took."""
    read = 0
    for view in tensor.views:
        claimed = tensor.params * tensor.value_type(view).itemsize
        if claimed > budget - read:
            continue
        read += claimed
        try:
            _read_view(tensor, view)
        except LoadError as error:
            _check_text(str(error))
    if tensor.quantization is not None:
        try:
            tensor.quantization.scales()
            tensor.quantization.zero_points()
        except LoadError:
            pass
    assert pickle.loads(pickle.dumps(tensor)).name == tensor.name
    return read


def _read_view(tensor: Tensor, view: str) -> None:
    for ordered in (False, True):
        count = 0
        for chunk in tensor.chunks(view, ordered=ordered):
            assert chunk.ndim == 1
            assert chunk.dtype == tensor.value_type(view), f"{chunk.dtype} in the {view} view"
            count += chunk.size
        assert count == tensor.params, f"{count} values where there should be {tensor.params}"


def _measure(tensor: Tensor) -> None:
    for view in tensor.views:
        try:
            distribution = measure(tensor, view)
            assert distribution.summary.count == tensor.params
            if tensor.quantization is not None and view == "raw":
                quantization_facts(tensor, distribution)
        except LoadError as error:
            _check_text(str(error))
