"""The figures of a table as far as a diagnosis has them: the same numbers, without measuring."""

from __future__ import annotations

from tensorpeek.analysis.diagnosis import Diagnosis
from tensorpeek.analysis.overview.tensor_figures import Figures
from tensorpeek.analysis.overview.weight_figures import ROUNDED, Weighed, unfit_to_round
from tensorpeek.loaders import Tensor


def known_figures(tensor: Tensor, diagnosis: Diagnosis) -> Figures | None:
    """Return what :func:`tensor_figures` gives, None where a diagnosis tells less.

    Its small histogram is the same for floats of at most 16 bits: the bins of others hold whole
    levels here, or are counted within a bucket there.
    """
    summary = diagnosis.summary
    is_narrow = tensor.quantization is None and tensor.value_type("dequantized").itemsize <= 2
    if summary is None or not isinstance(summary.minimum, float) or not is_narrow:
        return None
    return Figures(summary, diagnosis.histogram)


def known_sqnr(tensor: Tensor, diagnosis: Diagnosis) -> Weighed | None:
    """Return what :func:`int8_sqnr` gives, None where a diagnosis does not tell it."""
    if unfit_to_round(tensor, "dequantized") is not None:
        return None
    errors = {error.granularity: error for error in diagnosis.errors if error.grid == ROUNDED.name}
    has_one_scale = "errors per channel" not in diagnosis.absent
    error = errors.get("channel") or (errors.get("tensor") if has_one_scale else None)
    if error is None or error.sqnr_db is None:
        return None
    return Weighed(error.sqnr_db)


def known_condition(diagnosis: Diagnosis) -> Weighed | None:
    """Return what :func:`condition_number` gives, None where a diagnosis does not tell it."""
    found = diagnosis.spectrum
    return None if found is None or found.condition is None else Weighed(found.condition)
