"""Convolution kernels: the order of their axes, their filters as maps, which ones are alike."""

from tensorpeek.analysis.kernels.filters import (
    DEAD,
    Filters,
    Kernel,
    read_filter,
    read_filters,
    read_input,
)
from tensorpeek.analysis.kernels.layouts import KernelLayout, kernel_layout, possible_layouts
from tensorpeek.analysis.kernels.similarity import Similarity, filter_similarity

__all__ = [
    "DEAD",
    "Filters",
    "Kernel",
    "KernelLayout",
    "Similarity",
    "filter_similarity",
    "kernel_layout",
    "possible_layouts",
    "read_filter",
    "read_filters",
    "read_input",
]
