"""What a table of all tensors says of each one: figures, rounding error, condition, bits."""

from tensorpeek.analysis.overview.from_diagnosis import (
    known_condition,
    known_figures,
    known_sqnr,
)
from tensorpeek.analysis.overview.stored_bits import stored_bits
from tensorpeek.analysis.overview.tensor_figures import SPARK_BINS, Figures, tensor_figures
from tensorpeek.analysis.overview.weight_figures import (
    EASY_SPECTRUM,
    Weighed,
    condition_number,
    int8_sqnr,
    spectrum_cost,
)

__all__ = [
    "EASY_SPECTRUM",
    "SPARK_BINS",
    "Figures",
    "Weighed",
    "condition_number",
    "int8_sqnr",
    "known_condition",
    "known_figures",
    "known_sqnr",
    "spectrum_cost",
    "stored_bits",
    "tensor_figures",
]
